#include <arch/sim/start.hpp>
#include <machine/fiber.hpp>
#include <new>
#include <sim/test_machine.hpp>
#include <string.h>
#include <utility>

namespace takt {

struct TestMachine::Spawned {
    Body body;
    Thread* thread = nullptr;
    bool ended = false;
};

class TestMachine::BodyThread : public Thread {
public:
    BodyThread(ThreadId thread_id, const char* thread_name, Spawned& what)
        : Thread(thread_id, thread_name), spawned(what)
    {
    }
    Spawned& spawned;
};

// --- Start.

TestMachine::TestMachine(u32 cpus, u64 memory_bytes)
    : TestMachine({.processors = cpus, .memory_bytes = memory_bytes, .strict = true})
{
}

TestMachine::TestMachine(const sim::MachineOptions& options) : TestMachine(options, std::span<const u8>{})
{
    machine_.run_until(sim::never_ns);
}

TestMachine::TestMachine(const sim::MachineOptions& options, std::span<const u8> archive)
    : machine_(options), whole_(!archive.empty())
{
    const u32 cpus = options.processors;
    machine_.owner = this;
    machine_.boot_info.ranges[0] = {0, options.memory_bytes, true};
    machine_.boot_info.range_count = 1;
    if (whole_) place_archive(archive);
    machine_.kernel = &machine::make_kernel(machine_.allocate_object(sizeof(Kernel), alignof(Kernel)));
    processor_starts_.reserve(cpus);
    for (u32 number = 0; number < cpus; number++) {
        Cpu& cpu = *new (machine_.allocate_object(sizeof(Cpu), alignof(Cpu))) Cpu(CpuId{number});
        Thread& idle = *new (machine_.allocate_object(sizeof(Thread), alignof(Thread))) Thread(ThreadId{0}, "idle");
        machine_.processor(number).cpu = &cpu;
        scheduler().add_cpu(cpu, idle);
        processor_starts_.push_back({this, number});
        machine_.start_processor(number, machine_.take_stack().prepare(&processor_main, &processor_starts_.back()));
    }
}

TestMachine::~TestMachine() = default;

// At the end of memory.
void TestMachine::place_archive(std::span<const u8> archive)
{
    takt::hal::BootInfo& info = machine_.boot_info;
    info.initramfs_start = page_floor(machine_.memory_bytes() - archive.size());
    info.initramfs_length = archive.size();
    memcpy(machine_.memory() + info.initramfs_start, archive.data(), archive.size());
}

void TestMachine::processor_main(void* argument)
{
    auto* start = static_cast<ProcessorStart*>(argument);
    start->machine->boot_processor(start->number);
}

// On the processor's idle thread.
void TestMachine::boot_processor(u32 number)
{
    hal::enable_interrupts();
    if (number == 0) {
        MayBlock context = ContextMint::may_block(hal::current_thread());
        kernel().frames.init(context);
        if (whole_) {
            machine::start_whole_kernel(context);
        } else {
            for (u32 other = 0; other < cpu_count(); other++)
                scheduler().start_cpu_threads(context, cpu(other)).value();
        }
    }
    scheduler().idle_loop();
}

// --- Threads.

Thread& TestMachine::spawn(const char* name, Level level, Body body, CpuSet affinity)
{
    SchedulingParameters parameters;
    parameters.policy = level == level_fair ? Policy::other : Policy::fifo;
    parameters.priority = level;
    return spawn(name, parameters, std::move(body), affinity);
}

Thread& TestMachine::spawn(const char* name, SchedulingParameters parameters, Body body, CpuSet affinity)
{
    spawned_.push_back(std::make_unique<Spawned>());
    Spawned& spawned = *spawned_.back();
    spawned.body = std::move(body);
    auto& thread = *new (machine_.allocate_object(sizeof(BodyThread), alignof(BodyThread)))
                       BodyThread(allocate_thread_id(), name, spawned);
    spawned.thread = &thread;
    thread.parameters = parameters;
    thread.base_level = thread.level = parameters.level();
    thread.sliced = parameters.policy != Policy::fifo;
    thread.weight = FairQueue::weight_of_nice(parameters.nice);
    thread.affinity = affinity;
    machine::make_fiber(thread, &thread_main);
    alive_++;
    if (sim::Machine::running())
        scheduler().start(thread);
    else
        to_start_.push_back(&thread);
    return thread;
}

void TestMachine::thread_main(Thread& thread)
{
    Spawned& spawned = static_cast<BodyThread&>(thread).spawned;
    MayBlock context = ContextMint::may_block(thread);
    spawned.body(context);
    spawned.ended = true;
    sim::Machine::current()->owner->thread_ended();
    hal::core().scheduler.exit_current(context, [](MayBlock&, Thread&) {});
}

void TestMachine::thread_ended()
{
    alive_--;
    if (alive_ == 0 && return_at_last_end_) machine_.return_to_host();
}

void TestMachine::start_waiting_threads()
{
    if (to_start_.empty()) return;
    interrupt(CpuId{0}, [this, threads = std::exchange(to_start_, {})] {
        for (Thread* thread : threads) scheduler().start(*thread);
    });
}

// --- Running.

void TestMachine::run(Duration limit)
{
    start_waiting_threads();
    return_at_last_end_ = true;
    machine_.run_until((now() + limit).ns);
    return_at_last_end_ = false;
    if (alive_ == 0) return;
    throw sim::Stopped((machine_.idle() ? "all threads wait for ever:" : "the run takes too long:") +
                       describe_threads());
}

void TestMachine::run(Body body, Duration limit)
{
    spawn("test", 60, std::move(body));
    run(limit);
}

void TestMachine::run_until_idle() { run_until(Instant::never()); }
void TestMachine::run_for(Duration duration) { run_until(now() + duration); }

void TestMachine::run_until(Instant end)
{
    start_waiting_threads();
    machine_.run_until(end.ns);
}

void TestMachine::compute(Duration duration)
{
    i64 left = duration.ns;
    while (left > 0) left -= machine_.wait(left);
}

std::string TestMachine::running_on(u32 number) { return cpu(number).run_queue.current->name; }

std::vector<std::string> TestMachine::thread_names() const
{
    std::vector<std::string> names;
    for (const auto& spawned : spawned_) {
        const auto id = static_cast<usize>(spawned->thread->id.value);
        if (id >= names.size()) names.resize(id + 1);
        names[id] = std::string(spawned->thread->name) + "/" + std::to_string(id);
    }
    return names;
}

std::string TestMachine::describe_threads() const NO_THREAD_SAFETY_ANALYSIS
{
    static constexpr const char* states[] = {"not started", "ready", "waiting", "ended"};
    std::string text;
    for (const auto& spawned : spawned_) {
        if (spawned->ended) continue;
        const Thread& thread = *spawned->thread;
        text += std::string(text.empty() ? " " : ", ") + thread.name + "/" + std::to_string(thread.id.value) +
                " (level " + std::to_string(thread.level) + ", " + states[static_cast<usize>(thread.state)];
        if (thread.blocked_on) {
            Thread* owner = thread.blocked_on->mutex.owner();
            text += owner ? std::string(" for a lock of ") + owner->name + "/" + std::to_string(owner->id.value)
                          : " for a lock that is free";
        }
        text += ")";
    }
    return text;
}

}  // namespace takt
