#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <kernel/kernel.hpp>
#include <nlohmann/json.hpp>
#include <scenario/scale.hpp>
#include <sim/call_numbers.hpp>
#include <sim/program_machine.hpp>
#include <stdexcept>

namespace takt::scenario {
namespace {

constexpr u32 rounds = 100;  // of each CPU
constexpr u64 memory_bytes = 512ull << 20;
constexpr Level level = 20;
// Everybody waits for the first instant, when what they need is ready, and ends after the second, when all are done.
constexpr Instant begin{400'000'000}, end{10'000'000'000};

CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

sim::MachineOptions machine_options(u32 cpus)
{
    return {.processors = cpus, .memory_bytes = memory_bytes, .seed = 1, .explore = false};
}

// When each CPU was done. They began together.
class Ends {
public:
    explicit Ends(u32 cpus) : ends_(cpus, 0) {}
    void set(u32 cpu, Instant now) { ends_[cpu] = now.ns; }
    // Operations a second of virtual time: the sum of what each CPU did.
    double rate(u32 operations_of_each) const
    {
        double sum = 0;
        for (i64 end : ends_) {
            if (end <= begin.ns) throw std::runtime_error("a CPU did not end");
            sum += static_cast<double>(operations_of_each) * 1e9 / static_cast<double>(end - begin.ns);
        }
        return sum;
    }

private:
    std::vector<i64> ends_;
};

// --- Threads of the kernel, bound to their CPU.

class Threads {
public:
    explicit Threads(u32 cpus, bool one_lock = false)
        : cpus(cpus), ends(cpus), machine(machine_options(cpus)), one_lock_(one_lock)
    {
    }

    // `body` on each CPU, from the common instant on.
    void on_each(std::function<void(MayBlock&, u32)> body)
    {
        for (u32 cpu = 0; cpu < cpus; cpu++)
            machine.spawn(
                "worker", level,
                [this, body, cpu](MayBlock& context) {
                    if (prepare_) prepare_(context);
                    sleep_until(context, begin);
                    body(context, cpu);
                    ends.set(cpu, machine.now());
                    if (machine.now() >= end) PANIC("the benchmark took too long");
                    sleep_until(context, end);
                    if (finish_) finish_(cpu);
                },
                only(cpu));
    }
    // Beforehand, and afterwards: not measured.
    void prepare(std::function<void(MayBlock&)> prepare) { prepare_ = std::move(prepare); }
    void finish(std::function<void(u32)> finish) { finish_ = std::move(finish); }
    void sleep_until(MayBlock& context, Instant instant)
    {
        while (machine.now() < instant) machine.scheduler().park(context, WaitMode::uninterruptible, instant);
    }
    void park(MayBlock& context) { machine.scheduler().park(context, WaitMode::uninterruptible); }
    // One operation, under the lock of all if that was asked for.
    template <typename Operation>
    void once(MayBlock& context, Operation operation)
    {
        if (!one_lock_) return operation(context);
        LockGuard guard(all_, context);
        operation(guard);
    }
    double rate(u32 operations_of_each)
    {
        machine.run();
        return ends.rate(operations_of_each);
    }

    const u32 cpus;
    Ends ends;
    TestMachine machine;

private:
    const bool one_lock_;
    Lock<Rank::object> all_;
    std::function<void(MayBlock&)> prepare_;
    std::function<void(u32)> finish_;
};

// Two threads of each CPU that have each other run.
struct Pair {
    Thread* first = nullptr;
    Thread* second = nullptr;
    bool done = false;
    Lock<Rank::object> lock;
    // The second one waits to be woken.
    void end(Scheduler& scheduler)
    {
        done = true;
        scheduler.unpark(*second);
    }
};

// The second one of each CPU's pair.
void spawn_seconds(Threads& threads, std::vector<Pair>& pairs, Level its_level,
                   const std::function<void(MayBlock&, Pair&)>& body)
{
    for (u32 cpu = 0; cpu < threads.cpus; cpu++) {
        Pair& pair = pairs[cpu];
        pair.second = &threads.machine.spawn(
            "second", its_level, [&pair, body](MayBlock& context) { body(context, pair); }, only(cpu));
    }
}

double wake_up(u32 cpus, bool one_lock)
{
    Threads threads(cpus, one_lock);
    std::vector<Pair> pairs(cpus);
    Scheduler& scheduler = threads.machine.scheduler();
    spawn_seconds(threads, pairs, level, [&](MayBlock& context, Pair& pair) {
        for (threads.park(context); !pair.done; threads.park(context)) scheduler.unpark(*pair.first);
    });
    threads.on_each([&](MayBlock& context, u32 cpu) {
        Pair& pair = pairs[cpu];
        pair.first = &context.thread();
        for (u32 round = 0; round < rounds; round++) {
            threads.once(context, [&](auto&) { scheduler.unpark(*pair.second); });
            threads.park(context);
        }
    });
    threads.finish([&](u32 cpu) { pairs[cpu].end(scheduler); });
    return threads.rate(2 * rounds);
}

double yield(u32 cpus, bool)
{
    Threads threads(cpus);
    std::vector<Pair> pairs(cpus);
    Scheduler& scheduler = threads.machine.scheduler();
    spawn_seconds(threads, pairs, level, [&](MayBlock& context, Pair& pair) {
        threads.sleep_until(context, begin);
        while (!pair.done) scheduler.yield(context);
        threads.sleep_until(context, end);
    });
    threads.on_each([&](MayBlock& context, u32 cpu) {
        for (u32 round = 0; round < rounds; round++) scheduler.yield(context);
        pairs[cpu].done = true;
    });
    return threads.rate(2 * rounds);
}

// The waiter is the more urgent one: it takes the lock the moment it is let go.
double lock_hand_over(u32 cpus, bool)
{
    Threads threads(cpus);
    std::vector<Pair> pairs(cpus);
    Scheduler& scheduler = threads.machine.scheduler();
    spawn_seconds(threads, pairs, level + 1, [&](MayBlock& context, Pair& pair) {
        for (threads.park(context); !pair.done; threads.park(context)) {
            LockGuard guard(pair.lock, context);
        }
    });
    threads.on_each([&](MayBlock& context, u32 cpu) {
        Pair& pair = pairs[cpu];
        for (u32 round = 0; round < rounds; round++) {
            LockGuard guard(pair.lock, context);
            scheduler.unpark(*pair.second);
        }
    });
    threads.finish([&](u32 cpu) { pairs[cpu].end(scheduler); });
    return threads.rate(rounds);
}

double timer(u32 cpus, bool)
{
    Threads threads(cpus);
    threads.on_each([&](MayBlock& context, u32) {
        for (u32 round = 0; round < rounds; round++)
            threads.sleep_until(context, threads.machine.now() + microseconds(1));
    });
    return threads.rate(rounds);
}

double page_allocation(u32 cpus, bool one_lock)
{
    Threads threads(cpus, one_lock);
    FrameAllocator& frames = threads.machine.core().frames;
    constexpr u32 at_once = 16;
    const auto take_and_give_back = [&](MayBlock& context) {
        FrameRef taken[at_once];
        for (FrameRef& frame : taken)
            threads.once(context, [&](auto& held) {
                Result<FrameRef> result = frames.allocate(held, FrameUse::kernel);
                if (!result.ok()) PANIC("no memory for the benchmark");
                frame = std::move(result.value());
            });
        for (FrameRef& frame : taken) threads.once(context, [&](auto&) { frame = FrameRef(); });
    };
    threads.prepare(take_and_give_back);
    threads.on_each([&](MayBlock& context, u32) {
        for (u32 round = 0; round < rounds; round++) take_and_give_back(context);
    });
    return threads.rate(rounds * at_once);
}

// --- Programs: a process of each CPU, bound to it.

class Programs : public ProgramMachine {
public:
    using Body = void (*)(Program&, u32 cpu);

    Programs(u32 cpus, Body prepare, Body body)
        : ProgramMachine(machine_options(cpus)), cpus_(cpus), prepare_(prepare), body_(body), ends_(cpus)
    {
    }
    double rate(u32 operations_of_each, std::function<void(Program&)> first,
                std::initializer_list<ProgramFunction> more)
    {
        add(process);
        for (ProgramFunction function : more) add(function);
        run([&](Program& init) {
            if (first) first(init);
            for (u32 cpu = 0; cpu < cpus_; cpu++) must(init.fork(process, cpu));
            i32 status = 0;
            for (u32 cpu = 0; cpu < cpus_; cpu++) {
                must(init.wait_child(-1, status));
                if (status != 0) PANIC("a process of the benchmark failed");
            }
        });
        return ends_.rate(operations_of_each);
    }
    static i64 must(i64 result)
    {
        if (result < 0) PANIC("a call of the benchmark failed");
        return result;
    }

private:
    static void process(Program& self)
    {
        auto& machine = static_cast<Programs&>(self.machine());
        const u32 cpu = static_cast<u32>(self.argument());
        const u64 place = self.scratch();
        for (u64 word = 0; word < 2; word++) self.store<u64>(place + word * 8, cpu / 64 == word ? 1ull << cpu % 64 : 0);
        must(self.call(number::sched_setaffinity, 0, 16, place));
        self.store<u32>(place, 10);
        must(self.call(number::sched_setscheduler, 0, 1, place));
        if (machine.prepare_) machine.prepare_(self, cpu);
        machine.body_(self, cpu);  // so that all is warm
        if (machine.now() >= begin) PANIC("the benchmark was not ready in time");
        sleep_until(self, begin);
        machine.body_(self, cpu);
        machine.ends_.set(cpu, machine.now());
        if (machine.now() >= end) PANIC("the benchmark took too long");
        sleep_until(self, end);
        self.exit(0);
    }
    static void sleep_until(Program& self, Instant instant)
    {
        const u64 place = self.scratch();
        self.store<i64>(place, instant.ns / ns_per_s);
        self.store<i64>(place + 8, instant.ns % ns_per_s);
        constexpr u64 monotonic = 1, absolute = 1;
        must(self.call(number::clock_nanosleep, monotonic, absolute, place, 0));
    }

    const u32 cpus_;
    const Body prepare_, body_;
    Ends ends_;
};

// Private words of the process: whose turn it is. The partner is a thread of the same process.
constexpr u64 turn_address = 0x20000000;
constexpr u64 wait_private = 128, wake_private = 129;

void pass_turn(Program& self, u32 to, u32 own)
{
    self.store<u32>(turn_address, to);
    Programs::must(self.call(number::futex, turn_address, wake_private, 1));
    while (self.load<u32>(turn_address) != own) self.call(number::futex, turn_address, wait_private, to, 0);
}

void futex_partner(Program& self)
{
    while (self.load<u32>(turn_address) != 1) self.call(number::futex, turn_address, wait_private, 0, 0);
    for (;;) pass_turn(self, 0, 1);
}

void prepare_futex(Program& self, u32)
{
    constexpr u64 fixed_private_anonymous = 0x32;
    Programs::must(self.call(number::mmap, turn_address, 2 * page_size, 3, fixed_private_anonymous, ~0ull, 0));
    self.store<u32>(turn_address, 0);
    constexpr u64 thread_flags =
        0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;  // VM FS FILES SIGHAND THREAD SYSVSEM
    Programs::must(self.clone(thread_flags, futex_partner, 0, turn_address + 2 * page_size));
}

void futex_rounds(Program& self, u32)
{
    for (u32 round = 0; round < rounds; round++) pass_turn(self, 1, 0);
}

// Two descriptors, where the scratch page's second half is.
u64 descriptors_of(Program& self) { return self.scratch() + 2048; }

void byte_rounds(Program& self, u32)
{
    const u64 pair = descriptors_of(self);
    const u32 from = self.load<u32>(pair), to = self.load<u32>(pair + 4);
    for (u32 round = 0; round < rounds; round++) {
        Programs::must(self.call(number::write, to, pair + 64, 1));
        Programs::must(self.call(number::read, from, pair + 64, 1));
    }
}

void prepare_pipe(Program& self, u32) { Programs::must(self.call(number::pipe, descriptors_of(self))); }

void prepare_socket(Program& self, u32)
{
    constexpr u64 unix_family = 1, stream = 1;
    Programs::must(self.call(number::socketpair, unix_family, stream, 0, descriptors_of(self)));
}

constexpr std::string_view path = "/one/two/three";

void make_path(Program& init)
{
    for (std::string_view part : {"/one", "/one/two", "/one/two/three"})
        Programs::must(init.call(number::mkdir, init.put(init.scratch(), part), 0755));
}

void path_rounds(Program& self, u32)
{
    const u64 name = self.put(self.scratch(), path);
    for (u32 round = 0; round < rounds; round++) Programs::must(self.call(number::stat, name, self.scratch() + 1024));
}

double futex(u32 cpus, bool)
{
    return Programs(cpus, prepare_futex, futex_rounds).rate(2 * rounds, nullptr, {futex_partner});
}
double pipe(u32 cpus, bool) { return Programs(cpus, prepare_pipe, byte_rounds).rate(rounds, nullptr, {}); }
double unix_socket(u32 cpus, bool) { return Programs(cpus, prepare_socket, byte_rounds).rate(rounds, nullptr, {}); }
double path_lookup(u32 cpus, bool) { return Programs(cpus, nullptr, path_rounds).rate(rounds, make_path, {}); }

// --- All of them.

struct Benchmark {
    const char* name;
    double (*rate)(u32 cpus, bool one_lock);
    bool lockable;  // can be done under one lock of all
};

constexpr Benchmark benchmarks[] = {{"wake-up", wake_up, true},
                                    {"yield", yield, false},
                                    {"lock hand-over", lock_hand_over, false},
                                    {"timer", timer, false},
                                    {"page allocation", page_allocation, true},
                                    {"futex", futex, false},
                                    {"pipe", pipe, false},
                                    {"UNIX socket", unix_socket, false},
                                    {"path lookup", path_lookup, false}};

void print_table(const std::vector<ScaleRow>& rows)
{
    fmt::print("{:<16} {:>12}", "", "1 CPU, 1/s");
    for (usize index = 1; index < rows[0].rates.size(); index++) fmt::print(" {:>6}", scale_sizes[index]);
    fmt::print("   CPUs: % of linear\n");
    for (const ScaleRow& row : rows) {
        fmt::print("{:<16} {:>12.0f}", row.name, row.rates[0]);
        for (usize index = 1; index < row.rates.size(); index++) fmt::print(" {:>6.1f}", row.percent_of_linear(index));
        fmt::print("\n");
    }
}

void print_json(const std::vector<ScaleRow>& rows, bool one_lock)
{
    nlohmann::ordered_json document;
    document["schema"] = "takt-scale-1";
    document["one_lock"] = one_lock;
    document["cpus"] = std::vector<u32>(scale_sizes, scale_sizes + rows[0].rates.size());
    for (const ScaleRow& row : rows) {
        nlohmann::ordered_json entry;
        entry["name"] = row.name;
        entry["operations_per_second"] = row.rates;
        for (usize index = 0; index < row.rates.size(); index++)
            entry["percent_of_linear"].push_back(row.percent_of_linear(index));
        document["benchmarks"].push_back(entry);
    }
    fmt::print("{}\n", document.dump(2));
}

void write_svg(const std::vector<ScaleRow>& rows, const std::string& file)
{
    FILE* plotter = popen("gnuplot", "w");
    if (!plotter) throw std::runtime_error("cannot start gnuplot");
    fmt::print(plotter,
               "set terminal svg size 800,500 font 'sans,12' background 'white'\n"
               "set output '{}'\n"
               "set title 'Throughput, each CPU for itself'\n"
               "set xlabel 'simulated CPUs'\nset ylabel '% of linear'\n"
               "set logscale x 2\nset yrange [0:110]\nset grid\nset key outside right\n"
               "plot ",
               file);
    for (usize index = 0; index < rows.size(); index++)
        fmt::print(plotter, "{}'-' with linespoints title '{}'", index ? ", " : "", rows[index].name);
    fmt::print(plotter, "\n");
    for (const ScaleRow& row : rows) {
        for (usize index = 0; index < row.rates.size(); index++)
            fmt::print(plotter, "{} {:.2f}\n", scale_sizes[index], row.percent_of_linear(index));
        fmt::print(plotter, "e\n");
    }
    if (pclose(plotter) != 0) throw std::runtime_error("gnuplot failed (Debian's package gnuplot-nox has it)");
}

}  // namespace

double ScaleRow::percent_of_linear(usize index) const { return rates[index] / (rates[0] * scale_sizes[index]) * 100; }

std::vector<ScaleRow> measure_scale(u32 cpus_max, bool one_lock)
{
    std::vector<ScaleRow> rows;
    for (const Benchmark& benchmark : benchmarks) {
        if (one_lock && !benchmark.lockable) continue;
        ScaleRow row{benchmark.name, {}};
        for (u32 cpus : scale_sizes)
            if (cpus <= cpus_max) row.rates.push_back(benchmark.rate(cpus, one_lock));
        rows.push_back(std::move(row));
    }
    return rows;
}

void run_scale(const ScaleOptions& options)
{
    const std::vector<ScaleRow> rows = measure_scale(options.cpus_max, options.one_lock);
    if (!options.svg_file.empty()) write_svg(rows, options.svg_file);
    if (options.json)
        print_json(rows, options.one_lock);
    else
        print_table(rows);
}

}  // namespace takt::scenario
