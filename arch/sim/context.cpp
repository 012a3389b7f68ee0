// hal/context.hpp: a thread is a fibre of the host.
#include <arch/sim/user_mode.hpp>
#include <arch/x86_64/tlb.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/switch.hpp>
#include <kernel/sched/cpu.hpp>
#include <machine/fiber.hpp>
#include <sim/fiber.hpp>
#include <sim/machine.hpp>

namespace takt {
namespace {

// The thread's first steps, switched to with interrupts off and the run queue locked.
void begin(void* argument)
{
    Thread& thread = *static_cast<Thread*>(argument);
    hal::core().scheduler.finish_switch();
    hal::enable_interrupts();
    thread.context.entry(thread);
    PANIC("a thread's entry returned");
}

}  // namespace

void machine::make_fiber(Thread& thread, void (*entry)(Thread&))
{
    thread.context.entry = entry;
    thread.context.stack = &sim::Machine::current()->take_stack();
    thread.context.stack_pointer = thread.context.stack->prepare(&begin, &thread);
}

void machine::free_fiber(Thread& thread)
{
    if (thread.context.user) std::erase(sim::Machine::current()->user_threads, &thread);
    delete thread.context.user;
    sim::Machine::current()->give_back(*thread.context.stack);
    thread.context = {};
}

bool hal::create_context(MayBlock&, Thread& thread, void (*entry)(Thread&))
{
    machine::make_fiber(thread, entry);
    return true;
}

void hal::destroy_context(MayBlock&, Thread& thread) { machine::free_fiber(thread); }

void hal::switch_context(Thread& from, Thread& to)
{
    sim::Machine& simulated = *sim::Machine::current();
    simulated.pass(simulated.cost.context_switch);
    Cpu& cpu = current_cpu();
    cpu.current = &to;
    if (from.context.user) simulated.pass(simulated.cost.save_registers);
    if (to.context.user && cpu.registers_of != &to) {
        simulated.pass(simulated.cost.load_registers);
        cpu.registers_of = &to;
    }
    // Null: a thread of the kernel, or one that ends, runs in whatever space is loaded.
    if (to.context.space && cpu.space.load(Order::relaxed) != to.context.space)
        machine::load_space(cpu, to.context.space);
    simulated.events.add(cpu.cpu_id, simulated.now_ns(), sim::EventKind::switch_to, static_cast<u32>(to.id.value),
                         to.level);
    if (simulated.watcher) {
        sim::Processor& processor = *sim::Machine::running();
        sim::Machine::Outside outside(simulated);
        simulated.watcher->switches(processor, from, to);
    }
    takt_sim_switch(&from.context.stack_pointer, to.context.stack_pointer);
}

}  // namespace takt
