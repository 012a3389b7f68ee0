// Start-up of the PC, in the order it happens.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {
class Cpu;
}

namespace takt::machine {

// Frames right after the kernel image, zeroed, for tables that are needed before the frame allocator. Boot only.
u64 take_early_frames(usize count);

[[noreturn]] void start();

// memory_map.cpp: the kernel's own page tables (direct map, W^X image) replace the boot ones.
void init_memory_map();
u64 kernel_root();
// descriptors.cpp: GDT, TSS, IST stacks and IDT of a CPU; loads them.
// interrupt_stacks: three of interrupt_stack_size.
inline constexpr usize interrupt_stack_size = 4096;
void init_descriptors(Cpu& cpu, u64 interrupt_stacks);
// cpu_features.cpp: CR0/CR4/EFER bits and system call MSRs of the running CPU.
void init_cpu_features();

}  // namespace takt::machine
