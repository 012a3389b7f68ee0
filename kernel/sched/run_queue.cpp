#include <kernel/sched/run_queue.hpp>

namespace takt {

// What a fair or round-robin thread used of its turn.
void RunQueue::charge(Thread& thread, u64 cycles)
{
    // Another CPU charged it just now, and its clock is a little ahead of this one's.
    if (static_cast<i64>(cycles) <= 0) return;
    const i64 ns = static_cast<i64>(hal::cycles_to_ns(cycles));
    thread.slice_left_ns -= ns;
    if (thread.level == level_fair && !thread.is_idle) fair.charge(thread, ns);
}

// A fair thread that has the CPU to itself is not charged until it is switched away from: who joins would be that far
// behind it, and then have the CPU for as long; who comes from another CPU, or goes, would take along too little or too
// much.
void RunQueue::charge_running()
{
    if (!current || current->is_idle || current->level != level_fair || current->queued) return;
    account(*current);
}

void RunQueue::enqueue_behind(Thread& thread, bool front, bool wakeup)
{
    if (thread.level == level_fair) {
        listed_may_leave_ += may_leave(thread);
        if (front) {
            fair.displace(thread);
        } else {
            charge_running();
            fair.enqueue(thread, wakeup);
        }
    } else if (next_ && (thread.level > next_->level || (front && thread.level == next_->level))) {
        list(*next_, true);
        next_ = &thread;
    } else {
        list(thread, front);
    }
}

void RunQueue::list(Thread& thread, bool front)
{
    listed_may_leave_ += may_leave(thread);
    auto& queue = queues_[thread.level];
    if (front)
        queue.push_front(thread);
    else
        queue.push_back(thread);
    ready_.set(thread.level);
}

void RunQueue::unlist(Thread& thread)
{
    listed_may_leave_ -= may_leave(thread);
    if (thread.level == level_fair) {
        fair.dequeue(thread);
        return;
    }
    auto& queue = queues_[thread.level];
    queue.erase(queue.s_iterator_to(thread));
    if (queue.empty()) ready_.clear(thread.level);
}

Thread* RunQueue::first_listed()
{
    int level = ready_.highest();
    return level >= 0 ? &queues_[level].front() : fair.first();
}

// How many threads of a level are looked at before the search goes on below: bounds the time under two raw locks.
static constexpr unsigned movable_look = 8;

Thread* RunQueue::find_movable(CpuId cpu, int better_than)
{
    if (next_ && next_->level > better_than && !next_->on_cpu && !next_->pinned && next_->affinity.contains(cpu))
        return next_;
    for (int level = ready_.highest(); level > 0 && level > better_than;
         level = ready_.highest_below(static_cast<usize>(level))) {
        unsigned looked = 0;
        for (Thread& thread : queues_[level]) {
            if (!thread.on_cpu && !thread.pinned && thread.affinity.contains(cpu)) return &thread;
            if (++looked == movable_look) break;
        }
    }
    return better_than < 0 ? fair.first_movable(cpu, movable_look) : nullptr;
}

void RunQueue::set_affinity(Thread& thread, const CpuSet& cpus)
{
    const bool listed = thread.queued && &thread != next_;
    if (listed && may_leave(thread)) listed_may_leave_--;
    thread.affinity = cpus;
    if (listed && may_leave(thread)) listed_may_leave_++;
}

}  // namespace takt
