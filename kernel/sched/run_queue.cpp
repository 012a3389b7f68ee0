#include <kernel/sched/run_queue.hpp>

namespace takt {

void RunQueue::enqueue(Thread& thread, bool front, bool wakeup)
{
    ASSERT(!thread.queued);
    thread.queued = true;
    if (thread.level == level_fair) {
        fair.enqueue(thread, wakeup);
        return;
    }
    auto& queue = queues_[thread.level];
    if (front)
        queue.push_front(thread);
    else
        queue.push_back(thread);
    ready_.set(thread.level);
}

void RunQueue::dequeue(Thread& thread)
{
    ASSERT(thread.queued);
    thread.queued = false;
    if (thread.level == level_fair) {
        fair.dequeue(thread);
        return;
    }
    auto& queue = queues_[thread.level];
    queue.erase(queue.s_iterator_to(thread));
    if (queue.empty()) ready_.clear(thread.level);
}

Thread* RunQueue::pick()
{
    int level = ready_.highest();
    Thread* thread;
    if (level >= 0) [[likely]]
        thread = &queues_[level].front();
    else
        thread = fair.first();
    if (thread) dequeue(*thread);
    return thread;
}

// How many threads of a level are looked at before the search goes on below: bounds the time under two raw locks.
static constexpr unsigned movable_look = 8;

Thread* RunQueue::find_movable(CpuId cpu, int better_than)
{
    for (int level = ready_.highest(); level > 0 && level > better_than; level = ready_.highest_below(static_cast<usize>(level))) {
        unsigned looked = 0;
        for (Thread& thread : queues_[level]) {
            if (!thread.on_cpu && !thread.pinned && thread.affinity.contains(cpu)) return &thread;
            if (++looked == movable_look) break;
        }
    }
    return better_than < 0 ? fair.first_movable(cpu, movable_look) : nullptr;
}

int RunQueue::highest() const
{
    int level = ready_.highest();
    return level > 0 ? level : fair.empty() ? -1 : 0;
}

}  // namespace takt
