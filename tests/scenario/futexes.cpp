// futexes: crews of threads whose chief knows who waits for which word, in which order, and so what each call must
// answer: every futex operation, private and shared, with timeouts on both clocks, signals, owners that die, pages that
// go. Several crews at once, each by its own part of the seed; one of them sets the wall clock.
//
// At the end all are gone, and the memory is back.
#include <abi/timer.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <scenario/crew.hpp>

namespace takt::scenario {
namespace {

using namespace crew;

class Futexes : public ProgramMachine {
public:
    explicit Futexes(const Case& what);
    Outcome run();

    const Case case_;
    Checkers checkers;
    Random random;
    u32 crew_count = 1;

private:
    void first(Program& init);
    u64 used_frames();
    u64 kernel_objects() { return kernel().slabs.objects_in_use() + kernel().frames.totals().of(FrameUse::kernel); }

    u64 kernel_objects_ = 0;  // before the crews that work together
};

// Rounds by their place in the bits of Case::operations.
constexpr u32 round_count = plain_round_count + pi_round_count + storm_round_count;
static_assert(round_count + clock_round_count == futexes_operation_count);

Round round_of(u32 number)
{
    if (number < plain_round_count) return plain_rounds[number];
    number -= plain_round_count;
    if (number < pi_round_count) return pi_rounds[number];
    number -= pi_round_count;
    return number < storm_round_count ? storm_rounds[number] : clock_rounds[number - storm_round_count];
}

// Argument: the number of the crew; 0 works alone, and 1 has the wall clock.
void chief_main(Program& self)
{
    auto& futexes = static_cast<Futexes&>(self.machine());
    const u64 number = self.argument();
    Crew crew(self, Random::stream(futexes.case_.seed, 2000 + number).next());
    crew.start();
    const u32 rounds = number <= 1 ? futexes_operation_count : round_count;
    for (u64 left = 1 + futexes.case_.events / 350 / futexes.crew_count; left > 0; left--) {
        crew.set_chief_level(static_cast<u32>(crew.random.one_in(2) ? 0 : crew.random.below(50)));
        const u32 which = static_cast<u32>(crew.random.below(rounds));
        if (futexes.case_.operations >> which & 1) round_of(which)(crew);
    }
    crew.dismiss();
    self.exit(0);
}

Futexes::Futexes(const Case& what)
    : ProgramMachine({.processors = what.cpus,
                      .memory_bytes = (64 + 4ull * what.cpus) << 20,
                      .seed = what.seed,
                      .explore = what.explore,
                      .strict = what.strict}),
      case_(what), checkers(*this), random(Random::stream(what.seed, 1000))
{
    machine().events.trace(!what.trace_file.empty());
    draw_jitter(machine(), random);
    crew_count = what.threads ? what.threads : static_cast<u32>(1 + random.below(what.cpus + 1));
    for (ProgramFunction function : {chief_main, member_main, count_signal}) add(function);
}

u64 Futexes::used_frames()
{
    sim::Machine::Outside outside(machine());
    const MemoryTotals totals = kernel().frames.totals();
    return totals.of(FrameUse::anonymous) + totals.of(FrameUse::page_table) + totals.of(FrameUse::object);
}

void Futexes::first(Program& init)
{
    constexpr i64 second = 1'000'000'000;
    const u64 area = init.scratch();
    const auto check = [this](bool good, const char* what) {
        if (!good) machine().stop(what);
    };
    check(init.call(number::clock_gettime, abi::clock::realtime, area) == 0, "clock_gettime");
    const auto time = init.read_value<abi::Timespec>(area);
    const i64 apart = time.seconds * second + time.nanoseconds - hal::boot_time_of_day_ns();
    check(apart >= 0 && apart <= now().ns, "the wall clock begins at another time than the machine's");
    const auto reap = [&] {
        i32 status = 0;
        check(init.wait_child(-1, status) > 0 && status == 0, "a crew failed");
    };
    // The first one alone: memory that the kernel keeps for its like is not left by the others.
    check(init.fork(chief_main, 0) > 0, "fork");
    reap();
    init.write_value(area, abi::Timespec{0, 100'000'000});
    init.call(number::nanosleep, area, 0);  // what a thread had that ended is given back a little later
    const u64 before = used_frames();
    kernel_objects_ = kernel_objects();
    for (u32 crew = 1; crew <= crew_count; crew++) check(init.fork(chief_main, crew) > 0, "fork");
    for (u32 crew = 1; crew <= crew_count; crew++) reap();
    check(used_frames() <= before, "memory is left");
}

Outcome Futexes::run()
{
    Outcome outcome;
    outcome.threads = crew_count;
    try {
        ProgramMachine::run([this](Program& init) { first(init); });
        run_until_idle();
        if (kernel_objects() > kernel_objects_)
            throw sim::Stopped(std::to_string(kernel_objects() - kernel_objects_) +
                               " objects of the kernel's are left");
    } catch (const sim::Stopped& stopped) {
        outcome.failed = true;
        outcome.message = stopped.what();
    }
    fill(outcome, case_, *this, checkers);
    return outcome;
}

}  // namespace

Outcome run_futexes(const Case& what)
{
    auto futexes = std::make_unique<Futexes>(what);
    return futexes->run();
}

}  // namespace takt::scenario
