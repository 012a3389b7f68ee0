// sim::Machine: a computer as far as order and time go: processors that run host fibres, interrupts, a one-shot timer
// each, interrupt lines, memory, and events from outside. It knows nothing of the kernel; arch/sim makes the hal of it.
//
// Virtual time. Every processor has its own, and what it does costs time (cost_model.hpp): each basic block of the
// kernel (the compiler's coverage callback, arch/sim/coverage.cpp), and each of its doings with the machine. An
// interrupt, or another processor, may come at any of these.
//
// Order. What processors do to each other (atomic operations, interrupts sent, waiting) happens at ordering points, and
// there the processor furthest behind goes first (the lowest number among equals): in the order of virtual time. Plain
// code between them may run ahead of the others, by less than an interrupt takes to arrive: for code without data races
// that makes no difference but in speed. A `strict` machine doesn't even do that.
//
// One program, one seed and one binary give one run, whatever the host does.
#pragma once

#include <deque>
#include <functional>
#include <kernel/hal/boot_info.hpp>
#include <memory>
#include <sim/cache_lines.hpp>
#include <sim/cost_model.hpp>
#include <sim/event_log.hpp>
#include <sim/fault_plan.hpp>
#include <sim/fiber.hpp>
#include <sim/interrupt_kind.hpp>
#include <sim/key_tree.hpp>
#include <sim/random.hpp>
#include <sim/running_clock.hpp>
#include <sim/store_buffers.hpp>
#include <sim/translation_cache.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace takt {
class Cpu;
class Kernel;
class TestMachine;
class Thread;
namespace hal {
enum class Observed : u8;
}
}  // namespace takt

namespace takt::sim {

struct Interrupt {
    i64 arrival_ns = 0;
    InterruptKind kind = InterruptKind::timer;
    u32 number = 0;         // device: the line; call: which function
    bool spurious = false;  // nobody sent it
};

struct Processor {
    u32 number = 0;
    takt::Cpu* cpu = nullptr;  // the kernel's
    bool interrupts_enabled = false;
    i64 timer_deadline_ns = never_ns;  // in virtual time
    std::vector<Interrupt> pending;    // by arrival
    u64 root = 0;                      // physical address of the page table that is loaded; 0: none
    TranslationCache translations;

    // --- The machine's own.
    i64 next_interrupt_ns = never_ns;  // of `pending` and the timer
    i64 time_ns = 0;                   // while it does not run
    i64 key_ns = never_ns;             // when it goes on
    void* stack = nullptr;             // where it stands, while another one runs
    bool waiting = false;              // until wait_until_ns, an interrupt or a write to spin_word
    i64 wait_until_ns = never_ns;
    const void* spin_word = nullptr;
    Random random;
    u32 until_delay = 0;    // memory operations
    i64 clock_lead_ns = 0;  // of what it reads before virtual time
    i64 clock_ns = 0;       // read last
};

// Told, as host code, what happens. Machine::fail() ends the run.
class Watcher {
public:
    virtual ~Watcher() = default;
    virtual void thread_changed(Processor& processor, hal::Observed what, Thread& thread) = 0;
    // The kernel, with interrupts off, is about to switch.
    virtual void switches(Processor& processor, Thread& from, Thread& to) = 0;
    // An interrupt has been served.
    virtual void interrupted(Processor& processor) = 0;
    // The processor computes outside of the kernel, or halts.
    virtual void left_kernel(Processor& processor) = 0;
};

// The run ended by a panic of the simulated kernel, or can't go on.
class Stopped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct MachineOptions {
    u32 processors = 1;
    u64 memory_bytes = 16ull << 20;
    u64 seed = 0;
    bool explore = false;  // jitter; else the plain cost model
    bool stalls = true;    // false: a processor that never waits for what its instructions do, as QEMU's is
    bool strict = false;
    FaultOptions faults = {};
};

class Machine {
public:
    static constexpr u32 processor_count_max = 128;
    static constexpr u32 line_count = 256;

    explicit Machine(const MachineOptions& options);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // The machine that runs on this host thread, or ran last; null: none. Its processor that runs now; null: host code.
    static Machine* current();
    static Processor* running() { return running_clock.machine ? running_clock.machine->running_ : nullptr; }

    CostModel cost;
    Jitter jitter;
    FaultModel fault_model;
    EventLog events;
    FaultPlan faults;
    const MachineOptions options;

    // --- From outside, host code.

    // The processor begins at `stack` (FiberStack::prepare), interrupts off. Once for each.
    void start_processor(u32 number, void* stack);
    // Runs until nothing is left to happen at or before `end_ns`. Stopped: the kernel panicked, or processors spin on
    // words that nobody will change.
    void run_until(i64 end_ns);
    // No event, no interrupt, no processor that goes on by itself.
    bool idle() const { return outside_events_.empty() && keys_.least().time_ns == never_ns; }
    i64 now_ns() const { return running_ ? running_clock.now_ns : now_ns_; }
    // `event` happens at an instant that is not past. It may call raise(), lower(), post(), at().
    void at(i64 time_ns, std::function<void()> event);

    u32 processor_count() const { return static_cast<u32>(processors_.size()); }
    Processor& processor(u32 number) { return *processors_[number]; }

    // --- Interrupt lines, from outside or inside. An edge on a masked line is lost; a level stays.

    struct Line {
        bool exists = true;
        bool level = false;
        bool masked = true;
        bool asserted = false;
        u32 processor = 0;
    };
    Line& line(u32 number) { return lines_.at(number); }
    void raise(u32 line);
    void lower(u32 line) { lines_.at(line).asserted = false; }
    void unmask(u32 line);
    // Sends an interrupt, to arrive after the flight time.
    void post(u32 processor, InterruptKind kind, u32 number = 0);
    // Calls `function` in a hard interrupt of a processor.
    void post_call(u32 processor, std::function<void()> function);
    std::function<void()>& call(u32 number) { return calls_[number]; }

    // --- From inside, on the running processor. May return on another one if interrupts are on: the fibre was moved.

    i64 ns(const Cost& cost) const { return cost.instructions + (options.stalls ? cost.stall : 0); }
    void pass(const Cost& cost) { pass(ns(cost)); }
    void order(const Cost& cost) { order(ns(cost)); }
    // A copy or a fill of so many bytes.
    void pass_copy(const Cost& cost, usize bytes)
    {
        pass(ns(cost) + static_cast<i64>(bytes / sizeof(u64)) * ns(this->cost.copied_word));
    }
    // `ns` pass.
    void pass(i64 ns)
    {
        running_clock.now_ns += ns;
        if (running_clock.now_ns >= running_clock.limit_ns) look_around();
    }
    // Ordering point: `ns` pass, and no processor is behind this one.
    void order(i64 ns)
    {
        running_clock.now_ns += ns;
        if (options.explore && --running_->until_delay == 0) delay();
        if (running_clock.now_ns >= order_limit_ns_) reorder(0);
        if (!stores_.empty()) stores_.retire(running_clock.now_ns);
    }
    // Ordering points, then the place where the running processor finds the word's value.
    const void* before_load(const void* word);
    void* before_update(void* word);
    // An atomic store: before it changes memory, and what it owes to those who wait for it.
    void before_store(const void* word, usize bytes);
    void after_store(const void* word);
    void after_update(const void* word)
    {
        if (spinners_ != 0) [[unlikely]]
            wake_spinners(word, now_ns() + cost.line_transfer);
    }
    // All stores of the running processor become visible.
    void fence() { stores_.drain(running_->number); }
    void look_around() { reorder(lead_ns_); }

    void set_interrupts(bool enabled);
    // The processor's clock, which never goes backwards, and its timer, which goes by that clock as it is now.
    i64 read_clock();
    void set_timer(i64 deadline_ns);
    // Outside of the kernel: computes, or halts, until an interrupt comes (which is taken); at most `ns`. Interrupts
    // are on. Returns the time that passed before the interrupt.
    i64 wait(i64 ns);
    // Waits until someone writes to the word, or an interrupt comes.
    void spin_on(const void* word);
    // Whether what the running thread asks for is refused (hal/fault.hpp).
    bool fault_of_thread(FaultPoint point, u32 thread);
    // Ends the run in good order, at this instant.
    void return_to_host();
    // Ends the run; run_until() throws Stopped(message).
    [[noreturn]] void stop(std::string message);
    // The same from a Watcher, when it returns. The first message counts.
    void fail(std::string message);

    // While it lives, the running fibre is host code: no time passes, no one else comes.
    class Outside {
    public:
        explicit Outside(Machine& machine);
        ~Outside();
        Outside(const Outside&) = delete;

    private:
        Machine& machine_;
        Processor* running_;
        i64 now_ns_;
        RunningClock clock_;
    };

    // --- Host stacks for fibres; they go with the machine.
    FiberStack& take_stack();
    void give_back(FiberStack& stack);
    usize stacks() const { return stacks_.size(); }

    // --- Memory: physical address 0 is at memory(). Behind it is room for objects that the machine brings along.
    unsigned char* memory() { return memory_; }
    takt::hal::BootInfo boot_info;
    u64 memory_bytes() const { return options.memory_bytes; }
    void* allocate_object(usize bytes, usize alignment);

    // The text of the programs: the host's functions (arch/sim/user_mode.hpp). Complete before the machine runs.
    std::deque<std::function<void()>> functions;
    // Of programs, those that live.
    std::vector<takt::Thread*> user_threads;
    // What the kernel has written to its early console.
    std::string console;

    // How many page table entries map each frame.
    std::vector<u32> mappings;

    // --- Whose machine it is, for the layers above.
    takt::Kernel* kernel = nullptr;
    takt::TestMachine* owner = nullptr;
    Watcher* watcher = nullptr;

private:
    struct OutsideEvent {
        i64 time_ns;
        std::function<void()> action;
    };

    void recompute_key(Processor& processor);
    void recompute_limits();
    void resume(Processor* processor);
    void reorder(i64 lead_ns);
    void leave_to_next();
    [[noreturn]] void abandon();
    i64 wait_here(i64 ns);
    bool run_due_event(i64 before_ns);
    void run_due_events();
    void take_interrupt(Processor& processor);
    void recompute_next_interrupt(Processor& processor);
    Random* fault(FaultPoint point);
    void add_pending(Processor& target, const Interrupt& interrupt);
    void add_spurious(Processor& self, InterruptKind kind, u32 number, i64 ns_max, Random& random);
    void draw_faults(Processor& self);
    bool is_lost(const Processor& target, InterruptKind kind);
    void wake_spinners(const void* word, i64 seen_ns);
    void delay();

    std::vector<std::unique_ptr<Processor>> processors_;
    KeyTree keys_;  // of the processors that don't run
    Processor* running_ = nullptr;
    void* host_stack_ = nullptr;
    i64 end_ns_ = 0;
    i64 lead_ns_ = 0;         // plain code may be this far ahead of the other processors
    i64 order_limit_ns_ = 0;  // at an ordering point from here on, someone else comes first
    i64 now_ns_ = 0;          // of host code
    u32 spinners_ = 0;
    StoreBuffers stores_;
    std::vector<OutsideEvent> outside_events_;  // by time, first come first among equals
    std::deque<std::function<void()>> calls_;
    std::vector<std::unique_ptr<FiberStack>> stacks_;
    std::vector<Line> lines_;
    std::string stopped_;
    bool failed_ = false;
    unsigned char* memory_ = nullptr;
    void* mapping_ = nullptr;
    u64 mapping_bytes_ = 0;
    u64 object_bytes_used_ = 0;
    std::unique_ptr<CacheLines> lines_of_memory_;
};

// Enters the kernel for an interrupt: interrupts are off, and are left off. (arch/sim/interrupts.cpp)
void enter_interrupt(Machine& machine, const Interrupt& interrupt);

}  // namespace takt::sim
