// Where entry.S arrives in C++: exceptions, interrupts, the way back to user mode.
//
// "Where does a timer interrupt become a running thread": takt_timer_interrupt (here) -> Scheduler::on_timer_interrupt
// (kernel/sched/timer_interrupt.hpp) makes the thread ready -> Scheduler::end_timer_interrupt switches to it
// (kernel/sched/switch.hpp, machine/switch.hpp). Other interrupts ask for a reschedule, and entry.S calls
// takt_preempt_from_interrupt (context_switch.cpp) -> Scheduler::preempt_current on the way out.
#include <abi/signal.hpp>
#include <arch/x86_64/exception_table.hpp>
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/kernel_stack.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/panic.hpp>
#include <arch/x86_64/tlb.hpp>
#include <kernel/hal/console.hpp>
#include <kernel/irq/interrupt_table.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/timer_interrupt.hpp>
#include <stddef.h>

namespace takt {

// Made only here, where a hard interrupt enters.
class InterruptEntry {
public:
    template <typename Handler>
    static void run(u32 vector, Handler handler)
    {
        IrqContext context;
        this_cpu(context).interrupt_counts[vector]++;
        handler(context);
    }
};

namespace machine {
namespace {

static_assert(offsetof(CpuState, current) == 8 && offsetof(CpuState, user_stack) == 16 &&
              offsetof(CpuState, preempt_word) == 32 &&
              offsetof(CpuState, task_state) + offsetof(TaskState, stack0) == 64 && offsetof(CpuState, cpu_id) == 36);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(offsetof(Thread, work) == TAKT_THREAD_WORK);
#pragma GCC diagnostic pop
static_assert(sizeof(UserFrame) == 21 * 8 && offsetof(UserFrame, r10) == 56 && offsetof(UserFrame, rdi) == 112 &&
              offsetof(UserFrame, rip) == 128 && offsetof(UserFrame, rsp) == 152 && offsetof(UserFrame, rbp) == 32);

constexpr u64 interrupts_enabled_flag = 0x200;

enum ExceptionVector : u32 {
    divide = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    double_fault = 8,
    segment_not_present = 11,
    stack_segment = 12,
    general_protection = 13,
    page_fault = 14,
    x87 = 16,
    alignment = 17,
    machine_check = 18,
    simd = 19
};

constexpr u64 error_write = 2, error_user = 4, error_execute = 16;  // of a page fault

FaultAccess access_of(u64 error)
{
    return {.write = (error & error_write) != 0,
            .execute = (error & error_execute) != 0,
            .user = (error & error_user) != 0};
}

constexpr u64 debug_status_step = 1 << 14;

// Reads DR6 and makes it ready for the next debug exception.
u64 take_debug_status()
{
    u64 status;
    asm volatile("mov %%dr6, %0" : "=r"(status));
    asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ull));
    return status;
}

// Which floating point exception came, of those that are not masked (Intel SDM vol. 1, 8.1.3 and 10.2.3). The registers
// are still the user's.
i32 floating_point_code(u32 vector)
{
    namespace code = abi::signal_code;
    u32 flags;
    if (vector == x87) {
        u16 control, status;
        asm volatile("fnstcw %0\n fnstsw %1" : "=m"(control), "=m"(status));
        flags = status & ~u32{control};
    } else {
        u32 mxcsr;
        asm volatile("stmxcsr %0" : "=m"(mxcsr));
        flags = mxcsr & ~(mxcsr >> 7);
    }
    if (flags & 0x01) return code::fpe_fltinv;
    if (flags & 0x04) return code::fpe_fltdiv;
    if (flags & 0x08) return code::fpe_fltovf;
    if (flags & 0x12) return code::fpe_fltund;
    return code::fpe_fltres;
}

UserFault user_fault_of(UserFrame& frame, u32 vector, u64 debug_status)
{
    namespace code = abi::signal_code;
    u64 rip = frame.rip;
    u64 error = frame.orig_rax;
    switch (vector) {
    case divide:
        return {signal_number::fpe, code::fpe_intdiv, rip, vector, error};
    case debug:
        return {signal_number::trap, debug_status & debug_status_step ? code::trap_trace : code::trap_brkpt, rip,
                vector, error};
    case breakpoint:
        return {signal_number::trap, code::kernel, 0, vector, error};
    case invalid_opcode:
        return {signal_number::ill, code::ill_illopn, rip, vector, error};
    case segment_not_present:
    case stack_segment:
        return {signal_number::bus, code::kernel, 0, vector, error};
    case alignment:
        return {signal_number::bus, code::bus_adraln, 0, vector, error};
    case x87:
    case simd:
        return {signal_number::fpe, floating_point_code(vector), rip, vector, error};
    default:
        return {signal_number::segv, code::kernel, 0, vector, error};
    }
}

void on_user_page_fault(MayBlock& context, UserFrame& frame, u64 address)
{
    namespace code = abi::signal_code;
    u64 error = frame.orig_rax;
    // An access with the kernel's rights, as to a descriptor table (or a far return's to the stack, in QEMU's
    // emulation).
    if (!(error & error_user)) return on_user_fault(context, {signal_number::segv, code::kernel, 0, page_fault, error});
    switch (handle_user_fault(context, address, access_of(error))) {
    case FaultSignal::none:
        return;
    case FaultSignal::segv_maperr:
        return on_user_fault(context, {signal_number::segv, code::segv_maperr, address, page_fault, error});
    case FaultSignal::segv_accerr:
        return on_user_fault(context, {signal_number::segv, code::segv_accerr, address, page_fault, error});
    case FaultSignal::bus_adrerr:
        return on_user_fault(context, {signal_number::bus, code::bus_adrerr, address, page_fault, error});
    case FaultSignal::out_of_memory:
        return;  // the thread ends before it tries the access again
    }
}

// A fault of the kernel itself: good only at an instruction that copies from or to user memory.
bool resolve_kernel_page_fault(UserFrame& frame, u64 address)
{
    if (!find_exception_fix_up(frame.rip)) return false;
    if ((frame.rflags & interrupts_enabled_flag) && hal::preemptible_but_for_trap() && address < user_address_end) {
        Thread& thread = hal::current_thread();
        if (thread.user && thread.lock_depth == 0) {
            hal::enable_interrupts();
            MayBlock context = ContextMint::may_block(thread);
            FaultSignal signal = handle_user_fault(context, address, access_of(frame.orig_rax));
            hal::disable_interrupts();
            if (signal == FaultSignal::none) return true;
        }
    }
    return fix_up_exception(frame.rip);
}

}  // namespace
}  // namespace machine

using namespace machine;

extern "C" {

void takt_user_exception(UserFrame* frame, u32 vector)
{
    u64 address = vector == page_fault ? read_cr2() : 0;
    u64 debug_status = vector == debug ? take_debug_status() : 0;
    Task& task = static_cast<Task&>(hal::current_thread());
    hal::enable_interrupts();
    MayBlock context = ContextMint::may_block(task);
    if (task.kernel_time.is_sample()) task.kernel_time.begin(task, KernelTime::entries_per_sample);
    if (vector == page_fault)
        on_user_page_fault(context, *frame, address);
    else
        on_user_fault(context, user_fault_of(*frame, vector, debug_status));
    task.kernel_time.end(task);
    frame->orig_rax = ~0ull;  // not in a system call
    hal::disable_interrupts();
}

void takt_kernel_exception(UserFrame* frame, u32 vector)
{
    u64 address = vector == page_fault ? read_cr2() : 0;
    if (vector == page_fault && resolve_kernel_page_fault(*frame, address)) return;
    if (vector == general_protection && fix_up_exception(frame->rip)) return;
    panic_with_registers(in_kernel_stack_guard(address) ? "kernel stack overflow" : "exception in the kernel", *frame,
                         vector, address);
}

void takt_paranoid_exception(UserFrame* frame, u32 vector)
{
    if (vector == nmi && on_nmi(*frame)) return;
    const char* what = vector == double_fault    ? "double fault"
                       : vector == machine_check ? "machine check"
                                                 : "unexpected NMI";
    panic_with_registers(in_kernel_stack_guard(read_cr2()) ? "kernel stack overflow" : what, *frame, vector,
                         read_cr2());
}

void takt_timer_interrupt(u32 vector)
{
    end_of_interrupt();
    Scheduler& scheduler = hal::kernel().scheduler;
    Cpu* cpu = nullptr;
    InterruptEntry::run(vector, [&](IrqContext& context) { cpu = &scheduler.on_timer_interrupt(context); });
    scheduler.end_timer_interrupt(*cpu);
}

void takt_reschedule_interrupt(u32 vector)
{
    end_of_interrupt();
    InterruptEntry::run(vector, [](IrqContext& context) { hal::kernel().scheduler.on_reschedule_interrupt(context); });
}

void takt_tlb_interrupt(u32 vector)
{
    end_of_interrupt();
    InterruptEntry::run(vector, [](IrqContext& context) { on_tlb_interrupt(context); });
}

void takt_call_interrupt(u32)
{
    // Sent by a panicking CPU: stop here.
    end_of_interrupt();
    hal::halt_forever();
}

void takt_spurious_interrupt(u32 vector)
{
    InterruptEntry::run(vector, [](IrqContext&) {});  // no end of interrupt for a spurious one (SDM vol. 3, 10.9)
}

void takt_device_interrupt(u32 vector)
{
    InterruptEntry::run(vector, [vector](IrqContext& context) {
        hal::kernel().interrupts.on_interrupt(context, line_of_vector(vector));
        end_of_interrupt();
    });
}

// Interrupts off before and after; work bits are set.
void takt_return_work(UserFrame* frame)
{
    Thread& thread = hal::current_thread();
    // System call stops are the dispatcher's.
    constexpr u32 elsewhere = static_cast<u32>(Work::reload) | static_cast<u32>(Work::trace_syscall);
    while (thread.work.load(Order::acquire) & ~elsewhere) {  // bound: what other CPUs add meanwhile
        hal::enable_interrupts();
        MayBlock context = ContextMint::may_block(thread);
        deliver_signals(context, static_cast<Task&>(thread), *frame);
        hal::disable_interrupts();
    }
    Scheduler::clear_work(thread, Work::reload);
}

}  // extern "C"

void hal::reload_all_registers(Thread& thread) { thread.work.fetch_or(static_cast<u32>(Work::reload), Order::relaxed); }

hal::UserFrame& hal::user_frame(Thread& thread) { return reinterpret_cast<UserFrame*>(thread.context.stack_top)[-1]; }

}  // namespace takt
