// Cpu: everything that belongs to one processor.
#pragma once

#include <kernel/hal/cpu.hpp>
#include <kernel/sched/run_queue.hpp>
#include <kernel/sync/preempt_off.hpp>
#include <kernel/trace/latency.hpp>
#include <kernel/trace/recorder.hpp>

namespace takt {

class Cpu : public machine::CpuState {
public:
    explicit Cpu(CpuId cpu) : run_queue(cpu) { cpu_id = cpu.value; }

    RunQueue run_queue;
    Thread* previous = nullptr;  // whom the current switch comes from
    Recorder recorder;
    WakeupLatency latency;
    Atomic<u64> system_cycles{0};  // estimate of what user threads spent in the kernel here (process/kernel_time.hpp)
    u64 interrupt_counts[256] = {};
};

// This CPU, for someone who stays on it.
inline Cpu& this_cpu(const PreemptOff&) { return hal::current_cpu(); }
inline Cpu& this_cpu(IrqContext&) { return hal::current_cpu(); }

}  // namespace takt
