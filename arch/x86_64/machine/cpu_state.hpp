// What this CPU's GS base points to: the part of Cpu that entry code reads by offset (offsets in entry.S are checked
// against this struct by static_assert in entry_offsets.cpp).
#pragma once

#include <kernel/base/types.hpp>
#include <kernel/hal/atomic.hpp>

namespace takt {
class Cpu;
class Thread;
}  // namespace takt

namespace takt::machine {

struct alignas(64) CpuState {
    CpuState* self = nullptr;             // 0
    Thread* current = nullptr;            // 8
    u64 kernel_stack_top = 0;             // 16: where a system call of the current thread starts
    u64 user_stack = 0;                   // 24: user rsp for a few instructions of system call entry
    // Bits 0-15: preemption count; 16-23: interrupt nesting; bit 31 set: no reschedule needed. Zero means "preempt now".
    u32 preempt_word = 0x80000000;        // 32
    u32 cpu_id = 0;                       // 36
    Thread* vector_owner = nullptr;       // 40: whose vector state the registers hold
    u64 root = 0;                         // 48: page table loaded
    u32 apic_id = 0;
    Atomic<u32> online{0};
};

inline constexpr u32 preempt_one = 1;
inline constexpr u32 interrupt_one = 0x10000;
inline constexpr u32 no_reschedule = 0x80000000;

}  // namespace takt::machine
