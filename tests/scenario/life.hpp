// Life: what a program of scenario `processes` does with its time. Operations are drawn from its own generator.
#pragma once

#include <abi/errno.hpp>
#include <scenario/scenario.hpp>
#include <sim/call_numbers.hpp>
#include <sim/program_machine.hpp>
#include <span>

namespace takt::scenario {

using sim::Random;

class Processes : public ProgramMachine {
public:
    static constexpr u32 worker_count_max = 24;  // so that there is memory and numbers for all that they start

    explicit Processes(const Case& what);
    Outcome run();
    const Case& what() const { return case_; }
    u32 worker_count() const { return worker_count_; }

private:
    struct Memory {
        u64 anonymous, tables, objects;
        u32 processes, threads;
    };
    Memory memory();
    u64 kernel_memory();
    void spare_programs();
    void first(Program& init);

    Case case_;
    Checkers checkers_;
    Random random_;
    u32 worker_count_ = 0;
    u64 kernel_memory_ = 0;  // before the first worker
};

namespace life {

// At fixed addresses in each process. The first is shared by all; of the second each has its own, with what a thread
// needs for arguments of system calls.
inline constexpr u64 shared_start = 0x20000000, shared_bytes = 4 * page_size;
inline constexpr u64 private_start = 0x30000000, private_bytes = 2 * page_size;
inline constexpr u64 signals_seen = private_start + page_size;  // counted by handlers
inline constexpr u64 lock_count = 4, pi_lock_count = 4;

// A lock and what it guards: two words that are equal, and the number of times that they should have been raised.
struct Guarded {
    static constexpr u64 word = 0, first = 8, second = 16, raised = 24, bytes = 64;
};
constexpr u64 lock_at(u64 index) { return shared_start + index * Guarded::bytes; }
constexpr u64 pi_lock_at(u64 index) { return shared_start + page_size + index * Guarded::bytes; }

// What a child is told by its argument's memory.
struct Order {
    u64 seed = 0;
    u64 words[6] = {};
};

class Life {
public:
    // Of a child: its argument is an Order's address.
    explicit Life(Program& self);
    Life(Program& self, u64 seed);

    Program& self;
    Random random;
    Order order;
    u64 area = private_start;  // this thread's for arguments of calls: 1 KiB, and 1 KiB for orders

    Processes& scenario() { return static_cast<Processes&>(self.machine()); }
    void map_areas();
    // One of all operations that the case allows.
    void do_something();
    // One of those that need no other process.
    void do_something_alone();

    // --- Tools.
    void check(bool good, const char* what, u64 detail = 0);
    template <typename... Arguments>
    i64 must_call(u64 call, Arguments... arguments)
    {
        return must_succeed(call, [&] { return self.call(call, arguments...); });
    }
    // make() makes the call; once more when the machine's faults explain why it failed.
    template <typename Make>
    i64 must_succeed(u64 call, Make make)
    {
        i64 result = make();
        while (explained(call, result)) result = make();
        return check_result(call, result);
    }
    bool explained(u64 call, i64 result);
    i64 check_result(u64 call, i64 result);
    u64 map(u64 bytes);
    i64 start(ProgramFunction child, std::span<const u64> words = {});
    i64 wait(i64 pid, i32& status);
    void wait_for_status(i64 pid, i32 wanted);
    void nap(u64 ns_max);
    void rest();
    void compute(u64 ns_max) { self.compute(nanoseconds(static_cast<i64>(random.below(ns_max)))); }
    void child_that_exits();
    void check_locks();
    // A word of each page, so that pages differ.
    void fill(u64 start, u64 pages, u64 value);
    void check_filled(u64 start, u64 pages, u64 value, const char* what);

    // --- Operations.
    void op_compute();
    void op_sleep();
    void op_lock();
    void op_pi_lock();
    void op_parameters();
    void op_affinity();
    void op_timer();
    void op_fork();
    void op_copy_on_write();
    void op_protect();
    void op_pipe();
    void op_socket();
    void op_kill();
    void op_handler();
    void op_events();
    void op_threads();

private:
    void do_one_of(u32 count);
    void raise(u64 guarded);
    void set_handler(int signal, ProgramFunction handler);

    using Operation = void (Life::*)();
    static const Operation operations_[processes_operation_count];
    static constexpr u32 alone_count = 6;  // the first ones
};

std::span<const ProgramFunction> child_functions();

}  // namespace life
}  // namespace takt::scenario
