// sim::Machine: a computer as far as order and time go: processors that run host fibres, interrupts, a one-shot timer
// each, interrupt lines, memory, and events from outside. It knows nothing of the kernel; arch/sim makes the hal of it.
//
// Virtual time. Every processor has its own; the one furthest behind goes next (the lowest number among equals). What a
// processor does costs time (cost_model.hpp) at ordering points, spend(); there it may be overtaken and interrupted,
// and nowhere else. What follows an ordering point, up to the next, happens at one instant as the others see it, and
// they see all of it in the order of virtual time. So one program gives one run, whatever the host does.
#pragma once

#include <deque>
#include <functional>
#include <kernel/hal/boot_info.hpp>
#include <memory>
#include <sim/cost_model.hpp>
#include <sim/fiber.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace takt {
class Core;
class Cpu;
class TestMachine;
}  // namespace takt

namespace takt::sim {

inline constexpr i64 never_ns = INT64_MAX;

enum class InterruptKind : u8 { timer, reschedule, device, call };

struct Interrupt {
    i64 arrival_ns = 0;
    InterruptKind kind = InterruptKind::timer;
    u32 number = 0;  // device: the line; call: which function
};

struct Processor {
    u32 number = 0;
    takt::Cpu* cpu = nullptr;  // the kernel's
    i64 time_ns = 0;
    bool interrupts_enabled = false;
    i64 timer_deadline_ns = never_ns;
    std::vector<Interrupt> pending;  // by arrival

    // --- The machine's own.
    i64 key_ns = never_ns;  // when it goes on
    void* stack = nullptr;  // where it stands, while another one runs
    bool waiting = false;   // until wait_until_ns, an interrupt or a write to spin_word
    i64 wait_until_ns = never_ns;
    const void* spin_word = nullptr;

    i64 next_interrupt_ns() const;
};

// The run ended by a panic of the simulated kernel, or can't go on.
class Stopped : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Machine {
public:
    static constexpr u32 processor_count_max = 128;
    static constexpr u32 line_count = 256;

    Machine(u32 processors, u64 memory_bytes);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // The machine that runs on this host thread, or ran last; null: none. Its processor that runs now; null: host code.
    static Machine* current();
    static Processor* running();

    CostModel cost;

    // --- From outside, host code.

    // The processor begins at `stack` (FiberStack::prepare), interrupts off. Once for each.
    void start_processor(u32 number, void* stack);
    // Runs until nothing is left to happen at or before `end_ns`. Stopped: the kernel panicked, or processors spin on
    // words that nobody will change.
    void run_until(i64 end_ns);
    // No event, no interrupt, no processor that goes on by itself.
    bool idle() const { return earliest_ns() == never_ns; }
    i64 now_ns() const;
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

    // --- From inside, on the running processor.

    // Ordering point: `ns` pass. May return on another processor (interrupts are on, and the fibre was moved).
    void spend(i64 ns);
    void set_interrupts(bool enabled);
    void set_timer(i64 deadline_ns);
    // Waits for an interrupt with interrupts on (and takes it); at most `ns`. Returns the time that passed before the
    // interrupt.
    i64 wait(i64 ns);
    // Waits until someone writes to the word, or an interrupt comes.
    void spin_on(const void* word);
    // The running processor has written to a shared word.
    void wrote(const void* word)
    {
        if (spinners_ != 0) [[unlikely]]
            wake_spinners(word);
    }
    // Ends the run in good order, at this instant.
    void return_to_host();
    // Ends the run; run_until() throws Stopped(message).
    [[noreturn]] void stop(std::string message);

    // --- Host stacks for fibres; they go with the machine.
    FiberStack& take_stack();
    void give_back(FiberStack& stack);

    // --- Memory: physical address 0 is at memory().
    unsigned char* memory() { return memory_; }
    takt::hal::BootInfo boot_info;
    u64 memory_bytes() const { return memory_bytes_; }

    // --- Whose machine it is, for the layers above.
    takt::Core* core = nullptr;
    takt::TestMachine* owner = nullptr;

private:
    struct Event {
        i64 time_ns;
        std::function<void()> action;
    };

    Processor* earliest_processor() const;
    i64 earliest_ns() const;
    void recompute_key(Processor& processor);
    void recompute_limit();
    void reorder();
    void leave_to_next();
    bool run_due_event(i64 before_ns);
    void take_interrupt(Processor& processor);
    void wake_spinners(const void* word);

    std::vector<std::unique_ptr<Processor>> processors_;
    Processor* running_ = nullptr;
    void* host_stack_ = nullptr;
    i64 end_ns_ = 0;
    i64 limit_ns_ = 0;  // the running processor looks around when its time gets here
    i64 now_ns_ = 0;    // of host code
    u32 spinners_ = 0;
    std::vector<Event> events_;  // by time, first come first among equals
    std::deque<std::function<void()>> calls_;
    std::vector<std::unique_ptr<FiberStack>> stacks_;
    std::vector<Line> lines_;
    std::string stopped_;
    bool failed_ = false;
    unsigned char* memory_ = nullptr;
    u64 memory_bytes_ = 0;
    void* mapping_ = nullptr;
    u64 mapping_bytes_ = 0;
};

// Enters the kernel for an interrupt: interrupts are off, and are left off. (arch/sim/interrupts.cpp)
void enter_interrupt(Machine& machine, const Interrupt& interrupt);

}  // namespace takt::sim
