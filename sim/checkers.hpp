// Checkers: what must hold of the kernel on the simulated machine, tested after every event as an invariant of state,
// not of durations:
//
//   urgency      when something more urgent than what runs is queued on a CPU, a reschedule is on its way: its flag is
//                set, its interrupt is pending, interrupts are off, or the queue is locked
//   migration    when nothing is on its way anywhere, no permitted move of a queued thread would improve what runs, and
//                what the CPUs publish of themselves is so
//   inheritance  then also each thread has the higher of its own level and its waiters', through any chain, and no more
//   order        of a queue's most urgent threads the one at the front runs next: whoever is woken, raised, yields or
//                comes to the end of its turn goes to the back, whoever was preempted or lowered to the front
//                (sched(7))
//   affinity     when nothing is on its way, each thread runs, or waits for its turn, where it may run
//   timers       the machine's timer is armed for a CPU's earliest timer, or for the end of the running thread's turn,
//                before the CPU leaves the kernel
//   turns        a fair or round-robin thread with an equal waiting has an end to its turn
//   atomicity    no thread leaves the kernel with preemption off, or with a lock
//
// Where they happen (arch/sim/mmu.cpp), not here: a frame that is freed is in no page table, and no CPU remembers how
// to reach it; a CPU reaches only frames that are programs'. That memory is freed once the kernel itself asserts, on
// every machine: frames by their count of references (mm/frame.cpp), objects by a mark (mm/slab.cpp).
//
// That no wake-up is lost shows at the end of a run: somebody waits for ever.
#pragma once

#include <sim/test_machine.hpp>
#include <unordered_map>

namespace takt {

class Checkers : public sim::Watcher {
public:
    explicit Checkers(TestMachine& machine);
    ~Checkers();

    void thread_changed(sim::Processor& processor, hal::Observed what, Thread& thread) override;
    void switches(sim::Processor& processor, Thread& from, Thread& to) override;
    void interrupted(sim::Processor& processor) override;
    void left_kernel(sim::Processor& processor) override;

    // How often each was looked at with something to see; that a checker checks is part of the tests.
    struct Counts {
        u64 urgency = 0, rest = 0, inheritance = 0, order = 0, timers = 0, turns = 0;
    };
    Counts counts;

private:
    void after_event(sim::Processor& processor);
    bool reschedule_is_coming(u32 number);
    void check_order(u32 cpu, Thread& next);
    void check_affinity();
    void check_urgency(u32 number);
    bool at_rest();
    void check_migration();
    void check_inheritance();
    void check_timers(sim::Processor& processor);
    Level inherited_level(Thread& thread) NO_THREAD_SAFETY_ANALYSIS;
    void fail(std::string message);

    TestMachine& machine_;
    i64 first_ = 0, last_ = 0;                       // the outermost places that were given
    std::vector<Thread*> threads_;                   // that have been made ready and have not ended
    std::unordered_map<const Thread*, i64> places_;  // theirs in their list, while they are queued; looked up only
    u32 next_cpu_ = 0;
};

}  // namespace takt
