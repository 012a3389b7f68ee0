#include <abi/signal.hpp>
#include <arch/sim/mmu.hpp>
#include <arch/sim/user_mode.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/sched/cpu.hpp>
#include <machine/atomic.hpp>
#include <sim/machine.hpp>

extern "C" takt::i64 takt_system_call(takt::hal::UserFrame* frame);

namespace takt::machine {
namespace {

constexpr u64 call_sigreturn = 15, call_exit = 60;
constexpr u64 instruction_bytes = 2;  // of the one that calls the kernel
constexpr u64 not_in_call = ~0ull;
constexpr u32 vector_page_fault = 14;

sim::Machine& running_machine() { return *sim::Machine::current(); }

UserState& user_of(Thread& thread) { return *thread.context.user; }

void return_to_user(Thread& thread, u64 position);

u64 position_at(u64 depth) { return positions_start + depth * function_bytes; }

// The running function stops here. Its position.
u64 leave_user_mode(UserState& user)
{
    if (++user.depth == position_count_max) PANIC("signal handlers, one inside the other, without an end");
    user.in_user_mode = false;
    user.frame.orig_rax = not_in_call;
    return user.frame.rip = position_at(user.depth);
}

// --- System calls. Interrupts off before and after.

void call_kernel(Thread& thread, u64 number)
{
    UserFrame& frame = user_of(thread).frame;
    frame.orig_rax = number;
    frame.rax = static_cast<u64>(-static_cast<i64>(Errno::enosys));
    hal::enable_interrupts();
    const i64 result = takt_system_call(&frame);
    hal::disable_interrupts();
    sim::Machine& machine = running_machine();
    machine.events.add(hal::current_cpu_number(), machine.now_ns(), sim::EventKind::system_call,
                       static_cast<u32>(thread.id.value), static_cast<u32>(number) ^ static_cast<u32>(result) << 9);
}

// --- Faults.

FaultAccess access_of(UserAccess access) { return {.write = access.write, .execute = access.execute, .user = true}; }

void serve_fault(MayBlock& context, u64 address, UserAccess access)
{
    namespace code = abi::signal_code;
    const u64 error = 4 | (access.write ? 2 : 0) | (access.execute ? 16 : 0);
    switch (handle_user_fault(context, address, access_of(access))) {
    case FaultSignal::none:
    case FaultSignal::out_of_memory:
        return;
    case FaultSignal::segv_maperr:
        return on_user_fault(context, {signal_number::segv, code::segv_maperr, address, vector_page_fault, error});
    case FaultSignal::segv_accerr:
        return on_user_fault(context, {signal_number::segv, code::segv_accerr, address, vector_page_fault, error});
    case FaultSignal::bus_adrerr:
        return on_user_fault(context, {signal_number::bus, code::bus_adrerr, address, vector_page_fault, error});
    }
}

// Interrupts off before and after.
void page_fault(Thread& thread, u64 address, UserAccess access)
{
    UserState& user = user_of(thread);
    const u64 position = leave_user_mode(user);
    hal::enable_interrupts();
    {
        MayBlock context = ContextMint::may_block(thread);
        auto& task = static_cast<Task&>(thread);
        if (task.kernel_time.is_sample()) task.kernel_time.begin(task, KernelTime::entries_per_sample);
        serve_fault(context, address, access);
        task.kernel_time.end(task);
    }
    hal::disable_interrupts();
    return_to_user(thread, position);
}

// Calls access(place) in the frame, interrupts off.
template <typename Access>
u64 touch(u64 address, UserAccess how, Access access)
{
    sim::Machine& machine = running_machine();
    Thread& thread = hal::current_thread();
    ASSERT(user_of(thread).in_user_mode);
    machine.set_interrupts(false);
    void* place = translate_for(address, how);
    while (!place) {
        page_fault(thread, address, how);
        place = translate_for(address, how);
    }
    const u64 value = access(place);
    machine.set_interrupts(true);
    machine.pass(1);
    return value;
}

// --- Functions.

// Runs the function at the instruction pointer. False: there is none, and the thread has its signal. Interrupts off
// before and after.
bool run_function(Thread& thread)
{
    UserState& user = user_of(thread);
    const u64 address = user.frame.rip;
    const u64 index = (address - text_start) / function_bytes;
    sim::Machine& machine = running_machine();
    if (address < text_start || index >= machine.functions.size() || address % function_bytes != 0) {
        hal::enable_interrupts();
        MayBlock context = ContextMint::may_block(thread);
        on_user_fault(context, {signal_number::ill, abi::signal_code::ill_illopn, address, 6, 0});
        hal::disable_interrupts();
        return false;
    }
    user.in_user_mode = true;
    machine.set_interrupts(true);
    touch(address, {.execute = true}, [](void*) { return 0; });
    machine.functions[index]();
    machine.set_interrupts(false);
    user.in_user_mode = false;
    return true;
}

// takt_return_work of the PC.
void return_work(Thread& thread)
{
    constexpr u32 elsewhere = static_cast<u32>(Work::reload) | static_cast<u32>(Work::trace_syscall);
    while (thread.work.load(Order::acquire) & ~elsewhere) {  // bound: what other CPUs add meanwhile
        hal::enable_interrupts();
        MayBlock context = ContextMint::may_block(thread);
        deliver_signals(context, static_cast<Task&>(thread), user_of(thread).frame);
        hal::disable_interrupts();
    }
    Scheduler::clear_work(thread, Work::reload);
}

void begin_again(void* argument)
{
    Thread& thread = *static_cast<Thread*>(argument);
    return_to_user(thread, 0);
}

// The function at `position` goes on when this returns; 0: none waits. Interrupts off before and after.
void return_to_user(Thread& thread, u64 position)
{
    UserState& user = user_of(thread);
    sim::Machine& machine = running_machine();
    for (;;) {
        return_work(thread);
        if (user.replaced) {
            user.replaced = false;
            user.depth = 0;
            void* nowhere;
            takt_sim_switch(&nowhere, thread.context.stack->prepare(&begin_again, &thread));
        }
        if (user.frame.rip == position) break;
        if (user.frame.rip == position - instruction_bytes) {
            user.frame.rip = position;
            call_kernel(thread, user.frame.rax);
            continue;
        }
        const u64 stack = user.frame.rsp;
        if (!run_function(thread)) continue;
        if (position == 0) {
            user.frame.rdi = 0;
            call_kernel(thread, call_exit);
        } else {
            // A handler's `ret` to what calls rt_sigreturn.
            user.frame.rsp = stack + sizeof(u64);
            call_kernel(thread, call_sigreturn);
        }
    }
    user.depth--;
    user.in_user_mode = true;
    if (machine.watcher) {
        sim::Processor& processor = *sim::Machine::running();
        sim::Machine::Outside outside(machine);
        machine.watcher->left_kernel(processor);
    }
}

}  // namespace

void enter_user_mode(Thread& thread)
{
    hal::disable_interrupts();
    return_to_user(thread, 0);
}

void return_from_interrupt(Thread& thread)
{
    const u64 position = leave_user_mode(user_of(thread));
    return_to_user(thread, position);
}

u64 user_load(u64 address, usize bytes)
{
    return touch(address, {}, [=](void* place) { return load_word(place, bytes); });
}

void user_store(u64 address, usize bytes, u64 value)
{
    touch(address, {.write = true}, [=](void* place) {
        store_word(place, bytes, value, false);
        return 0;
    });
}

u64 user_compare_exchange(u64 address, usize bytes, u64 expected, u64 desired)
{
    return touch(address, {.write = true},
                 [=](void* place) { return compare_exchange_word(place, bytes, expected, desired); });
}

u64 user_add(u64 address, usize bytes, u64 amount)
{
    return touch(address, {.write = true}, [=](void* place) { return add_word(place, bytes, amount); });
}

i64 user_call(u64 number, const u64 (&arguments)[6])
{
    Thread& thread = hal::current_thread();
    UserState& user = user_of(thread);
    ASSERT(user.in_user_mode);
    sim::Machine& machine = running_machine();
    machine.pass(machine.cost.user_call);
    machine.pass(machine.cost.kernel_entry);
    machine.set_interrupts(false);
    const u64 position = leave_user_mode(user);
    UserFrame& frame = user.frame;
    frame.rdi = arguments[0];
    frame.rsi = arguments[1];
    frame.rdx = arguments[2];
    frame.r10 = arguments[3];
    frame.r8 = arguments[4];
    frame.r9 = arguments[5];
    call_kernel(thread, number);
    return_to_user(thread, position);
    const i64 result = hal::return_value(frame);
    machine.set_interrupts(true);
    machine.pass(machine.cost.kernel_exit);
    return result;
}

}  // namespace takt::machine
