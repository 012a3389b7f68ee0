// Interrupt threads: a line's work is done in its thread, at its priority, on its CPU; nothing is lost.
#include <functional>
#include <gtest/gtest.h>
#include <kernel/irq/interrupt_table.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

class TestHandler : public InterruptHandler {
public:
    void handle(MayBlock& context) override
    {
        handled++;
        if (action) action(context);
    }
    int handled = 0;
    std::function<void(MayBlock&)> action;
};

void register_line(TestMachine& machine, u32 line, InterruptHandler& handler)
{
    machine.run([&](MayBlock& context) { ASSERT_TRUE(register_interrupt(context, line, "device", handler).ok()); });
    machine.run_until_idle();
}

// The handler runs in the thread irq/N-name at level 50, where it may block; soon after the interrupt.
TEST(InterruptThread, HandlesInItsThread)
{
    TestMachine machine;
    TestHandler handler;
    Instant ran{};
    handler.action = [&](MayBlock& context) {
        ran = hal::now();
        EXPECT_STREQ(context.thread().name, "irq/4-device");
        EXPECT_EQ(context.thread().level, level_interrupt_default);
        Scheduler::assert_may_block(context.thread());
    };
    register_line(machine, 4, handler);
    Instant raised = machine.now();
    machine.raise_interrupt(4);
    machine.run_until_idle();
    EXPECT_EQ(handler.handled, 1);
    EXPECT_LT((ran - raised).ns, 2000);
    EXPECT_EQ(machine.core().interrupts.line(4)->counts[0].load(Order::relaxed), 1u);
}

// It preempts what is less urgent and does not disturb what is more urgent.
TEST(InterruptThread, ItsPriorityCounts)
{
    TestMachine machine;
    TestHandler handler;
    std::vector<std::string> order;
    handler.action = [&](MayBlock&) { order.push_back("handler"); };
    register_line(machine, 4, handler);
    for (Level level : {70, 30})
        machine.spawn("thread", level, [&, level](MayBlock&) {
            machine.raise_interrupt(4);
            machine.compute(microseconds(10));
            order.push_back(std::to_string(level));
        });
    machine.run();
    EXPECT_EQ(order, (std::vector<std::string>{"70", "handler", "handler", "30"}));
}

// Edges that come while the handler runs are not lost: it runs again. Several then count as one.
TEST(InterruptThread, EdgeDuringTheHandlerRunsItAgain)
{
    TestMachine machine;
    TestHandler handler;
    handler.action = [&](MayBlock&) {
        if (handler.handled > 1) return;
        machine.raise_interrupt(4);
        machine.compute(microseconds(5));
        machine.raise_interrupt(4);
        machine.compute(microseconds(5));
    };
    register_line(machine, 4, handler);
    machine.raise_interrupt(4);
    machine.run_until_idle();
    EXPECT_EQ(handler.handled, 2);
    EXPECT_EQ(machine.core().interrupts.line(4)->counts[0].load(Order::relaxed), 3u);
}

// An edge at every instant of the handler's end: a device whose flag the handler clears never stays unserved.
TEST(InterruptThread, NoEdgeIsLost)
{
    for (i64 delay = 0; delay < 2000; delay++) {
        TestMachine machine;
        TestHandler handler;
        bool flag = false;
        handler.action = [&](MayBlock&) {
            flag = false;
            machine.compute(nanoseconds(300));
        };
        register_line(machine, 4, handler);
        for (i64 after : {i64{0}, 500 + delay})
            machine.at(machine.now() + nanoseconds(after), [&] {
                flag = true;
                machine.raise_interrupt(4);
            });
        machine.run_until_idle();
        ASSERT_FALSE(flag) << "delay " << delay;
    }
}

// A level-triggered line is masked until its handler is done, so it does not interrupt again and again; and is looked
// at afresh then.
TEST(InterruptThread, LevelIsMaskedMeanwhile)
{
    TestMachine machine;
    machine.machine().line(10).level = true;
    TestHandler handler;
    handler.action = [&](MayBlock&) {
        EXPECT_TRUE(machine.machine().line(10).masked);
        machine.compute(microseconds(50));
        if (handler.handled == 3) machine.machine().lower(10);  // it takes three rounds to satisfy the device
    };
    register_line(machine, 10, handler);
    machine.raise_interrupt(10);
    machine.run_until_idle();
    EXPECT_EQ(handler.handled, 3);
    EXPECT_EQ(machine.core().interrupts.line(10)->counts[0].load(Order::relaxed), 3u);
    EXPECT_FALSE(machine.machine().line(10).masked);
}

// The affinity moves the line and its thread.
TEST(InterruptThread, MovesToAnotherCpu)
{
    TestMachine machine(3);
    TestHandler handler;
    u32 handled_on = 99;
    handler.action = [&](MayBlock&) { handled_on = hal::current_cpu_number(); };
    register_line(machine, 4, handler);
    machine.run([&](MayBlock& context) {
        CpuSet set;
        set.set(2);
        set.set(100);
        EXPECT_TRUE(machine.core().interrupts.set_affinity(context, 4, set).ok());
        EXPECT_EQ(machine.core().interrupts.set_affinity(context, 4, CpuSet::only(CpuId{100})).error(), Errno::einval);
        EXPECT_EQ(machine.core().interrupts.set_affinity(context, 5, set).error(), Errno::enodev);
    });
    machine.raise_interrupt(4);
    machine.run_until_idle();
    EXPECT_EQ(handled_on, 2u);
    EXPECT_EQ(machine.core().interrupts.line(4)->counts[2].load(Order::relaxed), 1u);
}

// Errors of the contract; a failed registration leaves nothing behind.
TEST(InterruptThread, RegistrationFails)
{
    TestMachine machine;
    TestHandler handler;
    machine.machine().line(9).exists = false;
    machine.run([&](MayBlock& context) {
        EXPECT_TRUE(register_interrupt(context, 4, "device", handler).ok());
        EXPECT_EQ(register_interrupt(context, 4, "other", handler).error(), Errno::ebusy);
        EXPECT_EQ(register_interrupt(context, 256, "device", handler).error(), Errno::enodev);
        EXPECT_EQ(register_interrupt(context, 9, "device", handler).error(), Errno::enodev);
        EXPECT_EQ(machine.core().interrupts.line(9), nullptr);
        for (ThreadId id{1};;) {
            Thread* thread = machine.scheduler().next_kernel_thread(context, id);
            if (!thread) break;
            EXPECT_STRNE(thread->name, "irq/9-device");
            id.value = thread->id.value + 1;
        }
    });
}

// An interrupt of a line that nobody registered is masked and forgotten.
TEST(InterruptThread, UnclaimedLineIsMasked)
{
    TestMachine machine;
    machine.machine().line(7).masked = false;
    machine.raise_interrupt(7);
    machine.run_until_idle();
    EXPECT_TRUE(machine.machine().line(7).masked);
}

}  // namespace
}  // namespace takt
