// TestMachine: a simulated machine with a kernel on it whose lower half runs: threads and all that they need, no
// processes or files (program_machine.hpp has these). For unit tests.
//
//     TestMachine machine(2);                              // CPUs
//     std::vector<std::string> order;
//     machine.spawn("low", 10, [&](MayBlock& context) { machine.compute(microseconds(5)); order.push_back("low"); });
//     machine.run();                                       // until every spawned thread has ended
//
// Threads spawned by host code start together, in that order, from one interrupt of CPU 0; those spawned by a simulated
// thread start at once. Nothing depends on real time. A kernel panic, and a run() that can't come to its end because
// all threads wait, throw sim::Stopped.
#pragma once

#include <functional>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <memory>
#include <sim/machine.hpp>
#include <span>
#include <string>
#include <vector>

namespace takt {

class TestMachine {
public:
    using Body = std::function<void(MayBlock&)>;

    // Strict, without jitter: test code may look at what several CPUs have done.
    explicit TestMachine(u32 cpus = 1, u64 memory_bytes = 16ull << 20);
    explicit TestMachine(const sim::MachineOptions& options);
    ~TestMachine();
    TestMachine(const TestMachine&) = delete;
    TestMachine& operator=(const TestMachine&) = delete;

    // --- Threads. Level 0 is the fair class, above it FIFO. The thread ends with its body, and stays with the machine.
    Thread& spawn(const char* name, Level level, Body body, CpuSet affinity = CpuSet::all(cpu_count_max));
    Thread& spawn(const char* name, SchedulingParameters parameters, Body body,
                  CpuSet affinity = CpuSet::all(cpu_count_max));

    // --- Running, from host code.
    // Until every spawned thread has ended. Stopped: they can't, or it takes more than `limit` of virtual time.
    void run(Duration limit = seconds(100));
    // Runs `body` as a thread of level 60 with the rest, to its end.
    void run(Body body, Duration limit = seconds(100));
    // Until nothing happens any more by itself.
    void run_until_idle();
    void run_for(Duration duration);
    void run_until(Instant end);

    // --- Time.
    Instant now() const { return {machine_.now_ns()}; }
    // The calling simulated thread uses its CPU for this long; interrupts and preemption come as they will.
    void compute(Duration duration);
    // `function` happens outside of the machine at an instant.
    void at(Instant instant, std::function<void()> function) { machine_.at(instant.ns, std::move(function)); }
    // `function` is called in a hard interrupt of the CPU, which is sent now.
    void interrupt(CpuId cpu, std::function<void()> function) { machine_.post_call(cpu.value, std::move(function)); }

    // --- Devices: a line goes up now.
    void raise_interrupt(u32 line) { machine_.raise(line); }

    Kernel& kernel() { return *machine_.kernel; }
    Core& core() { return kernel(); }
    Scheduler& scheduler() { return kernel().scheduler; }
    Cpu& cpu(u32 number) { return *machine_.processor(number).cpu; }
    u32 cpu_count() const { return machine_.processor_count(); }
    // What runs on a CPU: "idle" for its idle thread.
    std::string running_on(u32 number);
    sim::Machine& machine() { return machine_; }
    u64 machine_events() const { return machine_.events.total(); }
    // By thread id, for EventLog::write_trace(). "" for those that were not spawned.
    std::vector<std::string> thread_names() const;

protected:
    // Not started. With an archive, which becomes its first file system, the kernel starts all that it has.
    TestMachine(const sim::MachineOptions& options, std::span<const u8> archive);

private:
    class BodyThread;
    struct Spawned;

    void place_archive(std::span<const u8> archive);
    void boot_processor(u32 number);
    void start_waiting_threads();
    void thread_ended();
    std::string describe_threads() const;
    static void processor_main(void* argument);
    static void thread_main(Thread& thread);

    struct ProcessorStart {
        TestMachine* machine;
        u32 number;
    };

    sim::Machine machine_;  // the kernel's objects go with it, not destroyed: a test may leave threads that wait
    std::vector<std::unique_ptr<Spawned>> spawned_;
    std::vector<ProcessorStart> processor_starts_;
    std::vector<Thread*> to_start_;
    bool whole_ = false;
    usize alive_ = 0;
    bool return_at_last_end_ = false;
};

}  // namespace takt
