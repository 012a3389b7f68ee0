// System V semaphores, shared memory and message queues: semget(2), shmget(2), msgget(2) and what goes with them.
#include <abi/ipc.hpp>
#include <kernel/ipc/semaphore_undo.hpp>
#include <kernel/ipc/timeout.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

Ipc& ipc() { return hal::kernel().ipc; }

// Memory for the length of one call.
struct Scratch {
    void* memory = nullptr;
    ~Scratch() { free(memory); }
};

// --- Semaphores.

Result<i64> operate(MayBlock& context, i32 id, UserPointer<abi::SemaphoreOperation> operations, u32 count,
                    Instant deadline)
{
    if (count < 1 || id < 0) return Errno::einval;
    if (count > SemaphoreSet::operations_max) return Errno::e2big;
    constexpr u32 inline_count = 16;
    abi::SemaphoreOperation few[inline_count];
    Scratch many;
    abi::SemaphoreOperation* loaded = few;
    if (count > inline_count) {
        many.memory = allocate(context, count * sizeof few[0]);
        if (!many.memory) return Errno::enomem;
        loaded = static_cast<abi::SemaphoreOperation*>(many.memory);
    }
    TRY(copy_from_user(context, loaded, operations.address, count * sizeof few[0]));
    Ref<SemaphoreSet> set = TRY(ipc().semaphores.find(context, id));
    UndoEntry* undo = nullptr;
    for (u32 index = 0; index < count && !undo; index++)
        if (loaded[index].flags & abi::semaphore::undo) undo = TRY(SemaphoreUndo::entry_of_current(context, *set));
    TRY(set->operate(context, {loaded, count}, deadline, undo));
    return i64{0};
}

Result<i64> semaphore_info(MayBlock& context, bool in_use, u64 argument)
{
    abi::SemaphoreInfo info;
    i32 highest = ipc().semaphores.info(context, in_use, info);
    TRY(UserPointer<abi::SemaphoreInfo>(argument).store(context, info));
    return i64{highest};
}

Result<i64> semaphore_stat(MayBlock& context, Ref<SemaphoreSet> set, bool check_access, u64 argument)
{
    abi::SemaphoreSetStat stat = TRY(set->stat(context, check_access));
    TRY(UserPointer<abi::SemaphoreSetStat>(argument).store(context, stat));
    return i64{0};
}

Result<i64> semaphore_all(MayBlock& context, SemaphoreSet& set, bool write, u64 argument)
{
    usize bytes = set.count * sizeof(u16);
    Scratch scratch{allocate(context, bytes)};
    if (!scratch.memory) return Errno::enomem;
    auto* values = static_cast<u16*>(scratch.memory);
    if (write) {
        TRY(set.check_access(context, sysv_write));
        TRY(copy_from_user(context, values, UserAddress{argument}, bytes));
        TRY(set.set_all(context, values));
    } else {
        TRY(set.get_all(context, values));
        TRY(copy_to_user(context, UserAddress{argument}, values, bytes));
    }
    return i64{0};
}

}  // namespace

Result<i64> semget(MayBlock& context, i32 key, i32 count, u32 flags)
{
    return i64{TRY(ipc().semaphores.get(context, key, count, flags))};
}

Result<i64> semop(MayBlock& context, i32 id, UserPointer<abi::SemaphoreOperation> operations, u32 count)
{
    return operate(context, id, operations, count, Instant::never());
}

Result<i64> semtimedop(MayBlock& context, i32 id, UserPointer<abi::SemaphoreOperation> operations, u32 count,
                       UserPointer<abi::Timespec> timeout)
{
    return operate(context, id, operations, count, TRY(deadline_of_timeout(context, timeout)));
}

Result<i64> semctl(MayBlock& context, i32 id, i32 number, i32 command, u64 argument)
{
    namespace semaphore = abi::semaphore;
    if (id < 0) return Errno::einval;
    Semaphores& all = ipc().semaphores;
    if (command == abi::ipc::info || command == semaphore::info)
        return semaphore_info(context, command == semaphore::info, argument);
    if (command == semaphore::stat || command == semaphore::stat_any) {
        Ref<SemaphoreSet> set = TRY(all.at_index(context, id));
        i32 found = set->id();
        TRY(semaphore_stat(context, std::move(set), command == semaphore::stat, argument));
        return i64{found};
    }
    Ref<SemaphoreSet> set = TRY(all.find(context, id));
    u32 index = static_cast<u32>(number);
    switch (command) {
    case abi::ipc::stat:
        return semaphore_stat(context, std::move(set), true, argument);
    case abi::ipc::set: {
        abi::SemaphoreSetStat wanted = TRY(UserPointer<abi::SemaphoreSetStat>(argument).load(context));
        TRY(set->set_permissions(context, wanted.permissions));
        return i64{0};
    }
    case abi::ipc::remove:
        TRY(all.remove(context, *set));
        return i64{0};
    case semaphore::get_value:
        return i64{TRY(set->query(context, index, SemaphoreSet::Query::value))};
    case semaphore::get_pid:
        return i64{TRY(set->query(context, index, SemaphoreSet::Query::pid))};
    case semaphore::get_waiting:
        return i64{TRY(set->query(context, index, SemaphoreSet::Query::waiting))};
    case semaphore::get_waiting_zero:
        return i64{TRY(set->query(context, index, SemaphoreSet::Query::waiting_zero))};
    case semaphore::set_value:
        TRY(set->set_value(context, index, static_cast<i32>(argument)));
        return i64{0};
    case semaphore::get_all:
        return semaphore_all(context, *set, false, argument);
    case semaphore::set_all:
        return semaphore_all(context, *set, true, argument);
    default:
        return Errno::einval;
    }
}

// --- Shared memory.

Result<i64> shmget(MayBlock& context, i32 key, usize bytes, u32 flags)
{
    return i64{TRY(ipc().shared_segments.get(context, key, bytes, flags))};
}

Result<i64> shmat(MayBlock& context, i32 id, UserBuffer address, u32 flags)
{
    return static_cast<i64>(TRY(ipc().shared_segments.attach(context, id, address.value, flags)));
}

Result<i64> shmdt(MayBlock& context, UserBuffer address)
{
    TRY(ipc().shared_segments.detach(context, address.value));
    return i64{0};
}

Result<i64> shmctl(MayBlock& context, i32 id, i32 command, UserBuffer buffer)
{
    namespace shared_memory = abi::shared_memory;
    if (id < 0) return Errno::einval;
    SharedSegments& all = ipc().shared_segments;
    UserPointer<abi::SharedMemoryStat> target(buffer.value);
    switch (command) {
    case abi::ipc::info: {
        abi::SharedMemoryLimits limits;
        i32 highest = all.limits(context, limits);
        TRY(UserPointer<abi::SharedMemoryLimits>(buffer.value).store(context, limits));
        return i64{highest};
    }
    case shared_memory::info: {
        abi::SharedMemoryUse use;
        i32 highest = all.use(context, use);
        TRY(UserPointer<abi::SharedMemoryUse>(buffer.value).store(context, use));
        return i64{highest};
    }
    case abi::ipc::stat:
    case shared_memory::stat:
    case shared_memory::stat_any: {
        abi::SharedMemoryStat stat;
        bool by_index = command != abi::ipc::stat;
        i32 found = TRY(all.stat(context, id, by_index, command != shared_memory::stat_any, stat));
        TRY(target.store(context, stat));
        return i64{by_index ? found : 0};
    }
    case abi::ipc::set:
        TRY(all.set(context, id, TRY(target.load(context)).permissions));
        return i64{0};
    case abi::ipc::remove:
        TRY(all.remove(context, id));
        return i64{0};
    case shared_memory::lock:
        TRY(all.lock(context, id, true));
        return i64{0};
    case shared_memory::unlock:
        TRY(all.lock(context, id, false));
        return i64{0};
    default:
        return Errno::einval;
    }
}

// --- Message queues.

Result<i64> msgget(MayBlock& context, i32 key, u32 flags)
{
    return i64{TRY(ipc().sysv_queues.get(context, key, flags))};
}

Result<i64> msgsnd(MayBlock& context, i32 id, UserBuffer message, usize bytes, u32 flags)
{
    if (bytes > SysvQueue::message_bytes_max || id < 0) return Errno::einval;
    i64 type = TRY(UserPointer<i64>(message.value).load(context));
    if (type < 1) return Errno::einval;
    Owned<StoredMessage> stored =
        TRY(StoredMessage::create(context, type, UserAddress{message.value + sizeof type}, bytes));
    Ref<SysvQueue> queue = TRY(ipc().sysv_queues.find(context, id));
    TRY(queue->send(context, std::move(stored), !(flags & abi::ipc::no_wait)));
    return i64{0};
}

Result<i64> msgrcv(MayBlock& context, i32 id, UserBuffer message, usize bytes, i64 type, u32 flags)
{
    if (id < 0 || static_cast<i64>(bytes) < 0) return Errno::einval;
    // As Linux without checkpoint and restore.
    if (flags & abi::message::copy) return Errno::enosys;
    Ref<SysvQueue> queue = TRY(ipc().sysv_queues.find(context, id));
    Owned<StoredMessage> received = TRY(queue->receive(context, bytes, type, flags));
    usize stored = received->size < bytes ? received->size : bytes;
    TRY(UserPointer<i64>(message.value).store(context, received->rank));
    TRY(copy_to_user(context, UserAddress{message.value + sizeof received->rank}, received->data(), stored));
    return static_cast<i64>(stored);
}

Result<i64> msgctl(MayBlock& context, i32 id, i32 command, UserBuffer buffer)
{
    namespace message = abi::message;
    if (id < 0) return Errno::einval;
    SysvQueues& all = ipc().sysv_queues;
    UserPointer<abi::MessageQueueStat> target(buffer.value);
    switch (command) {
    case abi::ipc::info:
    case message::info: {
        abi::MessageInfo info;
        i32 highest = all.info(context, command == message::info, info);
        TRY(UserPointer<abi::MessageInfo>(buffer.value).store(context, info));
        return i64{highest};
    }
    case message::stat:
    case message::stat_any: {
        Ref<SysvQueue> queue = TRY(all.at_index(context, id));
        TRY(target.store(context, TRY(queue->stat(context, command == message::stat))));
        return i64{queue->id()};
    }
    case abi::ipc::stat: {
        Ref<SysvQueue> queue = TRY(all.find(context, id));
        TRY(target.store(context, TRY(queue->stat(context, true))));
        return i64{0};
    }
    case abi::ipc::set: {
        Ref<SysvQueue> queue = TRY(all.find(context, id));
        TRY(queue->set(context, TRY(target.load(context))));
        return i64{0};
    }
    case abi::ipc::remove: {
        Ref<SysvQueue> queue = TRY(all.find(context, id));
        TRY(all.remove(context, *queue));
        return i64{0};
    }
    default:
        return Errno::einval;
    }
}

}  // namespace takt::system_call
