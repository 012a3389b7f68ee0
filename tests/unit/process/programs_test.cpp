// Programs on the simulated machine: the whole kernel runs, and its system calls, faults and signals do to them what
// they do to programs of a PC.
#include <abi/errno.hpp>
#include <gtest/gtest.h>
#include <sim/call_numbers.hpp>
#include <sim/program_machine.hpp>

namespace takt {
namespace {

constexpr int sigsegv = 11, sigusr1 = 10, sigkill = 9;

i64 failure(Errno error) { return -static_cast<i64>(error); }
int exit_status(i32 status) { return status >> 8 & 255; }
int end_signal(i32 status) { return status & 127; }

TEST(Programs, MakeSystemCalls)
{
    ProgramMachine machine;
    machine.run([](Program& init) {
        EXPECT_EQ(init.call(number::getpid), 1);
        EXPECT_EQ(init.call(number::read, 77, init.scratch(), 1), failure(Errno::ebadf));
        EXPECT_EQ(init.call(511), failure(Errno::enosys));
        EXPECT_EQ(init.call(number::write, 77, 0, 1), failure(Errno::ebadf));
    });
}

void child_with_status(Program& self)
{
    // A copy: the parent does not see it.
    self.store<u32>(self.argument(), self.load<u32>(self.argument()) + 1);
    self.exit(self.load<u32>(self.argument()) == 8 ? 42 : 1);
}

TEST(Programs, ForkCopiesMemoryAndWaitTellsTheStatus)
{
    ProgramMachine machine(2);
    machine.add(child_with_status);
    machine.run([](Program& init) {
        const u64 page = static_cast<u64>(init.map(page_size));
        init.store<u32>(page, 7);
        const i64 child = init.fork(child_with_status, page);
        EXPECT_GT(child, 1);
        i32 status = 0;
        EXPECT_EQ(init.wait_child(child, status), child);
        EXPECT_EQ(exit_status(status), 42);
        EXPECT_EQ(init.load<u32>(page), 7u);
        EXPECT_EQ(init.wait_child(-1, status), failure(Errno::echild));
    });
}

void writer(Program& self)
{
    const u64 text = self.put(self.scratch() + 64, "through a pipe");
    self.exit(self.call(number::write, self.argument(), text, 14) == 14 ? 0 : 1);
}

TEST(Programs, APipeCarriesBytesBetweenProcesses)
{
    ProgramMachine machine(2);
    machine.add(writer);
    machine.run([](Program& init) {
        const u64 scratch = init.scratch();
        ASSERT_EQ(init.call(number::pipe, scratch), 0);
        const i32 from = init.load<i32>(scratch), to = init.load<i32>(scratch + 4);
        const i64 child = init.fork(writer, static_cast<u64>(to));
        const u64 buffer = static_cast<u64>(init.map(page_size));
        EXPECT_EQ(init.call(number::read, from, buffer, 100), 14);
        char text[15] = {};
        init.read(text, buffer, 14);
        EXPECT_STREQ(text, "through a pipe");
        i32 status = 1;
        EXPECT_EQ(init.wait_child(child, status), child);
        EXPECT_EQ(status, 0);
    });
}

void touch_unmapped(Program& self)
{
    const u64 page = static_cast<u64>(self.map(page_size));
    self.store<u64>(page, 1);
    if (self.call(number::munmap, page, page_size) != 0) self.exit(1);
    self.load<u64>(page);
    self.exit(2);
}

TEST(Programs, AccessToUnmappedMemoryEndsTheProcess)
{
    ProgramMachine machine;
    machine.add(touch_unmapped);
    machine.run([](Program& init) {
        i32 status = 0;
        const i64 child = init.fork(touch_unmapped);
        EXPECT_EQ(init.wait_child(child, status), child);
        EXPECT_EQ(end_signal(status), sigsegv);
    });
}

// The page's first word is the futex, the second counts.
void wait_on_futex(Program& self)
{
    constexpr u64 wait = 0;
    while (self.load<u32>(self.argument()) == 0) self.call(number::futex, self.argument(), wait, 0, 0);
    self.fetch_add<u32>(self.argument() + 4, 1);
    self.exit(0);
}

TEST(Programs, AFutexInSharedMemoryWakesOtherProcesses)
{
    ProgramMachine machine(2);
    machine.add(wait_on_futex);
    machine.run([](Program& init) {
        constexpr u64 wake = 1;
        const u64 page = static_cast<u64>(init.map(page_size, true));
        for (int child = 0; child < 3; child++) EXPECT_GT(init.fork(wait_on_futex, page), 0);
        init.compute(milliseconds(1));
        init.store<u32>(page, 1);
        EXPECT_EQ(init.call(number::futex, page, wake, 100), 3);
        i32 status = 0;
        for (int child = 0; child < 3; child++) EXPECT_GT(init.wait_child(-1, status), 0);
        EXPECT_EQ(init.load<u32>(page + 4), 3u);
    });
}

constexpr u64 counter_address = 0x10000000;

void count_signal(Program& self) { self.fetch_add<u32>(counter_address, static_cast<u32>(self.signal())); }

// Handlers run in the midst of a call that is restarted, and of a computation.
TEST(Programs, SignalHandlersRunAndReturn)
{
    ProgramMachine machine;
    machine.add(count_signal);
    machine.run([&](Program& init) {
        constexpr u64 fixed_private_anonymous = 0x32;
        ASSERT_EQ(init.call(number::mmap, counter_address, page_size, 3, fixed_private_anonymous, ~0ull, 0),
                  static_cast<i64>(counter_address));
        ASSERT_EQ(init.set_handler(sigusr1, count_signal), 0);
        EXPECT_EQ(init.call(number::kill, 1, sigusr1), 0);
        EXPECT_EQ(init.load<u32>(counter_address), static_cast<u32>(sigusr1));
        EXPECT_EQ(init.call(number::getpid), 1);
    });
}

void compute_for_ever(Program& self)
{
    for (;;) self.compute(milliseconds(1));
}

TEST(Programs, AKilledProcessEndsInUserMode)
{
    ProgramMachine machine;
    machine.add(compute_for_ever);
    machine.run([](Program& init) {
        const i64 child = init.fork(compute_for_ever);
        init.compute(milliseconds(20));
        EXPECT_EQ(init.call(number::kill, child, sigkill), 0);
        i32 status = 0;
        EXPECT_EQ(init.wait_child(child, status), child);
        EXPECT_EQ(end_signal(status), sigkill);
    });
}

void run_init_again(Program& self)
{
    const u64 path = self.put(self.scratch(), "/init");
    const u64 list = self.scratch() + 64;
    self.store<u64>(list, path);
    self.store<u64>(list + 8, 0);
    self.call(number::execve, path, list, list + 8);
    self.exit(1);
}

TEST(Programs, ExecuteAnotherProgram)
{
    ProgramMachine machine;
    machine.add(run_init_again);
    machine.run([](Program& self) {
        if (self.call(number::getpid) != 1) self.exit(9);
        i32 status = 0;
        const i64 child = self.fork(run_init_again);
        EXPECT_EQ(self.wait_child(child, status), child);
        EXPECT_EQ(exit_status(status), 9);
    });
}

}  // namespace
}  // namespace takt
