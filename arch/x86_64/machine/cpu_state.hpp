// What this CPU's GS base points to: the part of Cpu that the machine keeps. Entry code reads the first fields by
// offset; entry.S names them and traps.cpp checks them.
#pragma once

#include <arch/x86_64/flush_mailbox.hpp>
#include <kernel/base/types.hpp>

namespace takt {
class AddressSpace;
class Thread;
}  // namespace takt

namespace takt::machine {

// 64-bit task state segment (Intel SDM vol. 3, section 8.7).
struct [[gnu::packed]] TaskState {
    u32 reserved0 = 0;
    u64 stack0 = 0;  // the kernel stack that interrupts and system calls from user mode start on
    u64 stack1 = 0, stack2 = 0;
    u64 reserved1 = 0;
    u64 interrupt_stacks[7] = {};
    u64 reserved2 = 0;
    u16 reserved3 = 0;
    u16 io_map = 104;
};

struct alignas(64) CpuState {
    CpuState* self = nullptr;                // 0
    Thread* current = nullptr;               // 8
    u64 user_stack = 0;                      // 16: user rsp for a few instructions of system call entry
    Atomic<Thread*> user_state_of{nullptr};  // 24: whose thread bases and vector state the registers hold
    // Bits 0-15: preemption count; 16-23: interrupt nesting; bit 31 set: no reschedule needed. Zero means "preempt
    // now".
    u32 preempt_word = 0x80000000;         // 32
    u32 cpu_id = 0;                        // 36
    Atomic<AddressSpace*> space{nullptr};  // 40: whose root is loaded, kept while kernel threads run
    u32 apic_id = 0;                       // 48
    u32 pad[2] = {};                       // 52
    TaskState task_state;                  // 60: so that stack0 is at 64

    u64 descriptors[10] = {};
    Atomic<u32> online{0};
    u64 interrupt_stacks = 0;  // three of interrupt_stack_size
    u64 user_gs_base = 0;      // what the shadow GS base register holds
    FlushMailbox flush_mailbox;
};
static_assert(sizeof(TaskState) == 104);

inline constexpr u32 preempt_one = 1;
inline constexpr u32 interrupt_one = 0x10000;
inline constexpr u32 no_reschedule = 0x80000000;

}  // namespace takt::machine
