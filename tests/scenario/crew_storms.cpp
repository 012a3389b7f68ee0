// Rounds of a crew in which all do as they like at once; what they were told must add up.
#include <scenario/crew.hpp>

namespace takt::scenario::crew {
namespace {

constexpr i64 eagain = failure(Errno::eagain), etimedout = failure(Errno::etimedout), eintr = failure(Errno::eintr);

// A member in a storm, or the chief: a thread with a seed of its own.
struct Someone {
    Program& self;
    Random random;
    u64 area;  // for arguments of calls

    i64 futex(u32 operation, u64 word, u64 value, u64 timeout = 0, u64 word2 = 0, u64 value3 = 0)
    {
        return self.call(number::futex, word, operation, value, timeout, word2, value3);
    }
    u64 soon(u64 ns_max)
    {
        const i64 ns = self.machine().now().ns + static_cast<i64>(random.below(ns_max));
        self.write_value(area, abi::Timespec{ns / 1'000'000'000, ns % 1'000'000'000});
        return area;
    }
    void pause(u64 ns_max)
    {
        if (random.one_in(2)) {
            self.compute(nanoseconds(static_cast<i64>(random.below(ns_max))));
        } else {
            self.write_value(area, abi::Timespec{0, static_cast<i64>(random.below(ns_max))});
            self.call(number::nanosleep, area, 0);
        }
    }
    [[noreturn]] void fail(const char* what) { self.machine().machine().stop(what); }
};

// What a lock guards: whoever has it raises both words, which must be equal.
struct Guarded {
    u64 word, first, second;
    explicit Guarded(u64 place) : word(place), first(place + 8), second(place + 16) {}
};

void enter(Someone& one, const Guarded& guarded, u32 id)
{
    if ((one.self.load<u32>(guarded.word) & abi::futex_tid_mask) != id) one.fail("a lock that was taken is another's");
    const u64 value = one.self.load<u64>(guarded.first);
    if (value != one.self.load<u64>(guarded.second)) one.fail("two are inside of a lock");
    one.self.store<u64>(guarded.first, value + 1);
    if (one.random.one_in(3)) one.pause(5000);
    one.self.store<u64>(guarded.second, value + 1);
}

void leave(Someone& one, const Guarded& guarded, u32 flag, u32 id)
{
    if (one.self.compare_exchange<u32>(guarded.word, id, 0) == id) return;
    if (one.futex(op::unlock_pi | flag, guarded.word, 0) != 0) one.fail("a lock could not be given up");
}

void take(Someone& one, const Guarded& guarded, u32 flag, u32 id)
{
    if (one.self.compare_exchange<u32>(guarded.word, 0, id) == 0) return;
    if (one.futex(op::lock_pi | flag, guarded.word, 0) != 0) one.fail("a lock could not be taken");
}

// How many of its waits were woken. Arguments: word, beside, other, flag, seed.
i64 wait_often(Someone& one, const u64 (&words)[3], u32 flag)
{
    i64 woken = 0;
    for (u64 left = 3 + one.random.below(6); left > 0; left--) {
        const u64 word = words[one.random.below(3)];
        const u32 value = one.self.load<u32>(word);
        if (one.random.one_in(4)) one.self.store<u32>(word, value + 1);
        const i64 result = one.futex(op::wait_bitset | flag, word, value, one.soon(30'000), 0, 1 + one.random.below(3));
        if (result == 0)
            woken++;
        else if (result != eagain && result != etimedout && result != eintr)
            one.fail("a wait ended with another error");
    }
    return woken;
}

i64 lock_often(Someone& one, const u64 (&words)[3], u32 flag)
{
    const u32 id = static_cast<u32>(one.self.call(number::gettid));
    for (u64 left = 4 + one.random.below(6); left > 0; left--) {
        const Guarded guarded(words[one.random.below(2)]);
        i64 result = 0;
        const u64 kind = one.random.below(4);
        if (kind == 0)
            result = one.futex(op::trylock_pi | flag, guarded.word, 0);
        else if (kind == 1)
            result = one.futex(op::lock_pi2 | flag, guarded.word, 0, one.soon(15'000));
        else
            take(one, guarded, flag, id);
        if (result == 0) {
            enter(one, guarded, id);
            leave(one, guarded, flag, id);
        } else if (result != (kind == 0 ? eagain : etimedout)) {
            one.fail("a lock was refused with another error");
        }
        if (one.random.one_in(2)) one.pause(3000);
    }
    return 0;
}

// How many of its waits for a condition ended with its lock.
i64 wait_for_conditions(Someone& one, const u64 (&words)[3], u32 flag)
{
    const u32 id = static_cast<u32>(one.self.call(number::gettid));
    const Guarded guarded(words[0]);
    const u64 condition = words[2];
    i64 woken = 0;
    for (u64 left = 2 + one.random.below(4); left > 0; left--) {
        take(one, guarded, flag, id);
        enter(one, guarded, id);
        const u32 value = one.self.load<u32>(condition);
        leave(one, guarded, flag, id);
        const i64 result = one.futex(op::wait_requeue_pi | flag, condition, value, 0, guarded.word);
        if (result != 0 && result != eagain) one.fail("a wait for a condition ended with another error");
        if (result != 0) continue;
        woken++;
        enter(one, guarded, id);
        leave(one, guarded, flag, id);
    }
    return woken;
}

struct Storm {
    Crew& crew;
    const Crew::Words words;
    u64 places[3];

    Storm(Crew& of, u64 number) : crew(of), words(of.draw_words()), places{words.word, words.beside, words.other}
    {
        crew.draw_levels(words.members);
        if (number != storm_of_waits) {
            // A page of its own for the locks and what they guard.
            const u64 base = words.members == crew.count ? shared_words + 2048 : private_start + 2048;
            for (u64 index = 0; index < 3; index++) {
                places[index] = base + 64 * index;
                for (u64 word = 0; word < 3; word++) crew.self.store<u64>(places[index] + 8 * word, 0);
            }
        }
        for (u32 index = 0; index < words.members; index++)
            crew.tell(crew.members[index], number, places[0], places[1], places[2], words.flag, crew.random.next());
    }
    bool over()
    {
        for (u32 index = 0; index < words.members; index++)
            if (!crew.done(crew.members[index])) return false;
        return true;
    }
    i64 sum()
    {
        i64 sum = 0;
        for (u32 index = 0; index < words.members; index++) sum += crew.result(crew.members[index]);
        return sum;
    }
};

void storm_of_wakes(Crew& crew)
{
    Storm storm(crew, storm_of_waits);
    const u32 flag = storm.words.flag;
    i64 woken = 0;
    while (!storm.over()) {
        const u64 word = storm.places[crew.random.below(3)], word2 = storm.places[crew.random.below(3)];
        const u64 count = 1 + crew.random.below(3);
        switch (crew.random.below(5)) {
        case 0:
            woken += crew.must(crew.futex(op::wake | flag, word, count), "a wake-up");
            break;
        case 1:
            woken += crew.must(crew.futex(op::wake_bitset | flag, word, count, 0, 0, 1 + crew.random.below(3)),
                               "a wake-up by bits");
            break;
        case 2:
            woken += crew.must(crew.futex(op::requeue | flag, word, count, 0, word2), "a requeue");
            break;
        case 3:
            crew.must(crew.futex(op::requeue | flag, word, 0, count, word2), "a requeue");
            break;
        default:  // adds one, and wakes there, too, if it was odd or not
            woken += crew.must(crew.self.call(number::futex, word, op::wake_op | flag, count, 1, word2,
                                              1u << 28 | 4u << 24 | 1u << 12 | 2u),
                               "a wake-up with an operation");
        }
        if (crew.random.one_in(2)) crew.nap(crew.random.below(8000));
    }
    crew.expect(storm.sum(), woken, "waits that were woken");
}

void storm_of_lockers(Crew& crew)
{
    Storm storm(crew, storm_of_locks);
    while (!storm.over()) {
        // Their levels change while they wait.
        crew.set_level(crew.members[crew.random.below(storm.words.members)], static_cast<u32>(crew.random.below(20)));
        crew.nap(crew.random.below(20'000));
    }
    for (u64 index = 0; index < 2; index++)
        crew.check((crew.self.load<u32>(storm.places[index]) & abi::futex_tid_mask) == 0, "a lock is left");
}

void storm_of_signallers(Crew& crew)
{
    Storm storm(crew, storm_of_conditions);
    const u32 flag = storm.words.flag;
    Someone chief{crew.self, Random(crew.random.next()), chief_area + 512};
    const u32 id = static_cast<u32>(crew.self.call(number::gettid));
    const Guarded guarded(storm.places[0]);
    i64 moved = 0;
    while (!storm.over()) {
        take(chief, guarded, flag, id);
        enter(chief, guarded, id);
        const u32 value = crew.self.fetch_add<u32>(storm.places[2], 1) + 1;
        moved += crew.must(
            crew.futex(op::cmp_requeue_pi | flag, storm.places[2], 1, crew.random.below(4), guarded.word, value),
            "a requeue to a lock");
        leave(chief, guarded, flag, id);
        crew.nap(crew.random.below(20'000));
    }
    crew.expect(storm.sum(), moved, "waits for a condition that got its lock");
}

}  // namespace

i64 storm(Program& self, u64 number, u64 slot)
{
    u64 arguments[5];
    for (u64 index = 0; index < 5; index++) arguments[index] = self.load<u64>(slot + 16 + 8 * index);
    const u64 words[3] = {arguments[0], arguments[1], arguments[2]};
    const u32 flag = static_cast<u32>(arguments[3]);
    Someone one{self, Random(arguments[4]), slot + 2048};
    if (number == storm_of_waits) return wait_often(one, words, flag);
    if (number == storm_of_locks) return lock_often(one, words, flag);
    return wait_for_conditions(one, words, flag);
}

const Round storm_rounds[storm_round_count] = {storm_of_wakes, storm_of_lockers, storm_of_signallers};

}  // namespace takt::scenario::crew
