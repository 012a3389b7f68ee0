// Crew: threads that make the system calls that a chief, another thread of their program, tells them to. So the chief
// knows who waits for what, since when, and what each must be told when its wait ends.
//
// All is in memory of the program: a page for each member with its order and its answer, words to wait for.
#pragma once

#include <abi/errno.hpp>
#include <abi/futex.hpp>
#include <scenario/scenario.hpp>
#include <sim/call_numbers.hpp>
#include <sim/program_machine.hpp>

namespace takt::scenario::crew {

using sim::Random;
namespace op = abi::futex_op;

inline constexpr u32 member_count_max = 6;

// At fixed addresses in each program: what its threads and its children share, and what only its threads do.
inline constexpr u64 shared_start = 0x40000000, private_start = 0x48000000, stacks_start = 0x50000000;
inline constexpr u64 private_pages = 4;  // words to wait for; behind them the signals that were seen
inline constexpr u64 shared_words = shared_start, chief_area = shared_start + page_size;
inline constexpr u64 signals_seen = private_start + private_pages * page_size;
constexpr u64 slot_of(u32 member) { return shared_start + (2 + member) * page_size; }
inline constexpr u64 page_to_lose = slot_of(member_count_max), shared_end = page_to_lose + page_size;

constexpr i64 failure(Errno error) { return -static_cast<i64>(error); }

// Instead of a system call: many waits on its own account. Its arguments: see crew_storms.cpp.
inline constexpr u64 storm_of_waits = 10'000, storm_of_locks = 10'001, storm_of_conditions = 10'002;

struct Member {
    u64 slot = 0;  // its page
    u32 told = 0;  // orders so far
    i32 id = 0;    // of its thread; 0: it has ended
    bool is_process = false;
    u32 level = 0;
    u64 call = 0, first_argument = 0;  // what it was told last

    u64 data(u64 offset = 0) const { return slot + 512 + offset; }  // for arguments of its calls, 1 KiB
};

void member_main(Program& self);
void count_signal(Program& self);
// A storm, by the member itself: what it answers.
i64 storm(Program& self, u64 number, u64 slot);

class Crew {
public:
    explicit Crew(Program& self, u64 seed) : self(self), random(seed) {}

    Program& self;
    Random random;
    Member members[member_count_max];
    u32 count = 0;    // members
    u32 threads = 0;  // the first ones; the others are processes of their own

    void start();
    void dismiss();
    void start_member(u32 index, bool is_process);
    // It ends by exit(2), and its number is free; a new one takes its place.
    void replace(Member& member);
    void join(Member& member);

    void check(bool good, const char* what, i64 detail = 0);
    void expect(i64 result, i64 wanted, const char* what);
    i64 must(i64 result, const char* what);
    void nap(u64 ns);

    // --- Orders.
    template <typename... Arguments>
    void tell(Member& member, u64 number, Arguments... arguments)
    {
        tell_call(member, number, {static_cast<u64>(arguments)...});
    }
    bool done(const Member& member);
    i64 result(Member& member);  // waits until it is done
    // What it is told next is the last: it ends as soon as that is done. answer() when it has been joined.
    void let_leave(const Member& member);
    i64 answer(const Member& member);
    Instant finished(const Member& member);
    template <typename... Arguments>
    i64 have(Member& member, u64 number, Arguments... arguments)
    {
        tell(member, number, arguments...);
        return result(member);
    }
    void expect_result(Member& member, i64 wanted, const char* what);
    // Until it waits in the call that it was told to make; it must not be done.
    void await_sleep(Member& member);

    // --- Futexes.
    i64 futex(u32 operation, u64 word, u64 value, u64 timeout = 0, u64 word2 = 0, u64 value3 = 0)
    {
        return self.call(number::futex, word, operation, value, timeout, word2, value3);
    }
    void tell_futex(Member& member, u32 operation, u64 word, u64 value, u64 timeout = 0, u64 word2 = 0, u64 value3 = 0)
    {
        tell(member, number::futex, word, operation, value, timeout, word2, value3);
    }
    // A time on a clock, in the member's data.
    u64 put_time(Member& member, i64 ns, u64 offset = 0);
    // FIFO of one of few priorities, or none: so that some are equal.
    void draw_levels(u32 members);
    void set_level(Member& member, u32 level);
    void set_chief_level(u32 level) { set_parameters(0, level); }
    // Members' numbers in the order in which they must be woken, of those that began to wait in this order.
    void sort(u32* waiting, u32 waiting_count) const;

    // Words to wait for. `beside` stands in the same bucket as `word`, where that can be had; `other` elsewhere.
    struct Words {
        u64 word = 0, beside = 0, other = 0;
        u32 flag = 0;     // the futex operations'
        u32 members = 0;  // who can reach them
    };
    Words draw_words();

private:
    void set_parameters(i32 thread, u32 level);
    void tell_call(Member& member, u64 number, std::initializer_list<u64> arguments);
    bool sleeps(const Member& member);
    const void* bucket_of(u64 word);
};

// What a crew does with its time, each with all its members ready.
using Round = void (*)(Crew&);
extern const Round plain_rounds[], pi_rounds[], storm_rounds[], clock_rounds[];
inline constexpr u32 plain_round_count = 10, pi_round_count = 10, storm_round_count = 3, clock_round_count = 4;

}  // namespace takt::scenario::crew
