// InterruptTable: which thread serves which interrupt line.
#pragma once

#include <kernel/hal/interrupts.hpp>
#include <kernel/irq/interrupt_thread.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

class InterruptTable {
public:
    static constexpr usize line_count_max = 256;

    struct Line {
        InterruptHandler* handler = nullptr;
        Thread* thread = nullptr;
        char name[16] = {};
        bool level = false;
        Atomic<u32> pending{0};
        Atomic<u64> counts[cpu_count_max]{};  // per CPU
        CpuSet affinity;
    };

    // Hard interrupt: masks a level-triggered line, wakes its thread. O(1).
    void on_interrupt(IrqContext& context, u32 line);
    // Null: nobody registered.
    Line* line(u32 number) { return number < line_count_max ? lines_[number] : nullptr; }
    // /proc/irq/N/smp_affinity: line and thread move. einval: no online CPU in the set.
    Result<void> set_affinity(MayBlock& context, u32 number, const CpuSet& cpus);

private:
    friend Result<void> register_interrupt(MayBlock&, u32, const char*, InterruptHandler&);
    static void thread_main(MayBlock& context, void* argument);

    Line* lines_[line_count_max] = {};  // set once, at registration
};

}  // namespace takt
