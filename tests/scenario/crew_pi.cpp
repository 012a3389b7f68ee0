// Rounds of a crew: PI futexes, and owners that die.
#include <scenario/crew.hpp>

namespace takt::scenario::crew {
namespace {

constexpr u32 waiters = abi::futex_waiters, died = abi::futex_owner_died;
constexpr i64 none = 0;

u32 id_of(const Member& member) { return static_cast<u32>(member.id); }

void expect_word(Crew& crew, u64 word, u32 wanted, const char* what)
{
    crew.expect(crew.self.load<u32>(word), wanted, what);
}

void expect_holder(Crew& crew, u64 word, const Member& member)
{
    crew.expect(crew.self.load<u32>(word) & abi::futex_tid_mask, id_of(member), "the holder of a lock");
}

void lock(Crew& crew, Member& member, const Crew::Words& words, u64 word)
{
    crew.tell_futex(member, op::lock_pi | words.flag, word, 0);
    crew.expect_result(member, 0, "a lock that is free");
    expect_holder(crew, word, member);
}

void unlock(Crew& crew, Member& member, const Crew::Words& words, u64 word, i64 wanted = 0)
{
    crew.tell_futex(member, op::unlock_pi | words.flag, word, 0);
    crew.expect_result(member, wanted, "an unlock");
}

void let_lock(Crew& crew, Member& member, const Crew::Words& words, u64 word)
{
    crew.tell_futex(member, crew.random.one_in(2) ? op::lock_pi | words.flag : op::lock_pi2 | words.flag, word, 0);
    crew.await_sleep(member);
}

// The lock has been given up: one of the most urgent of those who wait has it.
u32 next_holder(Crew& crew, u64 word, u32 first, u32 last, i64 wanted = 0)
{
    u32 best = 0;
    for (u32 index = first; index < last; index++)
        if (crew.members[index].call && crew.members[index].level > best) best = crew.members[index].level;
    for (u32 tries = 0; tries < 5000; tries++) {
        for (u32 index = first; index < last; index++) {
            Member& member = crew.members[index];
            if (!member.call || !crew.done(member)) continue;
            crew.expect_result(member, wanted, "a wait for a lock");
            if (wanted == 0) {
                crew.expect(member.level, best, "the level of a lock's next holder");
                expect_holder(crew, word, member);
            }
            member.call = 0;
            return index;
        }
        crew.nap(2000);
    }
    crew.check(false, "nobody gets a lock that was given up", static_cast<i64>(word));
    return 0;
}

// All `count` that wait get it, one after the other.
void pass_on(Crew& crew, const Crew::Words& words, u64 word, u32 first, u32 last, u32 count, u32 mark)
{
    for (; count > 0; count--) {
        Member& holder = crew.members[next_holder(crew, word, first, last)];
        crew.check((crew.self.load<u32>(word) & died) == mark, "the mark of an owner that died",
                   crew.self.load<u32>(word));
        unlock(crew, holder, words, word);
        holder.call = 0;
        mark = 0;
    }
    expect_word(crew, word, 0, "a lock that nobody has");
}

void locks_in_order(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    const u64 word = words.word;
    crew.draw_levels(words.members);
    Member& owner = crew.members[0];
    lock(crew, owner, words, word);
    expect_word(crew, word, id_of(owner), "a lock without waiters");
    crew.expect(crew.futex(op::trylock_pi | words.flag, word, 0), failure(Errno::eagain), "a try for a lock");
    crew.expect(crew.futex(op::unlock_pi | words.flag, word, 0), failure(Errno::eperm), "an unlock by another");
    crew.tell_futex(owner, op::lock_pi | words.flag, word, 0);
    crew.expect_result(owner, failure(Errno::edeadlk), "a second lock");
    for (u32 index = 1; index < words.members; index++) let_lock(crew, crew.members[index], words, word);
    expect_word(crew, word, id_of(owner) | waiters, "a lock with waiters");
    crew.expect(crew.futex(op::trylock_pi | words.flag, word, 0), failure(Errno::eagain), "a try for a lock");
    crew.expect(crew.futex(op::unlock_pi | words.flag, word, 0), failure(Errno::eperm), "an unlock by another");
    crew.expect(crew.futex(op::wake | words.flag, word, 1), failure(Errno::einval),
                "a wake-up of who waits for a lock");
    crew.expect(crew.futex(op::wake_op | words.flag, word, 1, 1, words.other), failure(Errno::einval),
                "a wake-up of who waits for a lock");
    crew.expect(crew.futex(op::requeue | words.flag, word, 1, 1, words.other), failure(Errno::einval),
                "a requeue of who waits for a lock");
    expect_word(crew, word, id_of(owner) | waiters, "a lock with waiters");
    if (crew.random.one_in(2)) crew.set_level(crew.members[1 + crew.random.below(words.members - 1)], 17);
    unlock(crew, owner, words, word);
    pass_on(crew, words, word, 1, words.members, words.members - 1, 0);
}

void lock_timeouts(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    Member& owner = crew.members[0];
    lock(crew, owner, words, words.word);
    i64 deadlines[member_count_max];
    for (u32 index = 1; index < words.members; index++) {
        deadlines[index] = crew.self.machine().now().ns + static_cast<i64>(crew.random.below(100'000));
        const u64 time = crew.put_time(crew.members[index], deadlines[index]);
        crew.tell_futex(crew.members[index], op::lock_pi2 | words.flag, words.word, 0, time);
    }
    // Sometimes while they wait.
    crew.nap(crew.random.below(100'000));
    unlock(crew, owner, words, words.word);
    for (u32 left = words.members - 1; left > 0;) {
        for (u32 index = 1; index < words.members; index++) {
            Member& member = crew.members[index];
            if (!member.call || !crew.done(member)) continue;
            const i64 result = crew.result(member);
            left--;
            if (result == 0) {
                expect_holder(crew, words.word, member);
                unlock(crew, member, words, words.word);
            } else {
                crew.expect(result, failure(Errno::etimedout), "a wait for a lock with a timeout");
                crew.check(crew.finished(member).ns >= deadlines[index], "a wait for a lock timed out early");
            }
            member.call = 0;
        }
        crew.nap(5000);
    }
    expect_word(crew, words.word, 0, "a lock that nobody has");
    // One that waits while nobody gives it up.
    lock(crew, owner, words, words.word);
    Member& member = crew.members[1];
    const i64 deadline = crew.self.machine().now().ns + static_cast<i64>(crew.random.below(20'000));
    const u64 time = crew.put_time(member, deadline);
    crew.tell_futex(member, op::lock_pi2 | words.flag, words.word, 0, time);
    crew.expect_result(member, failure(Errno::etimedout), "a wait for a lock with a timeout");
    unlock(crew, owner, words, words.word);
    expect_word(crew, words.word, 0, "a lock that nobody has");
}

void pin(Crew& crew, const Member& member, u64 processors)
{
    crew.self.store<u64>(chief_area, processors);
    crew.must(crew.self.call(number::sched_setaffinity, member.id, 8, chief_area), "sched_setaffinity");
}

// The chief's time, to a fraction of a microsecond.
void pass_until(Crew& crew, i64 end)
{
    constexpr i64 at_once = 50'000;
    const i64 left = end - crew.self.machine().now().ns;
    if (left > at_once) crew.nap(static_cast<u64>(left - at_once));
    const i64 rest = end - crew.self.machine().now().ns;
    if (rest > 0) crew.self.compute(nanoseconds(rest));
}

// It is given up at about the time at which the most urgent of two gives up to wait: one of the two has it then. They
// have one processor: whoever leaves does not need the other one to run.
void late_unlocks(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    const u64 word = words.word;
    Member &hasty = crew.members[0], &patient = crew.members[1];
    const u32 processors = crew.self.machine().machine().processor_count();
    const u64 one = u64{1} << crew.random.below(processors);
    crew.set_level(hasty, 30);
    crew.set_level(patient, 5);
    for (const Member* member : {&hasty, &patient}) pin(crew, *member, one);
    for (u32 tries = 0; tries < 6; tries++) {
        crew.expect(crew.futex(op::lock_pi | words.flag, word, 0), 0, "a lock that is free");
        let_lock(crew, patient, words, word);
        const i64 deadline = crew.self.machine().now().ns + 30'000;
        crew.tell_futex(hasty, op::lock_pi2 | words.flag, word, 0, crew.put_time(hasty, deadline));
        pass_until(crew, deadline + static_cast<i64>(crew.random.below(6000)));
        crew.expect(crew.futex(op::unlock_pi | words.flag, word, 0), 0, "an unlock");
        const i64 result = crew.result(hasty);
        if (result == 0) {
            expect_holder(crew, word, hasty);
            unlock(crew, hasty, words, word);
        } else {
            crew.expect(result, failure(Errno::etimedout), "a wait for a lock with a timeout");
            crew.check(crew.finished(hasty).ns >= deadline, "a wait for a lock timed out early");
        }
        crew.expect_result(patient, 0, "a wait for a lock");
        expect_holder(crew, word, patient);
        unlock(crew, patient, words, word);
        expect_word(crew, word, 0, "a lock that nobody has");
    }
    for (const Member* member : {&hasty, &patient}) pin(crew, *member, (u64{1} << processors) - 1);
}

void deadlocks(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    const u64 places[] = {words.word, words.beside, words.other};
    const u32 length = static_cast<u32>(2 + crew.random.below(2));
    for (u32 index = 0; index < length; index++) lock(crew, crew.members[index], words, places[index]);
    for (u32 index = 0; index + 1 < length; index++) let_lock(crew, crew.members[index], words, places[index + 1]);
    Member& last = crew.members[length - 1];
    crew.tell_futex(last, op::lock_pi | words.flag, places[0], 0);
    crew.expect_result(last, failure(Errno::edeadlk), "a lock that closes a cycle");
    for (u32 index = length; index-- > 0;) {
        if (index != length - 1) {
            crew.expect_result(crew.members[index], 0, "a lock at the end of a chain");
            unlock(crew, crew.members[index], words, places[index + 1]);
        }
        unlock(crew, crew.members[index], words, places[index]);
    }
    for (u32 index = 0; index < length; index++) expect_word(crew, places[index], 0, "a lock that nobody has");
}

// --- Owners that die. A robust list, in the member's page: its head, and one entry beside the lock's word.

constexpr u64 list_offset = 128;

void put_list(Crew& crew, Member& member, u64 word, bool pi, bool pending)
{
    const u64 head = member.data(list_offset), entry = head + 64;
    const u64 marked = entry | (pi ? 1 : 0);
    crew.self.write_value(
        head, abi::RobustListHead{pending ? head : marked, static_cast<i64>(word - entry), pending ? marked : 0});
    crew.self.store<u64>(entry, head);
    crew.expect(crew.have(member, number::set_robust_list, head, sizeof(abi::RobustListHead)), 0, "set_robust_list");
}

void owner_dies(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    crew.draw_levels(words.members);
    Member& owner = crew.members[crew.random.one_in(4) ? 0 : words.members - 1];
    const u32 index = static_cast<u32>(&owner - crew.members);
    const u32 first = index == 0 ? 1 : 0, last = index == 0 ? words.members : words.members - 1;
    lock(crew, owner, words, words.word);
    const bool robust = crew.random.one_in(2), waited_for = crew.random.one_in(2);
    const u32 id = id_of(owner);
    if (robust) put_list(crew, owner, words.word, true, crew.random.one_in(3));
    if (waited_for)
        for (u32 waiter = first; waiter < last; waiter++) let_lock(crew, crew.members[waiter], words, words.word);
    crew.tell(owner, number::exit, 0);
    if (waited_for) {
        // Whoever comes meanwhile does not come first.
        for (u64 tries = crew.random.below(4); tries > 0; tries--)
            crew.expect(crew.futex(op::trylock_pi | words.flag, words.word, 0), failure(Errno::eagain),
                        "a try for a lock of a thread that ends");
        pass_on(crew, words, words.word, first, last, last - first, died);
        crew.join(owner);
    } else {
        crew.join(owner);
        const i64 result = crew.futex(op::lock_pi | words.flag, words.word, 0);
        crew.expect(result, robust ? none : failure(Errno::esrch), "a lock of a thread that ended");
        const u32 self = static_cast<u32>(crew.self.call(number::gettid));
        const u32 word = crew.self.load<u32>(words.word);
        crew.expect(robust ? word : word & ~waiters, robust ? self | died : id, "a lock of a thread that ended");
        if (robust) crew.expect(crew.futex(op::unlock_pi | words.flag, words.word, 0), 0, "an unlock");
    }
    crew.start_member(index, owner.is_process);
}

// A mutex that is no PI futex.
void robust_mutex(Crew& crew)
{
    Crew::Words words = crew.draw_words();
    words.flag = 0;
    crew.draw_levels(words.members);
    Member& owner = crew.members[0];
    const bool pending = crew.random.one_in(2);
    const u32 value = id_of(owner) | waiters;
    crew.self.store<u32>(words.word, value);
    put_list(crew, owner, words.word, false, pending);
    Member& waiter = crew.members[1];
    crew.tell_futex(waiter, op::wait, words.word, value);
    crew.await_sleep(waiter);
    // It ended behind its unlock, before it woke anybody.
    const bool unlocked = pending && crew.random.one_in(2);
    if (unlocked) crew.self.store<u32>(words.word, 0);
    crew.tell(owner, number::exit, 0);
    crew.expect_result(waiter, 0, "a wait for a robust mutex");
    expect_word(crew, words.word, unlocked ? 0 : waiters | died, "a robust mutex");
    crew.replace(owner);
}

// The lock goes with its page: who waits finds out when the owner has ended, one after the other.
void page_goes(Crew& crew)
{
    Crew::Words words;
    words.word = static_cast<u64>(crew.must(crew.self.map(page_size), "mmap")) + 4 * crew.random.below(1024);
    words.flag = op::private_flag;
    crew.draw_levels(crew.threads);
    Member& owner = crew.members[0];
    lock(crew, owner, words, words.word);
    for (u32 index = 1; index < crew.threads; index++) let_lock(crew, crew.members[index], words, words.word);
    const u64 page = words.word & ~u64{page_size - 1};
    crew.must(crew.self.call(number::munmap, page, page_size), "munmap");
    unlock(crew, owner, words, words.word, failure(Errno::efault));
    crew.tell(owner, number::exit, 0);
    for (u32 index = 1; index < crew.threads; index++)
        next_holder(crew, words.word, 1, crew.threads, failure(Errno::efault));
    crew.replace(owner);
}

// The lock's page goes from those who wait, in one program, while the owner, in another, still has it and gives the
// lock up: to one who gives up to wait at about that time, and ends at once.
void page_goes_from_waiters(Crew& crew)
{
    const Crew::Words words{page_to_lose + 4 * crew.random.below(1024), 0, 0, 0, crew.count};
    Member &hasty = crew.members[0], &patient = crew.members[1], &owner = crew.members[crew.count - 1];
    const auto protect = [&](u32 protection) {
        crew.must(crew.self.call(number::mprotect, page_to_lose, page_size, protection), "mprotect");
    };
    const u32 processors = crew.self.machine().machine().processor_count();
    const u64 one = u64{1} << crew.random.below(processors);
    constexpr i64 efault = failure(Errno::efault), etimedout = failure(Errno::etimedout);
    crew.set_level(owner, 40);
    crew.set_level(patient, 5);
    pin(crew, patient, one);
    for (u32 tries = 0; tries < 3; tries++) {
        crew.set_level(hasty, 30);
        pin(crew, hasty, one);
        crew.self.store<u32>(words.word, 0);
        lock(crew, owner, words, words.word);
        let_lock(crew, patient, words, words.word);
        const i64 deadline = crew.self.machine().now().ns + 5'000'000;
        crew.let_leave(hasty);
        crew.tell_futex(hasty, op::lock_pi2, words.word, 0, crew.put_time(hasty, deadline));
        crew.await_sleep(hasty);
        protect(0);
        pass_until(crew, deadline - 8000 + static_cast<i64>(crew.random.below(12'000)));
        unlock(crew, owner, words, words.word);
        crew.join(hasty);
        const i64 result = crew.answer(hasty);
        crew.check(result == 0 || result == etimedout || result == efault, "a wait for a lock that goes", result);
        crew.expect_result(patient, result == etimedout ? 0 : efault, "a wait for a lock that goes");
        protect(3);
        if (result == etimedout) unlock(crew, patient, words, words.word);
        crew.start_member(0, false);
    }
    pin(crew, patient, (u64{1} << processors) - 1);
}

// What a program that writes to a lock's word gets.
void spoilt_words(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    const u64 word = words.word;
    const u32 self = static_cast<u32>(crew.self.call(number::gettid));
    crew.draw_levels(words.members);
    Member &owner = crew.members[0], &waiter = crew.members[1];
    constexpr i64 einval = failure(Errno::einval);
    crew.self.store<u32>(word, id_of(owner));
    crew.tell_futex(waiter, op::wait | words.flag, word, id_of(owner));
    crew.await_sleep(waiter);
    crew.expect(crew.futex(op::lock_pi | words.flag, word, 0), einval, "a lock for which a waiter waits otherwise");
    crew.self.store<u32>(word, self);
    crew.expect(crew.futex(op::unlock_pi | words.flag, word, 0), einval, "an unlock of such a lock");
    crew.expect(crew.futex(op::cmp_requeue_pi | words.flag, word, 1, 1, words.other, self), einval,
                "a requeue of who does not wait for that");
    crew.expect(crew.futex(op::wake | words.flag, word, 1), 1, "a wake-up");
    crew.expect_result(waiter, 0, "a wait");
    crew.self.store<u32>(word, 0);
    lock(crew, owner, words, word);
    let_lock(crew, waiter, words, word);
    crew.self.store<u32>(word, self | waiters);
    crew.expect(crew.futex(op::unlock_pi | words.flag, word, 0), einval, "an unlock by whom the kernel does not know");
    crew.self.store<u32>(word, 0);
    crew.expect(crew.futex(op::trylock_pi | words.flag, word, 0), einval, "a lock that is free but in the kernel");
    crew.self.store<u32>(word, id_of(owner) | waiters);
    unlock(crew, owner, words, word);
    pass_on(crew, words, word, 1, 2, 1, 0);
    crew.self.store<u32>(word, 0x3ffffff0);
    crew.expect(crew.futex(op::lock_pi | words.flag, word, 0), failure(Errno::esrch), "a lock of nobody");
    crew.self.store<u32>(word, 0);
}

// --- Waits for a condition, whose waiters are moved to its lock.

void conditions(Crew& crew)
{
    const Crew::Words words = crew.draw_words();
    const u64 condition = words.word, mutex = crew.random.one_in(2) ? words.other : words.beside;
    const u32 value = static_cast<u32>(crew.random.next());
    crew.draw_levels(words.members);
    crew.self.store<u32>(condition, value);
    constexpr i64 einval = failure(Errno::einval);
    const u32 wait = op::wait_requeue_pi | words.flag, move = op::cmp_requeue_pi | words.flag;
    crew.expect(crew.futex(wait, condition, value, 0, condition), einval, "a wait with itself as its lock");
    crew.expect(crew.futex(wait, condition, value + 1, 0, mutex), failure(Errno::eagain), "a condition that differs");
    crew.expect(crew.futex(move, condition, 2, 0, mutex, value), einval, "a requeue that wakes two");
    crew.expect(crew.futex(move, condition, 1, ~0u, mutex, value), einval, "a requeue of less than none");
    crew.expect(crew.futex(move, condition, 1, 0, condition, value), einval, "a requeue to itself");
    crew.expect(crew.futex(move, 16, 1, 0, mutex, value), failure(Errno::efault), "a requeue from nowhere");
    const bool with_timeout = crew.random.one_in(3);
    for (u32 index = 0; index < words.members; index++) {
        Member& member = crew.members[index];
        const u64 time = with_timeout ? crew.put_time(member, crew.self.machine().now().ns + 3'600'000'000'000) : 0;
        crew.tell_futex(member, wait, condition, value, time, mutex);
        crew.await_sleep(member);
    }
    crew.expect(crew.futex(op::wake | words.flag, condition, 1), einval, "a wake-up of who waits for a condition");
    crew.expect(crew.futex(op::requeue | words.flag, condition, 1, 1, mutex), einval, "a requeue to no lock");
    crew.expect(crew.futex(move, condition, 1, 0, mutex, value + 1), failure(Errno::eagain),
                "a condition that differs");
    crew.expect(crew.futex(move, condition, 1, 0, words.word + 128, value), einval, "a requeue to another lock");
    crew.expect(crew.futex(op::lock_pi | words.flag, mutex, 0), 0, "a lock");
    const u32 most = static_cast<u32>(crew.random.below(4));
    const u32 moved = most + 1 < words.members ? most + 1 : words.members;
    crew.expect(crew.futex(move, condition, 1, most, mutex, value), moved, "a requeue to a lock");
    u32 order[member_count_max];
    for (u32 index = 0; index < words.members; index++) order[index] = index;
    crew.sort(order, words.members);
    // Not yet: the lock is held.
    for (u32 index = 0; index < moved; index++) crew.await_sleep(crew.members[order[index]]);
    crew.expect(crew.futex(op::unlock_pi | words.flag, mutex, 0), 0, "an unlock");
    for (u32 index = moved; index < words.members; index++) {
        crew.check(!crew.done(crew.members[order[index]]), "a wait for a condition ended by itself");
        crew.members[order[index]].call = 0;
    }
    pass_on(crew, words, mutex, 0, words.members, moved, 0);
    for (u32 index = moved; index < words.members; index++) {
        Member& member = crew.members[order[index]];
        crew.check(!crew.done(member), "a wait for a condition ended by itself");
        crew.expect(crew.futex(move, condition, 1, 0, mutex, value), 1, "a requeue of one");
        crew.expect_result(member, 0, "a wait for a condition");
        expect_holder(crew, mutex, member);
        unlock(crew, member, words, mutex);
    }
    expect_word(crew, mutex, 0, "a lock that nobody has");
    Member& member = crew.members[0];
    const i64 deadline = crew.self.machine().now().ns + static_cast<i64>(crew.random.below(20'000));
    crew.tell_futex(member, wait, condition, value, crew.put_time(member, deadline), mutex);
    crew.expect_result(member, failure(Errno::etimedout), "a wait for a condition with a timeout");
    crew.expect(crew.futex(move, condition, 1, 5, mutex, value), 0, "a requeue of nobody");
    // Its time passes when it has been moved to the lock, mostly.
    crew.expect(crew.futex(op::lock_pi | words.flag, mutex, 0), 0, "a lock");
    crew.tell_futex(member, wait, condition, value, crew.put_time(member, crew.self.machine().now().ns + 40'000),
                    mutex);
    crew.nap(crew.random.below(20'000));
    crew.must(crew.futex(move, condition, 1, 0, mutex, value), "a requeue to a lock");
    crew.expect_result(member, failure(Errno::etimedout), "a wait for a condition's lock with a timeout");
    crew.expect(crew.futex(op::unlock_pi | words.flag, mutex, 0), 0, "an unlock");
    expect_word(crew, mutex, 0, "a lock that nobody has");
}

}  // namespace

const Round pi_rounds[pi_round_count] = {locks_in_order, lock_timeouts, late_unlocks, deadlocks,
                                         owner_dies,     robust_mutex,  page_goes,    page_goes_from_waiters,
                                         spoilt_words,   conditions};

}  // namespace takt::scenario::crew
