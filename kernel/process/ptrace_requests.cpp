// The tracer's side of ptrace(2): attaching, looking into a stopped tracee, letting it go on.
#include <abi/ptrace.hpp>
#include <abi/signal.hpp>
#include <algorithm>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/ptrace_state.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

using Request = abi::TraceRequest;
using TreeGuard = ProcessTable::TreeGuard;

ProcessTable& table() { return hal::kernel().processes; }

// A tracee's registers and state are its own while it stands still, and it can't go on, not even by SIGKILL, while the
// tree's lock is held.
bool stands_still(MayLock& context, Task& tracee) REQUIRES(table().lock())
{
    return tracee.tracer == &current_process(context) && tracee.stop_status && !tracee.listening;
}

Result<i64> trace_me(MayLock& context)
{
    Task& self = current_task(context);
    TreeGuard guard(table().lock(), context);
    if (self.tracer || !self.process->parent) return Errno::eperm;
    ptrace_attach(self, *self.process->parent, 0, false);
    return i64{0};
}

Result<i64> attach(MayBlock& context, Task& tracee, bool seize, u64 options)
{
    if (seize && (options & ~u64{trace_option::all})) return Errno::eio;
    Process& self = current_process(context);
    if (tracee.process.get() == &self || tracee.process->pid == ProcessTable::first_process_id) return Errno::eperm;
    TRY(check_may_trace(context, *tracee.process));
    TreeGuard guard(table().lock(), context);
    if (tracee.tracer || tracee.ended) return Errno::eperm;
    ptrace_attach(tracee, self, static_cast<u32>(options), seize);
    if (!seize) (void)send_signal_to_thread(guard, tracee, siginfo_from_kernel(signal_number::stop));
    return i64{0};
}

// Requests for a tracee that need not stand still.
Result<i64> interrupt(MayLock& context, Task& tracee)
{
    TreeGuard guard(table().lock(), context);
    if (tracee.tracer != &current_process(context)) return Errno::esrch;
    if (!tracee.seized) return Errno::eio;
    tracee.interrupt_requested = true;
    hal::kernel().scheduler.set_work(tracee, Work::stop);
    if (tracee.listening) tracee.trace_resumed.wake_all();
    return i64{0};
}

Result<i64> kill(MayLock& context, Task& tracee)
{
    {
        TreeGuard guard(table().lock(), context);
        if (tracee.tracer != &current_process(context)) return Errno::esrch;
    }
    kill_process(context, *tracee.process);
    return i64{0};
}

Result<i64> go_on(MayLock& context, Task& tracee, Request request, u64 signal)
{
    if (signal > signal_count) return Errno::eio;
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    hal::set_single_step(tracee, request == Request::single_step);
    if (request == Request::system_call)
        hal::kernel().scheduler.set_work(tracee, Work::trace_syscall);
    else
        Scheduler::clear_work(tracee, Work::trace_syscall);
    if (request == Request::detach) ptrace_forget(tracee);
    ptrace_resume(tracee, static_cast<i32>(signal));
    return i64{0};
}

Result<i64> listen(MayLock& context, Task& tracee)
{
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    if (!tracee.seized || tracee.stop_status >> 16 != trace_event::stop) return Errno::eio;
    tracee.listening = true;
    // It waits on, but a signal may end the wait now.
    tracee.trace_resumed.wake_all();
    return i64{0};
}

Result<u64> peek(MayBlock& context, Task& tracee, u64 address)
{
    Ref<AddressSpace> space = tracee.process->borrow_address_space(context);
    u64 word = 0;
    if (!space || space->access(context, address, &word, sizeof word, false, true) != sizeof word) return Errno::eio;
    return word;
}

Result<i64> poke(MayBlock& context, Task& tracee, u64 address, u64 word)
{
    Ref<AddressSpace> space = tracee.process->borrow_address_space(context);
    if (!space || space->access(context, address, &word, sizeof word, true, true) != sizeof word) return Errno::eio;
    return i64{0};
}

Result<abi::UserRegisters> registers_of(MayLock& context, Task& tracee)
{
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    abi::UserRegisters registers{};
    hal::get_registers(tracee, registers);
    return registers;
}

Result<i64> set_registers(MayLock& context, Task& tracee, const abi::UserRegisters& registers)
{
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    TRY(hal::set_registers(tracee, registers));
    return i64{0};
}

bool is_register(u64 offset) { return offset % 8 == 0 && offset < sizeof(abi::UserRegisters); }

Result<u64> peek_user(MayLock& context, Task& tracee, u64 offset)
{
    if (offset % 8 || offset >= abi::user_bytes) return Errno::eio;
    abi::UserRegisters registers = TRY(registers_of(context, tracee));
    // Beyond the registers: nothing of it is kept; debug registers are never set.
    if (!is_register(offset)) return u64{0};
    return reinterpret_cast<const u64*>(&registers)[offset / 8];
}

Result<i64> poke_user(MayLock& context, Task& tracee, u64 offset, u64 word)
{
    if (!is_register(offset)) return Errno::eio;
    abi::UserRegisters registers = TRY(registers_of(context, tracee));
    reinterpret_cast<u64*>(&registers)[offset / 8] = word;
    return set_registers(context, tracee, registers);
}

// Copies a register set between a buffer of the kernel's and the tracee. `bytes` is what the caller gives or takes.
class VectorState {
public:
    ~VectorState() { free(state_); }
    Result<void> load(MayLock& context, Task& tracee)
    {
        size_ = hal::vector_state_size();
        state_ = static_cast<u8*>(allocate_zeroed(context, size_));
        if (!state_) return Errno::enomem;
        TreeGuard guard(table().lock(), context);
        if (!stands_still(guard, tracee)) return Errno::esrch;
        hal::get_vector_state(tracee, {state_, size_});
        return {};
    }
    Result<void> store(MayLock& context, Task& tracee)
    {
        TreeGuard guard(table().lock(), context);
        if (!stands_still(guard, tracee)) return Errno::esrch;
        return hal::set_vector_state(tracee, {state_, size_});
    }
    u8* data() { return state_; }
    usize size() const { return size_; }

private:
    u8* state_ = nullptr;
    usize size_ = 0;
};

Result<i64> vector_transfer(MayBlock& context, Task& tracee, bool set, usize limit, UserAddress buffer, usize& bytes)
{
    VectorState state;
    TRY(state.load(context, tracee));
    bytes = std::min({bytes, limit, state.size()});
    if (!set) {
        TRY(copy_to_user(context, buffer, state.data(), bytes));
        return i64{0};
    }
    TRY(copy_from_user(context, state.data(), buffer, bytes));
    TRY(state.store(context, tracee));
    return i64{0};
}

Result<i64> register_transfer(MayBlock& context, Task& tracee, bool set, UserAddress buffer, usize& bytes)
{
    abi::UserRegisters registers = TRY(registers_of(context, tracee));
    bytes = std::min(bytes, sizeof registers);
    if (!set) {
        TRY(copy_to_user(context, buffer, &registers, bytes));
        return i64{0};
    }
    TRY(copy_from_user(context, &registers, buffer, bytes));
    return set_registers(context, tracee, registers);
}

// PTRACE_GETREGSET, PTRACE_SETREGSET: `data` is an iovec whose length becomes what was transferred.
Result<i64> register_set(MayBlock& context, Task& tracee, u64 kind, u64 data, bool set)
{
    UserPointer<abi::Iovec> pointer(data);
    abi::Iovec vector = TRY(pointer.load(context));
    usize bytes = vector.length;
    if (kind == abi::note_registers)
        TRY(register_transfer(context, tracee, set, UserAddress(vector.base), bytes));
    else if (kind == abi::note_floating)
        TRY(vector_transfer(context, tracee, set, abi::floating_state_bytes, UserAddress(vector.base), bytes));
    else if (kind == abi::note_extended_state)
        TRY(vector_transfer(context, tracee, set, ~0ull, UserAddress(vector.base), bytes));
    else
        return Errno::einval;
    vector.length = bytes;
    TRY(pointer.store(context, vector));
    return i64{0};
}

Result<i64> set_options(MayLock& context, Task& tracee, u64 options)
{
    if (options & ~u64{trace_option::all}) return Errno::einval;
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    tracee.trace_options = static_cast<u32>(options);
    return i64{0};
}

Result<u64> event_message(MayLock& context, Task& tracee)
{
    TreeGuard guard(table().lock(), context);
    if (!stands_still(guard, tracee)) return Errno::esrch;
    return tracee.trace_message;
}

Result<i64> signal_info(MayBlock& context, Task& tracee, UserPointer<abi::Siginfo> data, bool set)
{
    abi::Siginfo info{};
    if (set) info = TRY(data.load(context));
    {
        TreeGuard guard(table().lock(), context);
        if (!stands_still(guard, tracee)) return Errno::esrch;
        // A group stop has none, which is how a tracer tells it from a signal's.
        if (tracee.stop_info.signal == 0) return Errno::einval;
        if (set)
            tracee.stop_info = info;
        else
            info = tracee.stop_info;
    }
    if (!set) TRY(data.store(context, info));
    return i64{0};
}

Result<i64> signal_mask(MayBlock& context, Task& tracee, u64 bytes, UserPointer<u64> data, bool set)
{
    if (bytes != sizeof(u64)) return Errno::einval;
    u64 mask = 0;
    if (set) mask = TRY(data.load(context));
    {
        TreeGuard guard(table().lock(), context);
        if (!stands_still(guard, tracee)) return Errno::esrch;
        LockGuard signals(tracee.process->signals->lock(), guard);
        constexpr SignalSet unblockable{SignalSet::of(signal_number::kill).bits |
                                        SignalSet::of(signal_number::stop).bits};
        if (set)
            tracee.mask = SignalSet{mask}.without(unblockable);
        else
            mask = tracee.mask.bits;
    }
    // It looks for itself what the new mask lets through.
    if (set) hal::kernel().scheduler.set_work(tracee, Work::signal);
    if (!set) TRY(data.store(context, mask));
    return i64{0};
}

// Requests that look into a stopped tracee.
Result<i64> look_into(MayBlock& context, Task& tracee, Request request, u64 address, u64 data)
{
    usize bytes = ~0ull;
    switch (request) {
    case Request::peek_text:
    case Request::peek_data:
        TRY(UserPointer<u64>(data).store(context, TRY(peek(context, tracee, address))));
        return i64{0};
    case Request::peek_user:
        TRY(UserPointer<u64>(data).store(context, TRY(peek_user(context, tracee, address))));
        return i64{0};
    case Request::poke_text:
    case Request::poke_data:
        return poke(context, tracee, address, data);
    case Request::poke_user:
        return poke_user(context, tracee, address, data);
    case Request::get_registers:
    case Request::set_registers:
        return register_transfer(context, tracee, request == Request::set_registers, UserAddress(data), bytes);
    case Request::get_vector_registers:
    case Request::set_vector_registers:
        return vector_transfer(context, tracee, request == Request::set_vector_registers, abi::floating_state_bytes,
                               UserAddress(data), bytes);
    case Request::get_register_set:
    case Request::set_register_set:
        return register_set(context, tracee, address, data, request == Request::set_register_set);
    case Request::get_event_message:
        TRY(UserPointer<u64>(data).store(context, TRY(event_message(context, tracee))));
        return i64{0};
    case Request::get_signal_info:
    case Request::set_signal_info:
        return signal_info(context, tracee, UserPointer<abi::Siginfo>(data), request == Request::set_signal_info);
    case Request::get_signal_mask:
    case Request::set_signal_mask:
        return signal_mask(context, tracee, address, UserPointer<u64>(data), request == Request::set_signal_mask);
    default:
        return Errno::eio;
    }
}

}  // namespace

Result<i64> ptrace(MayBlock& context, i64 number, i32 id, u64 address, u64 data)
{
    Request request = static_cast<Request>(number);
    if (request == Request::trace_me) return trace_me(context);
    Ref<Task> tracee = table().find_task(context, ThreadId{id});
    if (!tracee) return Errno::esrch;
    switch (request) {
    case Request::attach:
        return attach(context, *tracee, false, 0);
    case Request::seize:
        return address ? Result<i64>(Errno::eio) : attach(context, *tracee, true, data);
    case Request::interrupt:
        return interrupt(context, *tracee);
    case Request::kill:
        return kill(context, *tracee);
    case Request::listen:
        return listen(context, *tracee);
    case Request::set_options:
        return set_options(context, *tracee, data);
    case Request::go_on:
    case Request::system_call:
    case Request::single_step:
    case Request::detach:
        return go_on(context, *tracee, request, data);
    default: {
        {
            TreeGuard guard(table().lock(), context);
            if (!stands_still(guard, *tracee)) return Errno::esrch;
        }
        return look_into(context, *tracee, request, address, data);
    }
    }
}

}  // namespace takt
