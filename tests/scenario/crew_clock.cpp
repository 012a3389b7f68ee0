// Rounds of a crew that sets the wall clock: who waits for a time of that clock sleeps until it shows that.
#include <abi/event.hpp>
#include <abi/timer.hpp>
#include <kernel/hal/clock.hpp>
#include <scenario/crew.hpp>

namespace takt::scenario::crew {
namespace {

constexpr i64 second = 1'000'000'000;
constexpr u64 realtime = static_cast<u64>(abi::clock::realtime);

i64 read_clock(Crew& crew, i32 clock)
{
    crew.expect(crew.self.call(number::clock_gettime, clock, chief_area), 0, "clock_gettime");
    const auto time = crew.self.read_value<abi::Timespec>(chief_area);
    return time.seconds * second + time.nanoseconds;
}

void set_clock(Crew& crew, i64 ns)
{
    crew.self.write_value(chief_area, abi::Timespec{ns / second, ns % second});
    const i64 before = crew.self.machine().now().ns;
    crew.expect(crew.self.call(number::clock_settime, realtime, chief_area), 0, "clock_settime");
    const i64 shown = read_clock(crew, abi::clock::realtime), elapsed = crew.self.machine().now().ns - before;
    crew.check(shown >= ns && shown <= ns + elapsed, "the clock is not as it was set", shown - ns);
}

// What a member does until the wall clock shows a time; the answer, when it does.
struct Wait {
    i64 answer;
    void (*begin)(Crew&, Member&, u64 time, const Crew::Words&);
};

const Wait waits[] = {
    {failure(Errno::etimedout),
     [](Crew& crew, Member& member, u64 time, const Crew::Words& words) {
         crew.tell_futex(member, op::wait_bitset | op::clock_realtime | words.flag, words.word, 0, time, 0, 1);
     }},
    {failure(Errno::etimedout),
     [](Crew& crew, Member& member, u64 time, const Crew::Words& words) {
         const u32 flags = abi::futex2_size_u32 | (words.flag ? abi::futex2_private : 0);
         crew.self.write_value(member.data(64), abi::FutexWait{0, words.word, flags, 0});
         crew.tell(member, number::futex_waitv, member.data(64), 1, 0, time, realtime);
     }},
    {failure(Errno::etimedout),
     [](Crew& crew, Member& member, u64 time, const Crew::Words& words) {
         crew.tell_futex(member, op::wait_requeue_pi | op::clock_realtime | words.flag, words.word, 0, time,
                         words.other);
     }},
    {0, [](Crew& crew, Member& member, u64 time,
           const Crew::Words&) { crew.tell(member, number::clock_nanosleep, realtime, abi::timer_absolute, time, 0); }},
};

struct Sleeper {
    Member& member;
    const Wait& wait;
    i64 deadline;
};

Sleeper begin(Crew& crew, i64 after)
{
    const Crew::Words words = crew.draw_words();
    Member& member = crew.members[crew.random.below(words.members)];
    const Wait& wait = waits[crew.random.below(std::size(waits))];
    crew.set_level(member, static_cast<u32>(1 + crew.random.below(40)));
    const i64 deadline = read_clock(crew, abi::clock::realtime) + after;
    wait.begin(crew, member, crew.put_time(member, deadline), words);
    crew.await_sleep(member);
    return {member, wait, deadline};
}

void end(Crew& crew, const Sleeper& sleeper)
{
    crew.expect_result(sleeper.member, sleeper.wait.answer, "a wait for a time of the wall clock");
    crew.check(read_clock(crew, abi::clock::realtime) >= sleeper.deadline, "a wait for the wall clock ended early");
}

// It jumps past the time that is waited for.
void jump_forward(Crew& crew)
{
    const Sleeper sleeper = begin(crew, 3600 * second);
    const i64 now = crew.self.machine().now().ns;
    if (crew.random.one_in(2)) set_clock(crew, sleeper.deadline - 1800 * second);
    crew.check(!crew.done(sleeper.member), "a wait for the wall clock ended early");
    set_clock(crew, sleeper.deadline + static_cast<i64>(crew.random.below(2)));
    end(crew, sleeper);
    crew.check(crew.self.machine().now().ns < now + second, "who waited for the wall clock did not see it set");
}

// And away from it.
void jump_back(Crew& crew)
{
    const Sleeper sleeper = begin(crew, 50'000'000);
    set_clock(crew, sleeper.deadline - 100 * second);
    crew.nap(60'000'000);
    crew.check(!crew.done(sleeper.member), "a wait for a wall clock that was set back ended");
    set_clock(crew, sleeper.deadline - 50'000);
    end(crew, sleeper);
}

// Files and timers that wait for the wall clock.
void timer_files(Crew& crew)
{
    constexpr u64 absolute = 1, cancel_on_set = 2;
    const bool cancels = crew.random.one_in(2), gone = crew.random.one_in(3);
    const u64 file = static_cast<u64>(crew.must(crew.self.call(number::timerfd_create, realtime, 0), "timerfd_create"));
    Member& member = crew.members[crew.random.below(crew.threads)];
    const i64 deadline = read_clock(crew, abi::clock::realtime) + 3600 * second;
    crew.self.write_value(chief_area + 64, abi::Itimerspec{{0, 0}, {deadline / second, deadline % second}});
    crew.expect(
        crew.self.call(number::timerfd_settime, file, absolute | (cancels ? cancel_on_set : 0), chief_area + 64, 0), 0,
        "timerfd_settime");
    if (gone) {
        crew.expect(crew.self.call(number::close, file), 0, "close");
        set_clock(crew, deadline);
        return;
    }
    crew.tell(member, number::read, file, member.data(), 8);
    crew.nap(20'000);
    const i64 now = crew.self.machine().now().ns;
    set_clock(crew, deadline);
    crew.expect_result(member, cancels ? failure(Errno::ecanceled) : 8, "a read of a timer when the clock was set");
    crew.check(crew.self.machine().now().ns < now + second, "a timer did not see the wall clock set");
    crew.expect(crew.self.call(number::close, file), 0, "close");
}

// A time that no clock will show, and one that it showed long ago.
void far_and_near(Crew& crew)
{
    crew.self.write_value(chief_area, abi::Timespec{0, 10});
    crew.expect(crew.self.call(number::clock_settime, realtime, chief_area), failure(Errno::einval),
                "a wall clock behind the monotonic one");
    const Crew::Words words = crew.draw_words();
    Member& member = crew.members[0];
    const u64 far = crew.put_time(member, INT64_MAX - 1);
    crew.tell_futex(member, op::wait_bitset | op::clock_realtime | words.flag, words.word, 0, far, 0, 1);
    crew.await_sleep(member);
    crew.nap(10'000);
    crew.expect(crew.futex(op::wake | words.flag, words.word, 1), 1, "a wake-up of a wait for ever");
    crew.expect_result(member, 0, "a wait for ever");
    const u64 past = crew.put_time(member, static_cast<i64>(crew.random.below(2)));
    crew.tell_futex(member, op::wait_bitset | op::clock_realtime | words.flag, words.word, 0, past, 0, 1);
    crew.expect_result(member, failure(Errno::etimedout), "a wait for the past");
}

}  // namespace

const Round clock_rounds[clock_round_count] = {jump_forward, jump_back, timer_files, far_and_near};

}  // namespace takt::scenario::crew
