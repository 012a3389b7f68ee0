// WaitingCpus: the CPUs in whose run queues a thread waits that may run elsewhere. A CPU that has nothing better to do
// looks here first, so that CPUs whose threads stay where they are never touch each other's lines.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/hal/atomic.hpp>

namespace takt {

class alignas(64) WaitingCpus {
public:
    static constexpr u32 word_count = cpu_count_max / 64;

    // The CPU's own bit changes under its run-queue lock only. A full barrier: what the caller reads afterwards is no
    // older than what a CPU published that has not seen the bit.
    void set(CpuId cpu) { words_[cpu.value / 64].fetch_or(1ull << cpu.value % 64, Order::seq_cst); }
    void clear(CpuId cpu) { words_[cpu.value / 64].fetch_and(~(1ull << cpu.value % 64), Order::seq_cst); }
    u64 word(u32 index) const { return words_[index].load(Order::seq_cst); }
    bool contains(CpuId cpu) const { return word(cpu.value / 64) >> cpu.value % 64 & 1; }

private:
    Atomic<u64> words_[word_count]{};
};

}  // namespace takt
