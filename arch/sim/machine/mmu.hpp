// What page_table.cpp and tlb.cpp of the PC need of a processor: the model's (arch/sim/mmu.cpp).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

// --- Tables: words of the machine's memory. Each access is an ordering point.

u64* table_at(u64 physical);
u64 load_entry(const u64& entry);
void store_entry(u64& entry, u64 value);
u64 exchange_entry(u64& entry, u64 value);
// The kernel has no addresses of its own here: it is the host's program.
inline void fill_kernel_half(u64*) {}

// --- This processor's memory of them.

void load_root(u64 root);
void load_kernel_root();
void forget_translations();
void forget_translation(u64 address);
void full_barrier();

// --- Others.

void send_flush_interrupt(CpuId cpu);

}  // namespace takt::machine
