// processes: programs that fork, run threads, exit, are killed, wait, share memory and locks, talk through pipes,
// sockets and event files, change what is mapped while others use it, get signals and timers; each by its own part of
// the seed.
//
// Each checks what it can know: the bytes that it reads, what its children say, the words that its locks guard. At the
// end all are reaped, and the memory is back.
#include <scenario/life.hpp>

namespace takt::scenario {
namespace {

using namespace life;

void main_of_worker(Program& self)
{
    Life life(self);
    const Case& what = life.scenario().what();
    for (u64 left = 1 + what.events / 40 / life.scenario().worker_count(); left > 0; left--) life.do_something();
    self.exit(0);
}

}  // namespace

Processes::Processes(const Case& what)
    : ProgramMachine({.processors = what.cpus,
                      .memory_bytes = (64 + 4ull * what.cpus) << 20,
                      .seed = what.seed,
                      .explore = what.explore,
                      .strict = what.strict,
                      .faults = what.faults}),
      case_(what), checkers_(*this), random_(Random::stream(what.seed, 1000))
{
    machine().events.trace(!what.trace_file.empty());
    draw_jitter(machine(), random_);
    worker_count_ = what.threads ? what.threads : static_cast<u32>(2 + random_.below(2 * what.cpus + 3));
    if (worker_count_ > worker_count_max) worker_count_ = worker_count_max;
    add(main_of_worker);
    for (ProgramFunction function : child_functions()) add(function);
}

// When memory is short nobody is killed, who asks for it waits a little and tries again.
void Processes::spare_programs() { static_cast<Task&>(hal::current_thread()).process->out_of_memory_adjust = -1000; }

Processes::Memory Processes::memory()
{
    sim::Machine::Outside outside(machine());
    const MemoryTotals totals = kernel().frames.totals();
    return {totals.of(FrameUse::anonymous), totals.of(FrameUse::page_table), totals.of(FrameUse::object),
            kernel().processes.process_count(), kernel().processes.thread_count()};
}

// The first process: starts the workers, and reaps all that ends.
void Processes::first(Program& init)
{
    Life life(init, random_.next());
    life.map_areas();
    life.child_that_exits();
    life.check_locks();
    spare_programs();
    life.rest();
    const Memory before = memory();
    kernel_memory_ = kernel_memory();
    machine().faults.arm();
    for (u32 index = 0; index < worker_count_; index++) life.start(main_of_worker);
    for (;;) {
        i32 status = 0;
        const i64 ended = life.wait(-1, status);
        if (ended == -static_cast<i64>(Errno::echild)) break;
        life.check(ended > 0 && status == 0, "a worker failed", status);
    }
    life.check_locks();
    const Memory after = memory();
    life.check(after.processes == 1 && after.threads == 1, "processes are left", after.processes);
    life.check(after.anonymous <= before.anonymous, "pages of programs are left", after.anonymous - before.anonymous);
    life.check(after.tables <= before.tables, "page tables are left", after.tables - before.tables);
    life.check(after.objects <= before.objects, "pages of objects are left", after.objects - before.objects);
}

u64 Processes::kernel_memory()
{
    return kernel().slabs.objects_in_use() + kernel().frames.totals().of(FrameUse::kernel);
}

Outcome Processes::run()
{
    Outcome outcome;
    outcome.threads = worker_count_;
    try {
        ProgramMachine::run([this](Program& init) { first(init); });
        run_until_idle();  // what threads had that ended is given back a little later
        if (kernel_memory() > kernel_memory_)
            throw sim::Stopped(std::to_string(kernel_memory() - kernel_memory_) + " objects of the kernel's are left");
    } catch (const sim::Stopped& stopped) {
        outcome.failed = true;
        outcome.message = stopped.what();
    }
    fill(outcome, case_, *this, checkers_);
    return outcome;
}

Outcome run_processes(const Case& what)
{
    auto processes = std::make_unique<Processes>(what);
    return processes->run();
}

}  // namespace takt::scenario
