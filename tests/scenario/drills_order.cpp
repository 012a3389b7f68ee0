// Drills: who comes first among threads that want the same CPU, lock or event (sched(7); wait_queue.hpp, pi_mutex.hpp,
// completion.hpp).
#include <algorithm>
#include <kernel/sync/lock.hpp>
#include <scenario/drills.hpp>

namespace takt::scenario {
namespace {

constexpr const char* letters = "abcdefgh";

// The place of each of the letters, by level; equals in the order in which they came.
std::string by_level(const std::vector<Level>& levels)
{
    std::vector<usize> order(levels.size());
    for (usize index = 0; index < order.size(); index++) order[index] = index;
    std::ranges::stable_sort(order, [&](usize left, usize right) { return levels[left] > levels[right]; });
    std::string text;
    for (usize index : order) text += letters[index];
    return text;
}

std::vector<Level> some_levels(Drill& drill)
{
    std::vector<Level> levels(3 + drill.random.below(3));
    for (Level& level : levels) level = static_cast<Level>(drill.level + drill.random.below(3));
    return levels;
}

SchedulingParameters fifo_or_round_robin(Drill& drill)
{
    return drill.random.one_in(2) ? Drill::round_robin(drill.level) : Drill::fifo(drill.level);
}

// Each yield lets all equals run, and nobody who is less urgent.
void yields(Drill& drill)
{
    const SchedulingParameters parameters = fifo_or_round_robin(drill);
    drill.hold();
    for (char who : {'a', 'b', 'c'})
        drill.start(parameters, [&drill, who](MayBlock& context) {
            for (int round = 0; round < 3; round++) {
                drill.note(who);
                drill.scheduler().yield(context);
            }
        });
    drill.start(static_cast<Level>(drill.level - 1), [&](MayBlock&) { drill.note('z'); });
    drill.release();
    drill.expect("abcabcabcz");
}

// A thread that is alone at its level goes on: no switch. (An equal may come by that moves to this CPU in another
// drill.)
void yields_alone(Drill& drill)
{
    constexpr u64 times = 5;
    drill.hold();
    drill.start(drill.level, [&](MayBlock& context) {
        const u64 switches = context.thread().voluntary_switches;
        for (u64 round = 0; round < times; round++) drill.scheduler().yield(context);
        drill.note('a');
        drill.check(context.thread().voluntary_switches < switches + times, "a yield to nobody is a switch");
    });
    drill.start(static_cast<Level>(drill.level - 1), [&](MayBlock&) { drill.note('z'); });
    drill.release();
    drill.expect("az");
}

// Who was preempted goes on before its equals.
void preempted(Drill& drill)
{
    const bool by_timer = drill.random.one_in(2);
    const SchedulingParameters parameters = fifo_or_round_robin(drill);
    Completion event;
    drill.hold();
    drill.start(static_cast<Level>(drill.level + 5), [&](MayBlock& context) {
        if (!by_timer) (void)event.wait(context);
        while (drill.log.empty()) drill.sleep(context, microseconds(10));
        drill.note('h');
    });
    drill.start(parameters, [&](MayBlock&) {
        drill.note('a');
        if (!by_timer) event.complete();
        while (drill.log == "a") drill.compute(microseconds(1));
        drill.note('A');
    });
    drill.start(drill.level, [&](MayBlock&) { drill.note('b'); });
    drill.release();
    drill.expect("ahAb");
}

// A waiting thread that is raised goes to the end of its new list, one that is lowered to the front.
void changed_while_queued(Drill& drill)
{
    drill.hold();
    std::string order;
    const usize count = 3 + drill.random.below(4);
    for (usize index = 0; index < count; index++) {
        const char who = letters[index];
        const auto body = [&drill, who](MayBlock&) { drill.note(who); };
        const u64 kind = drill.random.below(3);
        const Level at_first = static_cast<Level>(kind == 0   ? drill.level
                                                  : kind == 1 ? drill.level - 5
                                                              : drill.level + 5);
        Thread& thread = drill.start(at_first, body);
        if (kind != 0) drill.set(drill.chief, thread, drill.level);
        order.insert(kind == 2 ? 0 : order.size(), 1, who);
    }
    drill.release();
    drill.expect(order);
}

// One that lowers itself goes on before those who waited at its new level, not before those above it.
void lowers_itself(Drill& drill)
{
    const Level to = static_cast<Level>(drill.level - drill.random.below(2));
    drill.hold();
    drill.start(static_cast<Level>(drill.level + 5), [&, to](MayBlock& context) {
        drill.note('a');
        drill.set(context, context.thread(), to);
        drill.note('A');
    });
    drill.start(drill.level, [&](MayBlock&) { drill.note('b'); });
    drill.release();
    drill.expect(to == drill.level ? "aAb" : "abA");
}

// One that raises itself goes on, and who becomes more urgent than it is preempts it at once.
void raises(Drill& drill)
{
    Thread* lower = nullptr;
    drill.hold();
    drill.start(drill.level, [&](MayBlock& context) {
        drill.note('a');
        drill.set(context, context.thread(), static_cast<Level>(drill.level + 2));
        drill.note('A');
        drill.set(context, *lower, static_cast<Level>(drill.level + 3));
        drill.note('z');
    });
    drill.start(drill.level, [&](MayBlock&) { drill.note('e'); });
    lower = &drill.start(static_cast<Level>(drill.level - 5), [&](MayBlock&) { drill.note('l'); });
    drill.release();
    drill.expect("aAlze");
}

// The owner of a lock inherits, nobody in between runs, and afterwards it goes on before its equals.
void boost_ends(Drill& drill)
{
    PiMutex mutex;
    const Level urgent = static_cast<Level>(drill.level + 10);
    Thread* between = nullptr;
    bool is_wanted = false;
    drill.hold();
    drill.start(urgent, [&](MayBlock& context) {
        while (drill.log.empty() || between->state != Thread::State::parked) drill.sleep(context, microseconds(10));
        is_wanted = true;
        mutex.lock(context.thread());
        drill.note('h');
        mutex.unlock(context.thread());
    });
    between = &drill.start(static_cast<Level>(drill.level + 5), [&](MayBlock& context) {
        while (!is_wanted) drill.sleep(context, microseconds(10));
        drill.note('m');
    });
    drill.start(drill.level, [&](MayBlock& context) {
        mutex.lock(context.thread());
        drill.note('a');
        while (!is_wanted || !between->queued) drill.compute(microseconds(1));
        drill.note('A');
        drill.check(context.thread().level == urgent, "the owner of a lock does not inherit");
        mutex.unlock(context.thread());
        drill.note('e');
        drill.check(context.thread().level == drill.level, "a boost did not end with its cause");
    });
    drill.start(drill.level, [&](MayBlock&) { drill.note('b'); });
    drill.release();
    drill.expect("aAhmeb");
}

// Waiters of a queue come in the order of their levels, equals in the order in which they came, whether they are woken
// one by one or all at once.
void wait_queue(Drill& drill)
{
    Lock<Rank::object> lock;
    WaitQueue queue;
    unsigned passes = 0;
    const std::vector<Level> levels = some_levels(drill);
    for (usize index = 0; index < levels.size(); index++) {
        drill.start(levels[index], [&, index](MayBlock& context) {
            LockGuard guard(lock, context);
            while (passes == 0) drill.check(queue.wait(context, guard).ok(), "a wait failed");
            passes--;
            drill.note(letters[index]);
        });
        drill.settle();
    }
    const bool all_at_once = drill.random.one_in(2);
    for (usize left = levels.size(); left > 0;) {
        {
            LockGuard guard(lock, drill.chief);
            drill.check(!queue.empty(), "nobody waits");
            passes = all_at_once ? static_cast<unsigned>(left) : 1;
            all_at_once ? queue.wake_all() : (void)queue.wake_one();
            left = all_at_once ? 0 : left - 1;
        }
        drill.settle_or_end(left == 0);
    }
    drill.expect(by_level(levels));
    drill.check(queue.empty(), "somebody waits still");
}

// The same for a lock, at the levels that they have when it is given: some are changed while they wait.
void mutex(Drill& drill)
{
    PiMutex mutex;
    std::vector<Level> levels = some_levels(drill);
    std::vector<Thread*> threads;
    mutex.lock(drill.chief.thread());
    for (usize index = 0; index < levels.size(); index++) {
        threads.push_back(&drill.start(levels[index], [&, index](MayBlock& context) {
            mutex.lock(context.thread());
            drill.note(letters[index]);
            drill.check(mutex.held_by(context.thread()), "a lock that was taken is not held");
            mutex.unlock(context.thread());
        }));
        drill.settle();
    }
    if (drill.random.one_in(2)) {
        const usize which = drill.random.below(levels.size());
        levels[which] = static_cast<Level>(drill.level + (drill.random.one_in(2) ? 5 : -5));
        drill.set(drill.chief, *threads[which], levels[which]);
    }
    mutex.unlock(drill.chief.thread());
    drill.wait();
    drill.expect(by_level(levels));
}

// Who waits first passes first, whatever its level.
void completion(Drill& drill)
{
    Completion event;
    const std::vector<Level> levels = some_levels(drill);
    std::string order;
    for (usize index = 0; index < levels.size(); index++) {
        order += letters[index];
        drill.start(levels[index], [&, index](MayBlock& context) {
            (void)event.wait(context);
            drill.note(letters[index]);
        });
        drill.settle();
    }
    drill.check(!event.try_wait(), "an event that did not happen");
    if (drill.random.one_in(2)) {
        event.complete_all();
        drill.wait();
        drill.check(event.try_wait() && event.try_wait(), "an event for all was for some");
        std::ranges::sort(drill.log);  // who waits at it passes, in any order
    } else {
        for (usize left = levels.size(); left > 0; left--) {
            event.complete();
            drill.settle_or_end(left == 1);
        }
        drill.check(!event.try_wait(), "an event happened twice");
    }
    drill.expect(order);
}

// A fair thread's yield lets another run, too.
void fair_yields(Drill& drill)
{
    int ready = 0;
    drill.hold();
    for (char who : {'a', 'b'})
        drill.start(Drill::fair(), [&drill, &ready, who](MayBlock& context) {
            drill.compute(microseconds(static_cast<i64>(drill.random.below(1500))));
            ready++;
            while (ready < 2) drill.compute(microseconds(1));
            for (int round = 0; round < 4; round++) {
                drill.note(who);
                drill.scheduler().yield(context);
            }
        });
    drill.release();
    // The reaper may be the one that is let by.
    const std::string first = drill.log.substr(0, 4);
    drill.check(first != "aaaa" && first != "bbbb", "a fair thread yielded to nobody");
}

// Who is idle by policy gives way at once to any other, though that has run for longer; but where its own turn is over
// in that moment.
void idle_gives_way(Drill& drill)
{
    drill.takes_long();
    Completion event;
    Thread* waiter = nullptr;
    drill.hold();
    drill.start(Drill::fair(Policy::idle), [&](MayBlock& context) {
        for (int round = 0; round < 3; round++) {
            while (waiter->state != Thread::State::parked) drill.sleep(context, milliseconds(1));
            drill.note('i');
            event.complete();
            drill.note('I');
        }
    });
    waiter = &drill.start(Drill::fair(drill.random.one_in(2) ? Policy::other : Policy::batch), [&](MayBlock& context) {
        drill.compute(milliseconds(40));
        for (int round = 0; round < 3; round++) {
            (void)event.wait(context);
            drill.note('n');
        }
    });
    drill.release();
    drill.check(drill.log.find("inI") != std::string::npos, "a thread that is idle by policy does not give way");
}

// Nobody gives way at once to one that wakes and is batch or idle by policy, though that has run for less.
void batch_waits(Drill& drill)
{
    Completion event;
    Thread* waiter = nullptr;
    drill.hold();
    drill.start(Drill::fair(), [&](MayBlock& context) {
        drill.compute(milliseconds(5));
        while (waiter->state != Thread::State::parked) drill.sleep(context, microseconds(50));
        drill.note('r');
        event.complete();
        drill.note('R');
    });
    waiter = &drill.start(Drill::fair(drill.random.one_in(2) ? Policy::idle : Policy::batch), [&](MayBlock& context) {
        (void)event.wait(context);
        drill.note('w');
    });
    drill.release();
    drill.expect("rRw");
}

// Two threads that do nothing but wait for each other: a wake-up that is lost is the last.
void ping_pong(Drill& drill)
{
    constexpr int rounds = 30;
    Lock<Rank::object> lock;
    WaitQueue queue;
    Completion replies;
    int turn = 0;
    const CpuId other = drill.some_cpu();
    for (const int who : {0, 1})
        drill.start(static_cast<Level>(drill.level + who), [&, who](MayBlock& context) {
            if (who == 1) drill.go_to(context, other);
            for (int round = 0; round < rounds; round++) {
                {
                    LockGuard guard(lock, context);
                    while (turn != who) (void)queue.wait(context, guard);
                    turn = 1 - who;
                    queue.wake_one();
                }
                drill.compute(nanoseconds(37 * (round + 5 * who) % 400));
                who == 0 ? (void)replies.wait(context) : replies.complete();
            }
        });
    drill.wait();
    drill.check(turn == 0 && !replies.try_wait(), "two threads that take turns are out of step");
}

}  // namespace

const NamedDrill order_drills[] = {
    {"yields", yields},
    {"yields alone", yields_alone},
    {"preempted", preempted},
    {"changed while queued", changed_while_queued},
    {"lowers itself", lowers_itself},
    {"raises", raises},
    {"boost ends", boost_ends},
    {"wait queue", wait_queue},
    {"mutex", mutex},
    {"completion", completion},
    {"fair yields", fair_yields},
    {"idle gives way", idle_gives_way},
    {"batch waits", batch_waits},
    {"ping pong", ping_pong},
};

}  // namespace takt::scenario
