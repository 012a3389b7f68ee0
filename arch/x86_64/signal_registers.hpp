// What a signal frame does to the stack pointer and the registers, apart from vector state: for the PC and for the
// simulated machine, which has the PC's frames without that state.
#pragma once

#include <abi/signal.hpp>
#include <kernel/hal/user_frame.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signal_set.hpp>
#include <kernel/process/task.hpp>
#include <stddef.h>

namespace takt::machine {

// Where a frame may begin: below `top`, on the alternate stack or not.
struct SignalStackTop {
    u64 top;
    bool on_alternate;
};

inline SignalStackTop signal_stack_top(Task& task, const hal::UserFrame& frame, const abi::Sigaction& action)
{
    constexpr u64 red_zone = 128;
    const abi::SignalStack& stack = task.alternate_stack;
    const u64 top = frame.rsp - red_zone;
    if (on_alternate_stack(task, top)) return {top, true};
    if ((action.flags & abi::action_flag::on_stack) && stack.size != 0) return {stack.pointer + stack.size, true};
    return {top, false};
}

// A frame at `place` stays where it may be.
inline bool signal_frame_fits(const Task& task, const SignalStackTop& from, u64 place)
{
    const abi::SignalStack& stack = task.alternate_stack;
    if (place > from.top || from.top > user_address_end) return false;
    return !from.on_alternate || (place > stack.pointer && place - stack.pointer <= stack.size);
}

inline abi::MachineContext machine_context(const Task& task, const hal::UserFrame& frame, SignalSet mask,
                                           u64 vector_state)
{
    return {.r8 = frame.r8,
            .r9 = frame.r9,
            .r10 = frame.r10,
            .r11 = frame.r11,
            .r12 = frame.r12,
            .r13 = frame.r13,
            .r14 = frame.r14,
            .r15 = frame.r15,
            .rdi = frame.rdi,
            .rsi = frame.rsi,
            .rbp = frame.rbp,
            .rbx = frame.rbx,
            .rdx = frame.rdx,
            .rax = frame.rax,
            .rcx = frame.rcx,
            .rsp = frame.rsp,
            .rip = frame.rip,
            .rflags = frame.rflags,
            .cs = static_cast<u16>(frame.cs),
            .gs = 0,
            .fs = 0,
            .ss = static_cast<u16>(frame.ss),
            .error = task.fault_error,
            .trap = task.fault_vector,
            .old_mask = mask.bits,
            .fault_address = task.fault_address,
            .vector_state = vector_state,
            .reserved = {}};
}

// The frame at `place` has been written: the handler is what runs next.
inline void enter_handler(Task& task, hal::UserFrame& frame, const abi::Sigaction& action, int signal, u64 place)
{
    if (task.alternate_stack.flags & abi::stack_flag::auto_disarm)
        task.alternate_stack = {0, abi::stack_flag::disable, 0, 0};
    frame.rdi = static_cast<u64>(signal);
    frame.rsi = place + offsetof(abi::SignalFrame, info);
    frame.rdx = place + offsetof(abi::SignalFrame, context);
    frame.rax = 0;
    frame.rsp = place;
    frame.rip = action.handler;
    frame.orig_rax = ~0ull;
    hal::reload_all_registers(task);
}

// The registers that any value may be in, and the instruction pointer, which the caller has checked.
inline void take_general_registers(const abi::MachineContext& from, hal::UserFrame& to)
{
    to.r8 = from.r8, to.r9 = from.r9, to.r10 = from.r10, to.r11 = from.r11;
    to.r12 = from.r12, to.r13 = from.r13, to.r14 = from.r14, to.r15 = from.r15;
    to.rdi = from.rdi, to.rsi = from.rsi, to.rbp = from.rbp, to.rbx = from.rbx;
    to.rdx = from.rdx, to.rax = from.rax, to.rcx = from.rcx, to.rsp = from.rsp, to.rip = from.rip;
    to.orig_rax = ~0ull;  // not in a system call any more: nothing to restart
}

}  // namespace takt::machine
