#include <algorithm>
#include <kernel/hal/observe.hpp>
#include <sim/checkers.hpp>

namespace takt {
namespace {

int level_of_running(RunQueue& queue)
{
    Thread& running = *queue.current;
    return running.is_idle ? -1 : running.level;
}

std::string describe(const Thread& thread)
{
    return std::string(thread.name) + "/" + std::to_string(thread.id.value) + " (level " +
           std::to_string(thread.level) + ")";
}

std::string cpu_text(u32 number) { return "CPU " + std::to_string(number); }

}  // namespace

Checkers::Checkers(TestMachine& machine) : machine_(machine) { machine.machine().watcher = this; }

Checkers::~Checkers() { machine_.machine().watcher = nullptr; }

void Checkers::fail(std::string message) { machine_.machine().fail(std::move(message)); }

// --- Events.

void Checkers::thread_changed(sim::Processor& processor, hal::Observed what, Thread& thread)
{
    if (thread.is_idle) return;
    auto [place, is_new] = places_.try_emplace(&thread);
    if (is_new) threads_.push_back(&thread);
    switch (what) {
    case hal::Observed::made_ready:
    case hal::Observed::put_last:
        place->second = ++last_;
        break;
    case hal::Observed::put_first:
        place->second = --first_;
        break;
    case hal::Observed::picked:
        check_order(processor.number, thread);
        return;
    case hal::Observed::handed_over:
        break;
    }
    after_event(processor);
}

void Checkers::switches(sim::Processor& processor, Thread& from, Thread&)
{
    if (from.state == Thread::State::exited) {
        places_.erase(&from);
        std::erase(threads_, &from);
    }
    after_event(processor);
}

void Checkers::check_order(u32 cpu, Thread& next)
{
    if (next.level == level_fair) return;
    const i64 place = places_[&next];
    for (Thread* other : threads_) {
        if (other == &next || !other->queued || other->level != next.level || other->cpu_id().value != cpu) continue;
        counts.order++;
        if (places_[other] < place)
            fail(describe(next) + " runs before " + describe(*other) + ", which stands before it, on " + cpu_text(cpu));
    }
}

void Checkers::interrupted(sim::Processor& processor) { after_event(processor); }

void Checkers::left_kernel(sim::Processor& processor)
{
    Cpu& cpu = *processor.cpu;
    if (cpu.preempt_count != 0 || cpu.interrupt_depth != 0)
        fail(describe(*cpu.current) + " left the kernel with preemption off on " + cpu_text(processor.number));
    if (cpu.current->user && (cpu.current->lock_depth != 0 || cpu.current->mutex_depth != 0))
        fail(describe(*cpu.current) + " left the kernel with a lock");
    if (cpu.reschedule && !reschedule_is_coming(processor.number))
        fail(cpu_text(processor.number) + " left the kernel with a reschedule due, and nothing will do it");
    check_timers(processor);
    after_event(processor);
}

// Every CPU of a small machine; of a large one those concerned, and the others by turns.
void Checkers::after_event(sim::Processor& processor)
{
    constexpr u32 all_below = 8;
    const u32 count = machine_.cpu_count();
    if (count <= all_below) {
        for (u32 number = 0; number < count; number++) check_urgency(number);
    } else {
        check_urgency(processor.number);
        check_urgency(next_cpu_);
        next_cpu_ = (next_cpu_ + 1) % count;
    }
    if (!at_rest()) return;
    counts.rest++;
    check_migration();
    check_affinity();
    check_inheritance();
}

// --- Invariants.

bool Checkers::reschedule_is_coming(u32 number)
{
    sim::Processor& processor = machine_.machine().processor(number);
    if (!processor.interrupts_enabled) return true;
    return std::ranges::any_of(processor.pending, [](const sim::Interrupt& interrupt) {
        return interrupt.kind == sim::InterruptKind::reschedule;
    });
}

void Checkers::check_urgency(u32 number)
{
    Cpu& cpu = machine_.cpu(number);
    RunQueue& queue = cpu.run_queue;
    if (!queue.current || queue.highest() <= level_of_running(queue)) return;
    counts.urgency++;
    if (queue.lock().held() || cpu.reschedule || reschedule_is_coming(number)) return;
    fail(cpu_text(number) + " runs " + describe(*queue.current) + " while level " + std::to_string(queue.highest()) +
         " is queued there, and no reschedule is on its way");
}

// No CPU is on its way to schedule, and none is in the midst of it.
bool Checkers::at_rest()
{
    for (u32 number = 0; number < machine_.cpu_count(); number++) {
        sim::Processor& processor = machine_.machine().processor(number);
        const Cpu& cpu = *processor.cpu;
        if (!processor.interrupts_enabled || cpu.preempt_count != 0 || cpu.reschedule || !processor.pending.empty())
            return false;
    }
    return true;
}

void Checkers::check_migration()
{
    const u32 count = machine_.cpu_count();
    int most_waiting = -1;
    int least_running = level_max;
    for (u32 number = 0; number < count; number++) {
        RunQueue& queue = machine_.cpu(number).run_queue;
        most_waiting = std::max(most_waiting, queue.highest());
        least_running = std::min(least_running, level_of_running(queue));
        if (queue.current_level.load(Order::relaxed) != level_of_running(queue))
            fail(cpu_text(number) + " runs level " + std::to_string(level_of_running(queue)) + " and publishes " +
                 std::to_string(queue.current_level.load(Order::relaxed)));
        const bool offers = count > 1 && queue.any_may_leave();
        const int waiting = offers ? queue.highest() : -1;
        if (queue.waiting_level.load(Order::relaxed) != waiting)
            fail("on " + cpu_text(number) + " level " + std::to_string(waiting) + " waits, and it publishes " +
                 std::to_string(queue.waiting_level.load(Order::relaxed)));
        if (machine_.scheduler().waiting_cpus().contains(CpuId{number}) != offers)
            fail("on " + cpu_text(number) + (offers ? " somebody" : " nobody") +
                 " waits who may leave, and it publishes the opposite");
    }
    if (most_waiting <= least_running) return;
    for (u32 from = 0; from < count; from++) {
        RunQueue& queue = machine_.cpu(from).run_queue;
        for (u32 to = 0; to < count; to++) {
            RunQueue& target = machine_.cpu(to).run_queue;
            if (queue.highest() <= level_of_running(target)) continue;
            Thread* waiting = queue.find_movable(CpuId{to}, level_of_running(target));
            if (!waiting) continue;
            fail(describe(*waiting) + " waits on " + cpu_text(from) + " while " + cpu_text(to) + " runs " +
                 describe(*target.current));
            return;
        }
    }
}

void Checkers::check_affinity()
{
    for (u32 number = 0; number < machine_.cpu_count(); number++) {
        const Thread& running = *machine_.cpu(number).run_queue.current;
        if (!running.affinity.contains(CpuId{number})) fail(describe(running) + " may not run on " + cpu_text(number));
    }
    for (const Thread* thread : threads_)
        if (thread->queued && !thread->affinity.contains(thread->cpu_id()))
            fail(describe(*thread) + " waits on " + cpu_text(thread->cpu_id().value) + ", where it may not run");
}

Level Checkers::inherited_level(Thread& thread)
{
    Level inherited = level_fair;
    for (Thread* waiter : threads_) {
        if (waiter->blocked_on && waiter->blocked_on->mutex.owner() == &thread)
            inherited = std::max(inherited, waiter->level);
    }
    return inherited;
}

void Checkers::check_inheritance() NO_THREAD_SAFETY_ANALYSIS
{
    bool any = false;
    for (Thread* thread : threads_) {
        if (thread->pins.load(Order::relaxed) != 0) return;  // a walk along a chain is under way
        if (thread->blocked_on) any = true;
    }
    for (Thread* thread : threads_)
        if (thread->blocked_on && thread->blocked_on->level != thread->level)
            fail(describe(*thread) + " waits for a lock at level " + std::to_string(thread->blocked_on->level));
    if (any) counts.inheritance++;
    for (Thread* thread : threads_) {
        const Level right = std::max(thread->base_level, any ? inherited_level(*thread) : level_fair);
        if (thread->level != right)
            fail(describe(*thread) + " should have level " + std::to_string(right) + ", its own being " +
                 std::to_string(thread->base_level));
    }
}

void Checkers::check_timers(sim::Processor& processor)
{
    RunQueue& queue = processor.cpu->run_queue;
    if (queue.lock().held() || !processor.pending.empty()) return;
    Timer* timer = queue.timers.earliest();
    const u64 due = timer ? std::min(timer->deadline_cycles, queue.slice_end) : queue.slice_end;
    if (due != slice_endless) {
        counts.timers++;
        if (static_cast<u64>(processor.timer_deadline_ns) > due)
            fail("on " + cpu_text(processor.number) + " a timer is due at " + std::to_string(due) +
                 " ns, and the machine's is armed for " + std::to_string(processor.timer_deadline_ns));
    }
    Thread& running = *queue.current;
    const bool shared = running.sliced && !running.is_idle &&
                        (running.level == level_fair ? !queue.fair.empty() : queue.has_equal(running.level));
    // Under its pi lock its policy is being changed.
    if (!shared || processor.cpu->reschedule || running.pi_lock.held()) return;
    counts.turns++;
    if (queue.slice_end == slice_endless)
        fail("an equal of " + describe(running) + " waits on " + cpu_text(processor.number) +
             ", whose turn has no end");
}

}  // namespace takt
