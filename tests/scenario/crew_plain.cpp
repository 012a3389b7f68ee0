// Rounds of a crew: waiting for words, and being woken, moved, counted.
#include <abi/timer.hpp>
#include <scenario/crew.hpp>

namespace takt::scenario::crew {
namespace {

constexpr u64 wait_call = number::futex;

// All but `left_out` wait for `word`, one after the other: who waits, in this order.
struct Waiting {
    u32 members[member_count_max];
    u32 count = 0;

    void take_first()
    {
        for (u32 index = 1; index < count; index++) members[index - 1] = members[index];
        count--;
    }
};

Waiting let_wait(Crew& crew, const Crew::Words& words, u64 word, u32 first, u32 last)
{
    Waiting waiting;
    const u32 value = crew.self.load<u32>(word);
    for (u32 index = first; index < last; index++) {
        Member& member = crew.members[index];
        crew.tell_futex(member, op::wait | words.flag, word, value);
        crew.await_sleep(member);
        waiting.members[waiting.count++] = index;
    }
    crew.sort(waiting.members, waiting.count);
    return waiting;
}

// `woken` of them have been woken, the most urgent ones.
void expect_woken(Crew& crew, Waiting& waiting, u32 woken)
{
    for (; woken > 0; woken--) {
        crew.expect_result(crew.members[waiting.members[0]], 0, "a waiter was not woken");
        waiting.take_first();
    }
    for (u32 index = 0; index < waiting.count; index++)
        crew.check(!crew.done(crew.members[waiting.members[index]]), "another waiter was woken", index);
}

// One after the other, so that the order shows.
void wake_all(Crew& crew, const Crew::Words& words, u64 word, Waiting& waiting)
{
    while (waiting.count > 0) {
        crew.expect(crew.futex(op::wake | words.flag, word, 1), 1, "a wake-up");
        expect_woken(crew, waiting, 1);
    }
    crew.expect(crew.futex(op::wake | words.flag, word, 1), 0, "a wake-up of nobody");
}

void wait_and_wake(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    const u32 value = static_cast<u32>(crew.random.next());
    crew.self.store<u32>(words.word, value);
    crew.expect(crew.futex(op::wait | words.flag, words.word, value + 1), failure(Errno::eagain),
                "a word that differs");
    Waiting others = let_wait(crew, words, words.beside, 0, 1);
    Waiting waiting = let_wait(crew, words, words.word, 1, words.members);
    if (crew.random.one_in(2)) {
        const u32 most = static_cast<u32>(1 + crew.random.below(words.members));
        const u32 woken = most < waiting.count ? most : waiting.count;
        crew.expect(crew.futex(op::wake | words.flag, words.word, most), woken, "a wake-up of several");
        expect_woken(crew, waiting, woken);
    }
    wake_all(crew, words, words.word, waiting);
    expect_woken(crew, others, 0);
    wake_all(crew, words, words.beside, others);
}

void bitsets(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    Waiting waiting;
    u32 bits[member_count_max] = {};
    for (u32 index = 0; index < words.members; index++) {
        bits[index] = static_cast<u32>(1 + crew.random.below(7));
        crew.tell_futex(crew.members[index], op::wait_bitset | words.flag, words.word, 0, 0, 0, bits[index]);
        crew.await_sleep(crew.members[index]);
        waiting.members[waiting.count++] = index;
    }
    crew.sort(waiting.members, waiting.count);
    while (waiting.count > 0) {
        const u32 wanted = static_cast<u32>(1 + crew.random.below(7));
        const u32 most = static_cast<u32>(1 + crew.random.below(2));
        Waiting chosen, left;
        for (u32 index = 0; index < waiting.count; index++) {
            const u32 member = waiting.members[index];
            Waiting& list = chosen.count < most && (bits[member] & wanted) ? chosen : left;
            list.members[list.count++] = member;
        }
        const i64 woken = crew.futex(op::wake_bitset | words.flag, words.word, most, 0, 0, wanted);
        crew.expect(woken, chosen.count, "a wake-up by bits");
        expect_woken(crew, chosen, chosen.count);
        expect_woken(crew, left, 0);
        waiting = left;
    }
}

void requeue(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    const u64 targets[] = {words.beside, words.other, words.word};
    const u64 target = targets[crew.random.below(3)];
    Waiting there;
    const bool before = target != words.word && crew.random.one_in(2);
    if (before) there = let_wait(crew, words, target, 0, 1);
    Waiting waiting = let_wait(crew, words, words.word, before, words.members);
    crew.expect(crew.futex(op::cmp_requeue | words.flag, words.word, 1, 1, target, 1), failure(Errno::eagain),
                "a requeue from a word that differs");
    const u32 wake_max = static_cast<u32>(crew.random.below(3)), move_max = static_cast<u32>(crew.random.below(4));
    const u32 woken = wake_max < waiting.count ? wake_max : waiting.count;
    const u32 moved = move_max < waiting.count - woken ? move_max : waiting.count - woken;
    const u32 operation = crew.random.one_in(2) ? op::requeue : op::cmp_requeue;
    crew.expect(crew.futex(operation | words.flag, words.word, wake_max, move_max, target, 0), woken + moved,
                "a requeue");
    expect_woken(crew, waiting, woken);
    if (target == words.word) {
        crew.expect(crew.futex(op::wake | words.flag, target, 100), waiting.count, "a wake-up after a requeue");
        expect_woken(crew, waiting, waiting.count);
        return;
    }
    // Those who were moved come, by their level, behind who was there before.
    for (u32 left = moved; left > 0; left--) {
        there.members[there.count++] = waiting.members[0];
        waiting.take_first();
    }
    crew.sort(there.members, there.count);
    wake_all(crew, words, target, there);
    wake_all(crew, words, words.word, waiting);
}

// What futex(2) says of FUTEX_WAKE_OP.
u32 changed(u32 old, u32 operation, u32 operand)
{
    switch (operation) {
    case 0:
        return operand;
    case 1:
        return old + operand;
    case 2:
        return old | operand;
    case 3:
        return old & ~operand;
    default:
        return old ^ operand;
    }
}

bool holds(i32 old, u32 comparison, i32 operand)
{
    const bool results[] = {old == operand, old != operand, old<operand, old <= operand, old> operand, old >= operand};
    return results[comparison];
}

void wake_op(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    const u64 second = crew.random.one_in(3) ? words.beside : crew.random.one_in(4) ? words.word : words.other;
    const u32 operation = static_cast<u32>(crew.random.below(5)), comparison = static_cast<u32>(crew.random.below(6));
    const i32 small = static_cast<i32>(crew.random.below(8)) - 4;
    // Often just what it is compared with, or beside it.
    const i32 compared = static_cast<i32>(crew.random.below(64)) - 32;
    const i32 old = compared + static_cast<i32>(crew.random.below(3)) - 1;
    const bool shifts = crew.random.one_in(3);
    const u32 operand = shifts ? 1u << (small & 31) : static_cast<u32>(small);
    const u32 encoded = (shifts ? 8u : 0u) << 28 | operation << 28 | comparison << 24 |
                        (static_cast<u32>(small) & 0xfff) << 12 | (static_cast<u32>(compared) & 0xfff);
    Waiting waiting = let_wait(crew, words, words.word, 0, words.members - 1);
    Waiting others;
    if (second != words.word) others = let_wait(crew, words, second, words.members - 1, words.members);
    // Nobody looks at it any more.
    if (second == words.word) others.count = 0;
    crew.self.store<u32>(second, static_cast<u32>(old));
    const u32 most = static_cast<u32>(1 + crew.random.below(3));
    u32 woken = most < waiting.count ? most : waiting.count;
    u32 woken2 = 0;
    if (holds(old, comparison, compared)) {
        if (second == words.word)
            woken += woken < waiting.count;
        else
            woken2 = others.count;
    }
    const i64 result = crew.self.call(number::futex, words.word, op::wake_op | words.flag, most, 1, second, encoded);
    crew.expect(result, woken + woken2, "a wake-up with an operation");
    crew.expect(crew.self.load<u32>(second), changed(static_cast<u32>(old), operation, operand), "the word");
    expect_woken(crew, waiting, woken);
    expect_woken(crew, others, woken2);
    wake_all(crew, words, words.word, waiting);
    if (second != words.word) wake_all(crew, words, second, others);
    const u32 unknown = crew.random.one_in(2) ? 5u << 28 : 6u << 24;
    crew.expect(crew.self.call(number::futex, words.word, op::wake_op | words.flag, 1, 1, second, unknown),
                failure(Errno::enosys), "an unknown operation");
}

// --- Several words at once.

constexpr u64 waits_offset = 64;

void put_wait(Crew& crew, Member& member, u32 index, u64 word, u32 value, const Crew::Words& words)
{
    const u32 flags = abi::futex2_size_u32 | (words.flag ? abi::futex2_private : 0);
    crew.self.write_value(member.data(waits_offset + 24 * index), abi::FutexWait{value, word, flags, 0});
}

// The last word differs; another one may be woken before the thread has come there, and then that counts.
void wait_for_many(Crew& crew, Member& member, const Crew::Words& words)
{
    constexpr u32 count = 40;
    const u32 chosen = static_cast<u32>(crew.random.below(3));
    crew.self.store<u32>(words.other, 1);
    for (u32 index = 0; index < count; index++)
        put_wait(crew, member, index,
                 index == chosen      ? words.word
                 : index == count - 1 ? words.other
                                      : words.beside,
                 0, words);
    crew.tell(member, number::futex_waitv, member.data(waits_offset), count, 0, 0, 0);
    i64 woken = 0;
    for (u32 tries = 0; tries < 100 && !crew.done(member); tries++)
        woken += crew.futex(op::wake | words.flag, words.word, 1);
    crew.check(woken == 0 || woken == 1, "wake-ups of one wait", woken);
    crew.expect_result(member, woken ? chosen : failure(Errno::eagain),
                       "a wait for many words, the last of another value");
}

void wait_for_any(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    Member& member = crew.members[crew.random.below(words.members)];
    if (crew.random.one_in(5)) return wait_for_many(crew, member, words);
    const u64 place[] = {words.word, words.beside, words.other, words.word + 128};
    const u32 count = static_cast<u32>(1 + crew.random.below(4));
    for (u32 index = 0; index < count; index++) {
        crew.self.store<u32>(place[index], 7 + index);
        put_wait(crew, member, index, place[index], 7 + index, words);
    }
    const auto wait = [&](u64 timeout) {
        crew.tell(member, number::futex_waitv, member.data(waits_offset), count, 0, timeout, abi::clock::monotonic);
    };
    const u32 chosen = static_cast<u32>(crew.random.below(count));
    switch (crew.random.below(4)) {
    case 0:
        wait(0);
        crew.await_sleep(member);
        crew.expect(crew.futex(op::wake | words.flag, place[chosen], 1), 1, "a wake-up of one of several waits");
        crew.expect_result(member, chosen, "which wait was woken");
        break;
    case 1:  // The last one that was woken.
        if (!crew.random.one_in(4)) crew.set_level(member, 0);
        wait(0);
        crew.await_sleep(member);
        for (u32 index = 0; index <= chosen; index++) (void)crew.futex(op::wake | words.flag, place[index], 1);
        crew.check(crew.result(member) <= chosen, "which wait was woken", crew.result(member));
        break;
    case 2:
        crew.self.store<u32>(place[chosen], 0);
        wait(0);
        crew.expect_result(member, failure(Errno::eagain), "one of several words that differs");
        break;
    default: {
        const i64 deadline = crew.self.machine().now().ns + static_cast<i64>(crew.random.below(30'000));
        wait(crew.put_time(member, deadline));
        crew.expect_result(member, failure(Errno::etimedout), "a wait for several words with a timeout");
        crew.check(crew.finished(member).ns >= deadline, "a wait timed out early");
    }
    }
    for (u32 index = 0; index < count; index++)
        crew.expect(crew.futex(op::wake | words.flag, place[index], 1), 0, "a wake-up of a wait that is over");
}

// --- Timeouts: each wait is ended once, by a wake-up or by its time.

void timeouts(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    i64 deadlines[member_count_max];
    for (u32 index = 0; index < words.members; index++) {
        Member& member = crew.members[index];
        const i64 wait = static_cast<i64>(crew.random.below(60'000));
        deadlines[index] = crew.self.machine().now().ns + wait;
        if (crew.random.one_in(2)) {
            const u64 time = crew.put_time(member, deadlines[index]);
            crew.tell_futex(member, op::wait_bitset | words.flag, words.word, 0, time, 0, 3);
        } else {
            crew.tell_futex(member, op::wait | words.flag, words.word, 0, crew.put_time(member, wait));
        }
    }
    i64 woken = 0, told = 0;
    for (u64 wakes = crew.random.below(4); wakes > 0; wakes--) {
        crew.nap(crew.random.below(20'000));
        woken += crew.futex(op::wake | words.flag, words.word, 1);
    }
    for (u32 index = 0; index < words.members; index++) {
        const i64 result = crew.result(crew.members[index]);
        if (result == 0)
            told++;
        else
            crew.expect(result, failure(Errno::etimedout), "a wait with a timeout");
        if (result != 0)
            crew.check(crew.finished(crew.members[index]).ns >= deadlines[index], "a wait timed out early", index);
    }
    crew.expect(told, woken, "waiters that were woken");
}

// --- Signals.

void set_handler(Crew& crew, u64 flags)
{
    constexpr u64 sigusr1 = 10;
    abi::Sigaction action{};
    action.handler = crew.self.machine().address_of(count_signal);
    action.flags = abi::action_flag::restorer | flags;
    action.restorer = action.handler;
    crew.self.write_value(chief_area, action);
    crew.must(crew.self.call(number::rt_sigaction, sigusr1, chief_area, 0, 8), "rt_sigaction");
}

void signal(Crew& crew, const Member& member)
{
    constexpr u64 sigusr1 = 10;
    const u32 seen = crew.self.load<u32>(signals_seen);
    crew.must(crew.self.call(number::tgkill, crew.self.call(number::getpid), member.id, sigusr1), "tgkill");
    for (u32 tries = 0; crew.self.load<u32>(signals_seen) == seen; tries++) {
        crew.check(tries < 5000, "a signal is not seen", member.id);
        crew.nap(2000);
    }
}

void signals(Crew& crew)
{
    Crew::Words words = crew.draw_words();
    crew.draw_levels(crew.threads);
    Member& member = crew.members[crew.random.below(crew.threads)];
    const bool restart = crew.random.one_in(2);
    set_handler(crew, restart ? abi::action_flag::restart : 0);
    crew.self.store<u32>(words.word, 3);
    const u32 kind = static_cast<u32>(crew.random.below(5));
    switch (kind) {
    case 0:
        crew.tell_futex(member, op::wait | words.flag, words.word, 3);
        break;
    case 1:
        crew.tell_futex(member, op::wait | words.flag, words.word, 3, crew.put_time(member, 1'000'000'000));
        break;
    case 2:
        crew.tell_futex(member, op::wait_bitset | op::clock_realtime | words.flag, words.word, 3,
                        crew.put_time(member, INT64_MAX / 2), 0, 1);
        break;
    case 3:
        put_wait(crew, member, 0, words.word, 3, words);
        crew.tell(member, number::futex_waitv, member.data(waits_offset), 1, 0, 0, 0);
        break;
    default:
        crew.self.store<u32>(words.beside, 0);
        crew.tell_futex(member, op::wait_requeue_pi | words.flag, words.word, 3, 0, words.beside);
    }
    crew.await_sleep(member);
    signal(crew, member);
    // One with a timeout goes on only if no handler ran; one for a condition always.
    if (kind == 4 || (restart && kind != 1 && kind != 2)) {
        crew.await_sleep(member);
        if (kind == 4)
            crew.expect(crew.futex(op::cmp_requeue_pi | words.flag, words.word, 1, 0, words.beside, 3), 1, "a requeue");
        else
            crew.expect(crew.futex(op::wake | words.flag, words.word, 1), 1, "a wake-up of a wait that began again");
        crew.expect_result(member, 0, "a wait that began again");
        if (kind == 4)
            crew.expect(crew.have(member, wait_call, words.beside, op::unlock_pi | words.flag), 0, "an unlock");
    } else {
        crew.expect_result(member, failure(Errno::eintr), "an interrupted wait");
        crew.expect(crew.futex(op::wake | words.flag, words.word, 1), 0, "a wake-up of an interrupted wait");
    }
}

// One who was moved to a lock can't wait for the condition again: the signal ends it, whatever the handler's flags.
void signal_in_lock(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    const u64 mutex = words.beside;
    crew.draw_levels(crew.threads);
    Member& member = crew.members[crew.random.below(crew.threads)];
    set_handler(crew, crew.random.one_in(2) ? abi::action_flag::restart : 0);
    crew.expect(crew.futex(op::lock_pi | words.flag, mutex, 0), 0, "a lock");
    crew.tell_futex(member, op::wait_requeue_pi | words.flag, words.word, 0, 0, mutex);
    crew.await_sleep(member);
    crew.expect(crew.futex(op::cmp_requeue_pi | words.flag, words.word, 1, 0, mutex, 0), 1, "a requeue to a lock");
    crew.await_sleep(member);
    signal(crew, member);
    crew.expect_result(member, failure(Errno::eagain), "an interrupted wait for a lock");
    crew.expect(crew.futex(op::unlock_pi | words.flag, mutex, 0), 0, "an unlock");
    crew.expect(crew.self.load<u32>(mutex), 0, "a lock that nobody has");
}

// --- What can't be done, and pages that are not there.

void errors(Crew& crew)
{
    constexpr i64 einval = failure(Errno::einval), efault = failure(Errno::efault);
    const Crew::Words words = crew.draw_words();
    const u32 flag = words.flag;
    const u64 end = user_address_end;
    crew.expect(crew.futex(op::wake | flag, words.word + 2, 1), einval, "a word that is not aligned");
    crew.expect(crew.futex(op::wake | op::private_flag, end, 1), efault, "a word behind the end");
    crew.expect(crew.futex(op::wake | op::private_flag, end - 4, 1), 0, "a word that is not there");
    crew.expect(crew.futex(op::wait | flag, 16, 0), efault, "a wait for a word that is not there");
    crew.expect(crew.futex(op::wait_bitset | flag, words.word, 0), einval, "a wait for no bits");
    crew.expect(crew.futex(op::wake_bitset | flag, words.word, 1), einval, "a wake-up of no bits");
    crew.expect(crew.futex(op::wake | flag, words.word, 0), 0, "a wake-up of nobody");
    crew.expect(crew.futex(op::requeue | flag, words.word, ~0u, 1, words.other), einval, "a requeue of less than none");
    crew.expect(crew.futex(op::requeue | flag, words.word, 1, ~0u, words.other), einval, "a requeue to less than none");
    crew.expect(crew.futex(op::requeue | flag, words.word, 0, 0, words.other), 0, "a requeue of nobody");
    crew.expect(crew.futex(op::cmp_requeue | flag, 16, 0, 0, words.word, 0), efault, "a requeue from nowhere");
    crew.expect(crew.futex(op::wake_op | flag, words.word, 1, 1, 16, 1u << 28), efault, "an operation on nothing");
    crew.expect(crew.futex(op::lock_pi | flag, 16, 0), efault, "a lock that is not there");
    crew.expect(crew.futex(op::unlock_pi | flag, 16, 0), efault, "an unlock of what is not there");
    crew.expect(crew.self.call(number::futex_waitv, 16, 1, 0, 0, 0), efault, "waits that are not there");
    Member& member = crew.members[0];
    put_wait(crew, member, 0, words.word, 1, words);
    put_wait(crew, member, 1, words.word + 2, 0, words);
    crew.self.store<u32>(words.word, 1);
    crew.expect(crew.have(member, number::futex_waitv, member.data(waits_offset), 2, 0, 0, 0), einval,
                "a wait for a word that is not aligned");
    put_wait(crew, member, 1, 16, 0, words);
    crew.expect(crew.have(member, number::futex_waitv, member.data(waits_offset), 2, 0, 0, 0),
                words.flag ? efault : efault, "a wait for a word that is not there");
    crew.expect(crew.futex(op::wake | flag, words.word, 1), 0, "a wake-up of a wait that was refused");
}

// A page that is not there is brought in, whatever is done to its words; one that can't be written can be waited for.
void absent_pages(Crew& crew)
{
    constexpr u64 forget = 4;  // MADV_DONTNEED
    const u64 page = static_cast<u64>(crew.must(crew.self.map(page_size, crew.random.one_in(2)), "mmap"));
    const u64 word = page + 4 * crew.random.below(1024);
    const u32 flag = crew.random.one_in(2) ? op::private_flag : 0;
    Member& member = crew.members[crew.random.below(crew.threads)];
    crew.set_level(member, 0);
    const auto drop = [&] {
        if (crew.random.one_in(2)) crew.must(crew.self.call(number::madvise, page, page_size, forget), "madvise");
    };
    drop();
    crew.expect(crew.futex(op::cmp_requeue | flag, word, 1, 1, word, 0), 0, "a requeue on a new page");
    drop();
    crew.expect(crew.futex(op::wake_op | flag, word, 1, 1, word, 0), 0, "an operation on a new page");
    drop();
    crew.expect(crew.futex(op::trylock_pi | flag, word, 0), 0, "a lock on a new page");
    crew.expect(crew.futex(op::unlock_pi | flag, word, 0), 0, "an unlock");
    crew.must(crew.self.call(number::mprotect, page, page_size, 1), "mprotect");
    drop();
    crew.expect(crew.futex(op::trylock_pi | flag, word, 0), failure(Errno::efault), "a lock that can't be written");
    drop();
    crew.expect(crew.futex(op::cmp_requeue_pi | flag, word, 1, 0, shared_words, 0), 0, "a requeue to a lock of nobody");
    drop();
    crew.tell_futex(member, op::wait | flag, word, 0);
    crew.await_sleep(member);
    drop();
    crew.expect(crew.futex(op::cmp_requeue | flag, word, 0, 1, word, 0), 1, "a requeue");
    crew.expect(crew.futex(op::wake_op | flag, word, 1, 1, word, 0), failure(Errno::efault), "an operation");
    crew.expect(crew.futex(op::wake | flag, word, 1), 1, "a wake-up");
    crew.expect_result(member, 0, "a wait for a word that can't be written");
    crew.must(crew.self.call(number::munmap, page, page_size), "munmap");
}

}  // namespace

const Round plain_rounds[plain_round_count] = {wait_and_wake, bitsets, requeue,        wake_op, wait_for_any,
                                               timeouts,      signals, signal_in_lock, errors,  absent_pages};

}  // namespace takt::scenario::crew
