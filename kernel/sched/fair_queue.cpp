// The fair class: weighted fair queueing by virtual runtime.
//
// After: Demers, Keshav, Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", SIGCOMM 1989; nice levels
// differ by a factor of 1.25 in weight, as sched(7) documents for Linux.
#include <kernel/sched/run_queue.hpp>
#include <utility>

namespace takt {
namespace {

constexpr i64 latency_period_ns = 6 * ns_per_ms;  // in which each ready thread runs once
constexpr i64 least_slice_ns = 750 * ns_per_us;
constexpr i64 wakeup_advantage_ns = 1 * ns_per_ms;  // a waking thread must be this far behind to preempt
constexpr u64 weight_nice_0 = 1024;

constexpr bool before(u64 left, u64 right) { return static_cast<i64>(left - right) < 0; }

}  // namespace

u64 FairQueue::weight_of_nice(i8 nice)
{
    u64 weight = weight_nice_0 * 1024;  // ten more bits while multiplying
    for (int step = 0; step < nice; step++) weight = weight * 4 / 5;
    for (int step = 0; step > nice; step--) weight = weight * 5 / 4;
    weight /= 1024;
    return weight ? weight : 1;
}

void FairQueue::enqueue(Thread& thread, bool wakeup)
{
    u64 floor = least_runtime_ - (wakeup ? static_cast<u64>(latency_period_ns / 2) : 0);
    if (before(thread.virtual_runtime, floor)) thread.virtual_runtime = floor;
    tree_.insert(thread);
    count_++;
}

void FairQueue::give_way(Thread& thread)
{
    const Thread* next = first();
    if (next && !before(next->virtual_runtime, thread.virtual_runtime))
        thread.virtual_runtime = next->virtual_runtime + 1;
}

void FairQueue::displace(Thread& thread)
{
    if (displaced_) tree_.insert(*std::exchange(displaced_, nullptr));
    if (thread.parameters.policy == Policy::idle) give_way(thread);
    displaced_ = &thread;
    count_++;
}

void FairQueue::dequeue(Thread& thread)
{
    if (displaced_ == &thread)
        displaced_ = nullptr;
    else
        tree_.erase(tree_.iterator_to(thread));
    count_--;
}

Thread* FairQueue::first()
{
    if (tree_.empty()) return displaced_;
    Thread* next = &*tree_.begin();
    if (!displaced_) return next;
    // One that is idle by policy gives way to all others, but not for ever: it has no turn to keep, only its share.
    const bool goes_on = displaced_->parameters.policy == Policy::idle
                             ? !before(next->virtual_runtime, displaced_->virtual_runtime)
                             : !preempts(*next, *displaced_);
    return goes_on ? displaced_ : next;
}

Thread* FairQueue::first_movable(CpuId cpu, unsigned look)
{
    if (displaced_ && !displaced_->on_cpu && !displaced_->pinned && displaced_->affinity.contains(cpu))
        return displaced_;
    for (Thread& thread : tree_) {
        if (!thread.on_cpu && !thread.pinned && thread.affinity.contains(cpu)) return &thread;
        if (--look == 0) break;
    }
    return nullptr;
}

void FairQueue::charge(Thread& thread, i64 ns)
{
    thread.virtual_runtime +=
        thread.weight == weight_nice_0 ? static_cast<u64>(ns) : static_cast<u64>(ns) * weight_nice_0 / thread.weight;
    u64 least = thread.virtual_runtime;
    if (!tree_.empty() && before(tree_.begin()->virtual_runtime, least)) least = tree_.begin()->virtual_runtime;
    // One that stands aside while another overtakes it has not got its share, either.
    if (displaced_ && before(displaced_->virtual_runtime, least)) least = displaced_->virtual_runtime;
    if (before(least_runtime_, least)) least_runtime_ = least;
}

bool FairQueue::preempts(const Thread& challenger, const Thread& running) const
{
    if (challenger.parameters.policy == Policy::idle) return false;
    if (running.parameters.policy == Policy::idle) return true;
    if (challenger.parameters.policy == Policy::batch) return false;
    return before(challenger.virtual_runtime + static_cast<u64>(wakeup_advantage_ns), running.virtual_runtime);
}

i64 FairQueue::slice_ns() const
{
    i64 slice = latency_period_ns / static_cast<i64>(count_ + 1);
    return slice < least_slice_ns ? least_slice_ns : slice;
}

}  // namespace takt
