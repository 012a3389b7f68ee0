// What page_table.cpp and tlb.cpp need of the processor. arch/sim has a model of it.
#pragma once

#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <string.h>

namespace takt::machine {

// --- Tables, by the direct map. Processors set the accessed and dirty bits on their own.

inline u64* table_at(u64 physical) { return reinterpret_cast<u64*>(direct_map_start + physical); }
inline u64 load_entry(const u64& entry) { return __atomic_load_n(&entry, __ATOMIC_RELAXED); }
inline void store_entry(u64& entry, u64 value) { __atomic_store_n(&entry, value, __ATOMIC_RELEASE); }
inline u64 exchange_entry(u64& entry, u64 value) { return __atomic_exchange_n(&entry, value, __ATOMIC_ACQ_REL); }
// The upper half of a new top-level table.
inline void fill_kernel_half(u64* table) { memcpy(table + 256, table_at(kernel_root()) + 256, page_size / 2); }

// --- This processor.

inline void load_root(u64 root) { write_cr3(root); }
inline void load_kernel_root() { write_cr3(kernel_root()); }
inline void forget_translations() { write_cr3(read_cr3()); }
inline void forget_translation(u64 address) { invalidate_page(address); }
inline void full_barrier() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// --- Others.

inline void send_flush_interrupt(CpuId cpu) { send_ipi(cpu, vector_tlb); }

}  // namespace takt::machine
