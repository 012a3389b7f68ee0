// Six paths through the kernel and what each takes, for a program of the simulated machine and for one of the PC's: the
// same text makes both, so that what the first predicts can be held against what the second counts.
//
// `Program` is sim/program.hpp's, or what tests/system/guest/paths.cpp has in its place: load(), store(), call(),
// clone(), map(), exit_thread(), and now_ns(program).
#pragma once

#include <array>
#include <sim/call_numbers.hpp>

namespace takt::paths {

enum class Path : u8 { timer, yield, futex, pipe, inheritance, thread };
inline constexpr usize path_count = 6;
inline constexpr const char* names[path_count] = {
    "timer wake-up", "yield", "futex round trip", "pipe round trip", "PI lock's hand-over", "thread's life"};

using Counts = std::array<i64, path_count>;

inline constexpr u32 warm_up_rounds = 10, rounds = 100;
inline constexpr u64 memory_bytes = 1 << 20;

// What the threads share.
struct Shared {
    u32 running, turn, lock, gate, thread, level;
    u32 to_partner[2], from_partner[2];
    u8 byte;
    i64 instant[2];
};
static_assert(sizeof(Shared) <= 4096);

inline constexpr u64 futex_wait = 0, futex_wake = 1, futex_lock_pi = 6, futex_unlock_pi = 7, futex_private = 128;
inline constexpr u64 policy_fifo = 1, clock_monotonic = 1, absolute = 1;
inline constexpr u64 clone_thread =
    0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;  // VM, FS, FILES, SIGHAND, THREAD, SYSVSEM
inline constexpr u64 clone_clear_child = 0x200000;
inline constexpr u32 own_level = 20, higher_level = 30;
inline constexpr i64 ns_of_second = 1'000'000'000;

template <typename Program>
class Paths {
public:
    // Between rounds lies some idle time, in which the kernel puts away what ended.
    static Counts measure(Program& self)
    {
        Paths paths(self);
        Counts counts{};
        for (usize path = 0; path < path_count; path++) {
            paths.begin(static_cast<Path>(path));
            i64 sum = 0;
            for (u32 round = 0; round < warm_up_rounds + rounds; round++) {
                const i64 ns = paths.once(static_cast<Path>(path));
                if (round >= warm_up_rounds) sum += ns;
            }
            paths.end(static_cast<Path>(path));
            counts[path] = sum / rounds;
        }
        return counts;
    }

    // The functions that threads begin in.
    static void yields(Program& self)
    {
        while (self.template load<u32>(at(self, &Shared::running))) self.call(number::sched_yield);
        self.exit_thread(0);
    }
    static void answers_futex(Program& self)
    {
        const u64 turn = at(self, &Shared::turn), running = at(self, &Shared::running);
        for (;;) {
            while (self.template load<u32>(turn) != 1) self.call(number::futex, turn, futex_wait | futex_private, 0, 0);
            if (!self.template load<u32>(running)) self.exit_thread(0);
            self.template store<u32>(turn, 0);
            self.call(number::futex, turn, futex_wake | futex_private, 1);
        }
    }
    static void answers_pipe(Program& self)
    {
        const u32 from = self.template load<u32>(at(self, &Shared::to_partner));
        const u32 to = self.template load<u32>(at(self, &Shared::from_partner) + sizeof(u32));
        const u64 byte = at(self, &Shared::byte), running = at(self, &Shared::running);
        while (self.call(number::read, from, byte, 1) == 1 && self.template load<u32>(running))
            self.call(number::write, to, byte, 1);
        self.exit_thread(0);
    }
    static void wants_lock(Program& self)
    {
        const u64 lock = at(self, &Shared::lock), gate = at(self, &Shared::gate);
        const u64 running = at(self, &Shared::running);
        set_level(self, self.argument(), higher_level);
        for (;;) {
            const u32 seen = self.template load<u32>(gate);
            while (self.template load<u32>(gate) == seen && self.template load<u32>(running))
                self.call(number::futex, gate, futex_wait | futex_private, seen, 0);
            if (!self.template load<u32>(running)) self.exit_thread(0);
            self.call(number::futex, lock, futex_lock_pi | futex_private, 0, 0);
            self.call(number::futex, lock, futex_unlock_pi | futex_private);
        }
    }
    static void ends(Program& self) { self.exit_thread(0); }

private:
    explicit Paths(Program& self) : self_(self), shared_(static_cast<u64>(self.map(memory_bytes)))
    {
        for (u64 page = 0; page < memory_bytes; page += 4096) self.template store<u32>(shared_ + page, 0);
        set_level(self, shared_, own_level);
        own_id_ = static_cast<u32>(self.call(number::gettid));
    }

    // A field's place: in the memory that a thread's argument names.
    template <typename Field>
    static u64 place(u64 shared, Field Shared::*field)
    {
        static constexpr Shared layout{};
        return shared + (reinterpret_cast<u64>(&(layout.*field)) - reinterpret_cast<u64>(&layout));
    }
    template <typename Field>
    static u64 at(Program& self, Field Shared::*field)
    {
        return place(self.argument(), field);
    }
    template <typename Field>
    u64 at(Field Shared::*field) const
    {
        return place(shared_, field);
    }

    static void set_level(Program& self, u64 shared, u32 level)
    {
        self.template store<u32>(place(shared, &Shared::level), level);
        self.call(number::sched_setscheduler, 0, policy_fifo, place(shared, &Shared::level));
    }

    void start(void (*function)(Program&))
    {
        self_.template store<u32>(at(&Shared::running), 1);
        self_.clone(clone_thread, function, shared_, next_stack());
        sleep();
    }
    u64 next_stack() { return shared_ + (stacks_ += 16 * 4096); }

    void sleep()
    {
        self_.template store<i64>(at(&Shared::instant), 0);
        self_.template store<i64>(at(&Shared::instant) + sizeof(i64), 1'000'000);
        self_.call(number::nanosleep, at(&Shared::instant), 0);
    }
    void wake(u64 word) { self_.call(number::futex, word, futex_wake | futex_private, 1); }

    void begin(Path path)
    {
        switch (path) {
        case Path::timer:
            return;
        case Path::yield:
            return start(&yields);
        case Path::futex:
            return start(&answers_futex);
        case Path::pipe:
            self_.call(number::pipe, at(&Shared::to_partner));
            self_.call(number::pipe, at(&Shared::from_partner));
            write_end_ = self_.template load<u32>(at(&Shared::to_partner) + sizeof(u32));
            read_end_ = self_.template load<u32>(at(&Shared::from_partner));
            return start(&answers_pipe);
        case Path::inheritance:
            return start(&wants_lock);
        case Path::thread:
            stack_ = next_stack();
            return;
        }
    }

    i64 once(Path path)
    {
        sleep();
        const i64 start = now_ns(self_);
        switch (path) {
        case Path::timer:
            return sleep_until(start + 20'000);
        case Path::yield:
            self_.call(number::sched_yield);
            return (now_ns(self_) - start) / 2;
        case Path::futex:
            self_.template store<u32>(at(&Shared::turn), 1);
            wake(at(&Shared::turn));
            while (self_.template load<u32>(at(&Shared::turn)) != 0)
                self_.call(number::futex, at(&Shared::turn), futex_wait | futex_private, 1, 0);
            break;
        case Path::pipe:
            self_.call(number::write, write_end_, at(&Shared::byte), 1);
            self_.call(number::read, read_end_, at(&Shared::byte), 1);
            break;
        case Path::inheritance:
            // The other one wakes, wants the lock, and lends its level until it has it.
            self_.template store<u32>(at(&Shared::lock), own_id_);
            self_.template store<u32>(at(&Shared::gate), self_.template load<u32>(at(&Shared::gate)) + 1);
            wake(at(&Shared::gate));
            self_.call(number::futex, at(&Shared::lock), futex_unlock_pi | futex_private);
            break;
        case Path::thread:
            self_.template store<u32>(at(&Shared::thread), 1);
            self_.clone(clone_thread | clone_clear_child, &ends, shared_, stack_, 0, at(&Shared::thread));
            while (self_.template load<u32>(at(&Shared::thread)) != 0)
                self_.call(number::futex, at(&Shared::thread), futex_wait, 1, 0);
            break;
        }
        return now_ns(self_) - start;
    }

    // How late.
    i64 sleep_until(i64 instant)
    {
        self_.template store<i64>(at(&Shared::instant), instant / ns_of_second);
        self_.template store<i64>(at(&Shared::instant) + sizeof(i64), instant % ns_of_second);
        self_.call(number::clock_nanosleep, clock_monotonic, absolute, at(&Shared::instant), 0);
        return now_ns(self_) - instant;
    }

    void end(Path path)
    {
        self_.template store<u32>(at(&Shared::running), 0);
        switch (path) {
        case Path::timer:
        case Path::yield:
        case Path::thread:
            break;
        case Path::futex:
            self_.template store<u32>(at(&Shared::turn), 1);
            wake(at(&Shared::turn));
            break;
        case Path::pipe:
            self_.call(number::write, write_end_, at(&Shared::byte), 1);
            break;
        case Path::inheritance:
            wake(at(&Shared::gate));
            break;
        }
        sleep();
    }

    Program& self_;
    const u64 shared_;
    u64 stacks_ = 4096;
    u64 stack_ = 0;
    u32 own_id_ = 0;
    u32 write_end_ = 0, read_end_ = 0;
};

}  // namespace takt::paths
