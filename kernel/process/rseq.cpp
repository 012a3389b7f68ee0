#include <abi/futex.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/rseq.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

using RseqArea = abi::RestartableSequence;

UserAddress field(const Task& task, usize offset) { return UserAddress(task.rseq_address + offset); }

// The CPU number, for user mode to read without a call. The area's first two words.
Result<void> store_cpu(MayBlock& context, Task& task, u32 start, u32 cpu)
{
    u32 words[2] = {start, cpu};
    TRY(copy_to_user(context, field(task, offsetof(RseqArea, cpu_id_start)), words, sizeof words));
    task.rseq_cpu = cpu;
    return {};
}

// node_id and concurrency_id: one node; the CPU's number serves as the concurrency id.
Result<void> store_ids(MayBlock& context, Task& task, u32 cpu)
{
    if (task.rseq_length < offsetof(RseqArea, concurrency_id) + sizeof(u32)) return {};
    u32 words[2] = {0, cpu};
    return copy_to_user(context, field(task, offsetof(RseqArea, node_id)), words, sizeof words);
}

// Moves the frame to the abort handler if it stands inside the announced section. Errors: efault, einval: a bad area.
Result<void> abort_section(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    u64 pointer = TRY(UserPointer<u64>(task.rseq_address + offsetof(RseqArea, critical_section)).load(context));
    if (pointer == 0) return {};
    if (pointer >= user_address_end) return Errno::efault;
    abi::RestartableSection section = TRY(UserPointer<abi::RestartableSection>(pointer).load(context));
    if (section.version != 0 || section.flags != 0) return Errno::einval;
    if (section.start >= user_address_end || section.start + section.length >= user_address_end ||
        section.abort >= user_address_end || section.abort - section.start < section.length)
        return Errno::einval;
    u32 signature = TRY(UserPointer<u32>(section.abort - sizeof(u32)).load(context));
    if (signature != task.rseq_signature) return Errno::einval;
    u64 none = 0;
    // Whether it stood in the section or not, the announcement is over.
    TRY(copy_to_user(context, field(task, offsetof(RseqArea, critical_section)), &none, sizeof none));
    if (hal::instruction_pointer(frame) - section.start < section.length) {
        hal::set_instruction_pointer(frame, section.abort);
        hal::reload_all_registers(task);
    }
    return {};
}

Result<void> refresh(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    TRY(abort_section(context, task, frame));
    // Race: the thread may move between this and its return: then Work::rseq is set again.
    u32 cpu = task.cpu_id().value;
    if (cpu == task.rseq_cpu) return {};
    TRY(store_cpu(context, task, cpu, cpu));
    return store_ids(context, task, cpu);
}

}  // namespace

Result<void> rseq_register(MayBlock& context, Task& task, u64 address, u32 length, i32 flags, u32 signature)
{
    if (flags & abi::rseq_flag_unregister) {
        if (flags & ~abi::rseq_flag_unregister) return Errno::einval;
        if (task.rseq_address != address || !task.rseq_address || task.rseq_length != length) return Errno::einval;
        if (task.rseq_signature != signature) return Errno::eperm;
        TRY(store_cpu(context, task, 0, abi::rseq_cpu_uninitialised));
        rseq_reset(task);
        return {};
    }
    if (flags) return Errno::einval;
    if (task.rseq_address) {
        if (task.rseq_address != address || task.rseq_length != length) return Errno::einval;
        return task.rseq_signature != signature ? Errno::eperm : Errno::ebusy;
    }
    if (length < sizeof(RseqArea) || (address & (sizeof(RseqArea) - 1))) return Errno::einval;
    if (address >= user_address_end || length > user_address_end - address) return Errno::efault;
    u64 none = 0;
    TRY(copy_to_user(context, UserAddress(address + offsetof(RseqArea, critical_section)), &none, sizeof none));
    // commit:
    task.rseq_address = address;
    task.rseq_length = length;
    task.rseq_signature = signature;
    task.rseq_cpu = abi::rseq_cpu_uninitialised;
    task.restartable = true;
    hal::kernel().scheduler.set_work(task, Work::rseq);
    return {};
}

void rseq_on_return(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    Scheduler::clear_work(task, Work::rseq);
    if (!task.rseq_address) return;
    if (!refresh(context, task, frame).ok()) force_signal(context, task, siginfo_from_kernel(signal_number::segv));
}

void rseq_reset(Task& task)
{
    task.rseq_address = 0;
    task.rseq_length = 0;
    task.rseq_signature = 0;
    task.restartable = false;
    task.rseq_cpu = abi::rseq_cpu_uninitialised;
}

}  // namespace takt
