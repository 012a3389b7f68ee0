// Drills: turns, timers and places (sched(7); time/timer.hpp, sched/scheduler.hpp).
#include <algorithm>
#include <kernel/hal/clock.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/time/timer.hpp>
#include <scenario/drills.hpp>

namespace takt::scenario {
namespace {

// How often the same letter came, one after the other.
std::vector<usize> runs_of(const std::string& log)
{
    std::vector<usize> runs;
    for (usize index = 0; index < log.size(); index++) {
        if (index == 0 || log[index] != log[index - 1]) runs.push_back(0);
        runs.back()++;
    }
    return runs;
}

// a and b. Returns a.
Thread& start_two(Drill& drill, SchedulingParameters parameters, Duration step, int steps)
{
    const auto start = [&](char who) -> Thread& {
        return drill.start(parameters, [&drill, who, step, steps](MayBlock&) { drill.work(who, step, steps); });
    };
    Thread& first = start('a');
    start('b');
    return first;
}

// Letters with a deadline each, by deadline.
using Deadlines = std::vector<std::pair<i64, char>>;
std::string by_deadline(Deadlines deadlines)
{
    std::ranges::sort(deadlines);
    std::string text;
    for (const auto& [deadline, letter] : deadlines) text += letter;
    return text;
}

// Round-robin threads take turns of 100 ms each.
void round_robin(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    start_two(drill, Drill::round_robin(drill.level), milliseconds(10), 25);
    drill.release();
    const std::vector<usize> runs = runs_of(drill.log);
    drill.check(runs.size() >= 5 && std::ranges::all_of(runs.begin(), runs.begin() + 4,
                                                        [](usize run) { return run >= 9 && run <= 11; }),
                "turns of another length than 100 ms");
}

// FIFO threads take none.
void first_in_first_out(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    start_two(drill, Drill::fifo(drill.level), milliseconds(10), 12);
    drill.release();
    drill.expect(std::string(12, 'a') + std::string(12, 'b'));
}

// Two fair threads take turns of half a latency period, 3 ms; now and then one has two in a row, or the reaper takes
// part. If others take much of the CPU, turns end early: who is displaced goes on only while it is not far ahead.
void fair_turns(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    start_two(drill, Drill::fair(), microseconds(100), 250);
    const Instant begin = hal::now();
    drill.release();
    if (hal::now() > begin + milliseconds(53)) return;
    const std::vector<usize> runs = runs_of(drill.log);
    drill.check(std::ranges::count_if(runs, [](usize run) { return run >= 28 && run <= 32; }) > 0,
                "turns of another length than 3 ms");
}

// A fair thread that was displaced by a realtime one goes on with its turn, not the next; but where that is over in
// that moment.
void displaced(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    drill.start(drill.level, [&](MayBlock& context) {
        for (int round = 0; round < 3; round++) {
            for (usize run = 0; run < 3 || run > 6;) {
                drill.sleep(context, microseconds(100));
                const std::vector<usize> runs = runs_of(drill.log);
                run = drill.log.size() > 140 ? 3 : runs.empty() ? 0 : runs.back();
            }
            drill.note('h');
        }
    });
    start_two(drill, Drill::fair(), microseconds(100), 80);
    drill.release();
    bool goes_on = false;
    for (usize at = 1; at + 1 < drill.log.size(); at++)
        goes_on |= drill.log[at] == 'h' && drill.log[at - 1] == drill.log[at + 1];
    drill.check(goes_on, "turns end early");
}

// What a fair thread used while it was alone counts when another comes: neither waits for long.
void newcomer(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    for (char who : {'a', 'b'})
        drill.start(Drill::fair(), [&drill, who](MayBlock& context) {
            if (who == 'b') drill.sleep(context, milliseconds(40));
            drill.work(who, microseconds(100), who == 'a' ? 600 : 200);
        });
    drill.release();
    std::vector<usize> runs = runs_of(drill.log.substr(drill.log.find('b')));
    runs.pop_back();  // who is left alone
    drill.check(std::ranges::all_of(runs, [](usize run) { return run <= 130; }),
                "a newcomer takes all, or gets nothing");
}

// A FIFO thread that becomes a round-robin one while an equal waits has turns from then on.
void becomes_round_robin(Drill& drill)
{
    drill.takes_long();
    drill.hold();
    Thread& first = start_two(drill, Drill::fifo(drill.level), milliseconds(10), 30);
    drill.let_go();
    usize before = 0;
    {
        const Stay stay(drill, drill.some_cpu());
        while (drill.log.size() < 3) drill.sleep(drill.chief, milliseconds(5));
        drill.compute(milliseconds(1));
        drill.scheduler().set_parameters(drill.chief, first, Drill::round_robin(drill.level));
        before = drill.log.size();
        drill.compute(milliseconds(200));
    }
    drill.wait();
    drill.check(before >= 15 || runs_of(drill.log)[0] <= before + 12, "a round-robin thread has no end to its turn");
}

// A fair thread that had a CPU for itself for long has not used up its share of another's, however it came there.
void fair_mover(Drill& drill)
{
    const CpuId other = drill.some_cpu();
    if (!drill.alone || other == drill.cpu) return;
    drill.takes_long();
    constexpr int steps = 60;
    const u64 way = drill.random.below(3);
    Thread& mover = drill.start(Drill::fair(), [&](MayBlock& context) {
        drill.compute(milliseconds(200));
        if (way == 0) drill.go_to(context, other);
        if (way == 1) {  // it wakes while its CPU has something more urgent to do
            CpuSet both = CpuSet::only(drill.cpu);
            both.set(other.value);
            (void)drill.scheduler().set_affinity(context, context.thread(), both);
            drill.sleep(context, milliseconds(20));
        }
        while (hal::current_cpu().cpu_id != other.value) drill.compute(microseconds(100));
        drill.work('a', milliseconds(1), steps);
    });
    drill.start(Drill::fair(), [&](MayBlock& context) {
        drill.go_to(context, other);
        drill.sleep(context, milliseconds(190));
        drill.work('b', milliseconds(1), 2 * steps);
    });
    if (way != 0) {
        const Stay stay(drill, other);
        drill.sleep(drill.chief, milliseconds(210));
        drill.hold();
        drill.set_affinity(mover, other);
        drill.let_go();
    }
    drill.wait();
    const usize arrival = drill.log.find('a');
    drill.check(arrival < steps * 3 / 2, "a thread that came from elsewhere starves");
    const std::string first = drill.log.substr(arrival, steps / 2);
    drill.check(std::ranges::count(first, 'a') >= steps / 8, "a thread that came from elsewhere gets too little");
    drill.check(std::ranges::count(first, 'b') >= steps / 8, "a thread starves beside one that came");
}

// A fair thread that has run ahead of its share where it was waits for the others where it comes to; but not if those
// whom it left have caught up meanwhile.
void ahead(Drill& drill)
{
    enum { moves_itself, is_moved, is_moved_asleep };
    const CpuId other = drill.some_cpu();
    if (!drill.alone || other == drill.cpu) return;
    drill.takes_long();
    const u64 way = drill.random.below(3);
    Completion may_be_moved;
    bool over = false;
    Thread& mover = drill.start(Drill::fair(Policy::other, 19), [&](MayBlock& context) {
        drill.sleep(context, milliseconds(100));
        // At nice 19 a millisecond counts for more than sixty.
        for (u64 switches = ~0ull; switches != context.thread().involuntary_switches;) {
            switches = context.thread().involuntary_switches;
            drill.compute(milliseconds(1));
        }
        const Instant end = hal::now() + milliseconds(400);
        drill.note('m');
        if (way == moves_itself)
            drill.go_to(context, other);
        else if (way == is_moved)
            may_be_moved.complete();
        else
            drill.sleep_until(context, end);
        while (hal::current_cpu().cpu_id != other.value) drill.compute(microseconds(1));
        drill.note('M');
        if (way == is_moved_asleep)
            drill.check(hal::now() < end + milliseconds(30), "a thread waits for others that have caught up with it");
        over = true;
    });
    drill.start(Drill::fair(), [&](MayBlock&) {
        bool told = false;
        while (!over) {
            drill.compute(milliseconds(1));
            if (told || way != is_moved_asleep || mover.state != Thread::State::parked) continue;
            told = drill.log.find('m') != std::string::npos;
            if (told) may_be_moved.complete();
        }
    });
    drill.start(Drill::fair(), [&](MayBlock& context) {
        drill.go_to(context, other);
        while (!over) drill.work('b', milliseconds(1), 1);
    });
    if (way != moves_itself) {
        (void)may_be_moved.wait(drill.chief);
        drill.set_affinity(mover, other);
    }
    drill.wait();
    if (way != is_moved_asleep)
        drill.check(drill.log.find('M') - drill.log.find('m') >= 10,
                    "a thread that ran ahead of its share does not wait");
}

// --- Timers.

struct Bell : SoftTimer {
    Bell(Drill& of, char name) : drill(of), letter(name) {}
    void expire(MayBlock&) override
    {
        drill.check(hal::now() >= due, "a timer expired early");
        drill.note(letter);
        inside = true;
        drill.compute(work);
        if (period.ns != 0) ring(hal::now() + period);
        count++;
    }
    void ring(Instant at)
    {
        due = at;
        arm(at);
    }
    Drill& drill;
    const char letter;
    Instant due{};
    Duration period{}, work{};
    u32 count = 0;
    bool inside = false;
};

// They expire in the order of their deadlines, each once; but for those that were cancelled.
void timers_in_order(Drill& drill)
{
    const Stay stay(drill, drill.cpu);
    std::vector<std::unique_ptr<Bell>> bells;
    const Instant begin = hal::now() + milliseconds(5);
    for (char letter = 'a'; letter < 'g'; letter++) bells.push_back(std::make_unique<Bell>(drill, letter));
    Deadlines order;
    for (const auto& bell : bells) {
        const i64 deadline = begin.ns + static_cast<i64>(drill.random.below(12)) * 20'000 + bell->letter;
        if (drill.random.one_in(3)) bell->ring(begin + milliseconds(static_cast<i64>(drill.random.below(3))));
        bell->ring(Instant{deadline});
        order.emplace_back(deadline, bell->letter);
    }
    if (drill.random.one_in(2)) {
        const usize which = drill.random.below(bells.size());
        const bool cancelled = bells[which]->cancel();
        if (hal::now() < begin) drill.check(cancelled && !bells[which]->armed(), "a timer could not be cancelled");
        drill.check(!bells[which]->cancel(), "a timer was cancelled twice");
        order.erase(order.begin() + static_cast<i64>(which));
    }
    const bool in_time = hal::now() < begin;
    drill.sleep(drill.chief, milliseconds(6));
    for (const auto& bell : bells) {
        drill.check(!bell->armed(), "a timer is armed still");
        bell->cancel_and_wait(drill.chief);
    }
    if (in_time) drill.expect(by_deadline(order));
}

// A timer that is cancelled about when it is due either was cancelled or expires.
void cancelled_or_expired(Drill& drill)
{
    for (int round = 0; round < 5; round++) {
        Bell bell(drill, 'a');
        drill.check(!bell.cancel(), "a timer was cancelled that nobody armed");
        bell.work = nanoseconds(static_cast<i64>(drill.random.below(3000)));
        const Stay stay(drill, drill.cpu);
        bell.ring(hal::now() + nanoseconds(static_cast<i64>(drill.random.below(20'000))));
        const Stay elsewhere(drill, drill.some_cpu());
        drill.compute(nanoseconds(static_cast<i64>(drill.random.below(20'000))));
        const bool cancelled = bell.cancel();
        drill.check(!bell.armed(), "a cancelled timer is armed");
        bell.cancel_and_wait(drill.chief);
        drill.check(cancelled ? bell.count == 0 : bell.count == 1, "a timer was cancelled and expired, or neither");
        drill.compute(microseconds(20));
        drill.check(bell.count == !cancelled, "a timer expired that was cancelled");
    }
}

// One that arms itself again expires again, until somebody waits for its end.
void periodic(Drill& drill)
{
    Bell bell(drill, 'a');
    bell.period = nanoseconds(static_cast<i64>(1000 + drill.random.below(5000)));
    bell.work = nanoseconds(static_cast<i64>(drill.random.below(2000)));
    {
        const Stay stay(drill, drill.cpu);
        bell.ring(hal::now() + microseconds(5));
    }
    while (bell.count < 3) drill.sleep(drill.chief, microseconds(10));
    const Stay elsewhere(drill, drill.some_cpu());
    drill.compute(nanoseconds(static_cast<i64>(drill.random.below(8000))));
    bell.cancel_and_wait(drill.chief);
    const u32 count = bell.count;
    drill.check(!bell.armed(), "a timer is armed after its end");
    drill.sleep(drill.chief, microseconds(100));
    drill.check(bell.count == count, "a timer expired after its end");
}

// A timer that is armed while it expires, from another CPU, too, expires again.
void armed_while_it_expires(Drill& drill)
{
    Bell bell(drill, 'a');
    bell.work = microseconds(30);
    {
        const Stay stay(drill, drill.cpu);
        bell.ring(hal::now() + microseconds(5));
    }
    const Stay elsewhere(drill, drill.some_cpu());
    while (!bell.inside) drill.compute(nanoseconds(500));
    bell.ring(hal::now() + microseconds(static_cast<i64>(drill.random.below(100))));
    for (int left = 1000; bell.count < 2 && left > 0; left--) drill.sleep(drill.chief, microseconds(50));
    drill.check(bell.count == 2, "a timer that was armed while it expired is lost");
    bell.cancel_and_wait(drill.chief);
}

// Who sleeps to an earlier time runs earlier.
void sleepers_in_order(Drill& drill)
{
    const Instant begin = hal::now() + milliseconds(5);
    bool late = false;
    Deadlines order;
    for (char letter = 'a'; letter < 'g'; letter++) {
        const i64 deadline = begin.ns + static_cast<i64>(drill.random.below(12)) * 20'000 + letter;
        order.emplace_back(deadline, letter);
        drill.start(drill.level, [&drill, &late, begin, letter, deadline](MayBlock& context) {
            if (hal::now() >= begin) late = true;
            drill.sleep_until(context, Instant{deadline});
            drill.note(letter);
        });
    }
    drill.wait();
    if (!late) drill.expect(by_deadline(order));
}

// --- Places.

// A thread goes where it may run at once, whether it runs, waits or says so itself.
void affinity(Drill& drill)
{
    const CpuId other = drill.some_cpu();
    const u64 kind = drill.random.below(3);
    Completion event;
    bool over = false;
    Thread& thread = drill.start(drill.level, [&](MayBlock& context) {
        drill.note('a');
        if (kind == 0)
            while (!over) drill.compute(microseconds(2));
        else if (kind == 1)
            (void)event.wait(context);
        else
            drill.go_to(context, other);
        if (kind != 0) drill.check(hal::current_cpu().cpu_id == other.value, "a thread runs where it may not");
    });
    if (kind == 1) drill.settle();
    while (kind == 0 && drill.log.empty()) drill.sleep(drill.chief, microseconds(10));
    if (kind != 2) {
        drill.set_affinity(thread, other);
        drill.check(drill.scheduler().affinity(thread) == CpuSet::only(other), "an affinity is another than was set");
    }
    for (int left = 1000; kind == 0 && thread.cpu_id() != other && left > 0; left--)
        drill.sleep(drill.chief, microseconds(20));
    if (kind == 0) drill.check(thread.cpu_id() == other, "a thread stays where it may not run");
    over = true;
    event.complete();
    drill.wait();
}

// A thread that runs while others change their minds about where it may.
void to_and_fro(Drill& drill)
{
    const CpuId other = drill.some_cpu();
    bool over = false;
    Thread& thread = drill.start(drill.level, [&](MayBlock&) {
        while (!over) drill.compute(nanoseconds(200));
    });
    {
        const Stay stay(drill, drill.some_cpu());
        for (int round = 0; round < 20; round++) {
            drill.compute(nanoseconds(static_cast<i64>(drill.random.below(3000))));
            drill.set_affinity(thread, round % 2 == 0 ? other : drill.cpu);
        }
    }
    over = true;
    drill.wait();
}

// The kernel's own threads of a CPU stay there.
void pinned(Drill& drill)
{
    for (ThreadId id{0};; id.value++) {
        Thread* thread = drill.scheduler().next_kernel_thread(drill.chief, id);
        if (!thread) break;
        id = thread->id;
        if (!std::string_view(thread->name).starts_with("timers/")) continue;
        drill.check(drill.scheduler().set_affinity(drill.chief, *thread, CpuSet::only(drill.some_cpu())).error() ==
                        Errno::einval,
                    "a CPU's own thread could be moved");
    }
}

// Who wakes where nothing as urgent runs stays there, and who can't goes to an idle CPU at once. Not each time: a CPU
// that looks for work may be faster, or something may run on the idle one.
void places(Drill& drill)
{
    constexpr u32 rounds = 12;
    const CpuId elsewhere = drill.some_cpu();
    const bool is_taken = drill.scheduler().cpu_count() > 2 && drill.random.one_in(2);
    if (!drill.alone || elsewhere == drill.cpu) return;
    Completion event;
    u32 at_home = 0;
    const Stay stay(drill, elsewhere);
    Thread& thread = drill.start(drill.level, [&](MayBlock& context) {
        for (u32 round = 0; round < rounds; round++) {
            (void)event.wait(context);
            drill.go_to(context, drill.cpu);
        }
    });
    for (u32 round = 0; round < rounds; round++) {
        drill.settle();
        (void)drill.scheduler().set_affinity(drill.chief, thread, drill.scheduler().online());
        if (is_taken) drill.hold();
        event.complete();
        at_home += thread.cpu_id() == drill.cpu || (is_taken && thread.cpu_id() == elsewhere);
        if (is_taken) drill.let_go();
        drill.compute(microseconds(100));  // not asleep: this CPU would look for something to do
    }
    drill.wait();
    if (is_taken)
        drill.check(at_home < rounds, "a thread that wakes stays where it can't run");
    else
        drill.check(at_home > 0, "a thread that wakes is moved for nothing");
}

// Of those that ended some are freed by whoever makes new ones, if the reaper does not come to it.
void surplus(Drill& drill)
{
    if (drill.scheduler().cpu_count() > 1) return;  // where it would
    const auto free_some = [&] {
        for (int left = 10; left > 0; left--) drill.scheduler().reap_surplus(drill.chief);
        return drill.kernel_objects();
    };
    const auto end_some = [&](int count) {
        for (; count > 0; count--) drill.start(drill.level, [](MayBlock&) {});
        drill.settle();
    };
    end_some(12);
    const u64 objects = free_some();
    end_some(4);
    drill.check(free_some() <= objects + 2, "threads that ended are kept");
    drill.wait();
}

}  // namespace

const NamedDrill time_drills[] = {
    {"round robin", round_robin},
    {"first in, first out", first_in_first_out},
    {"fair turns", fair_turns},
    {"displaced", displaced},
    {"newcomer", newcomer},
    {"becomes round robin", becomes_round_robin},
    {"fair mover", fair_mover},
    {"ahead", ahead},
    {"timers in order", timers_in_order},
    {"cancelled or expired", cancelled_or_expired},
    {"periodic timer", periodic},
    {"armed while it expires", armed_while_it_expires},
    {"sleepers in order", sleepers_in_order},
    {"affinity", affinity},
    {"to and fro", to_and_fro},
    {"pinned", pinned},
    {"places", places},
    {"surplus", surplus},
};

}  // namespace takt::scenario
