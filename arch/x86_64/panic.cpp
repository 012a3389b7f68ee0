#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/panic.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/console.hpp>
#include <kernel/kernel.hpp>
#include <kernel/parameters.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/trace/log.hpp>

extern "C" const char takt_symbols_start[], takt_symbols_end[];
extern "C" char takt_text_start[], takt_text_end[];

namespace takt::machine {
namespace {

constinit Atomic<u32> panicking{0};
constinit Atomic<u32> cpus_stopped{0};

template <typename... Arguments>
void print(std::string_view pattern, const Arguments&... arguments)
{
    TextBuffer<256> text;
    format(text, pattern, arguments...);
    hal::early_console_write(text.view());
}

bool in_text(u64 address)
{
    return address >= reinterpret_cast<u64>(takt_text_start) && address < reinterpret_cast<u64>(takt_text_end);
}

void print_address(u64 address)
{
    Symbol symbol = find_symbol(address);
    print("  [<{016x}>] {}+0x{x}\n", address, symbol.name, symbol.offset);
}

bool readable_stack(u64 address)
{
    return address % 8 == 0 && (address >= direct_map_start) &&
           (address < kernel_stack_region_start || !(address >= device_map_start && address < kernel_base));
}

void print_backtrace(u64 rip, u64 rbp)
{
    print("backtrace:\n");
    if (rip) print_address(rip);
    for (unsigned depth = 0; depth < 32 && readable_stack(rbp); depth++) {
        const u64* frame = reinterpret_cast<const u64*>(rbp);
        if (!in_text(frame[1])) break;
        print_address(frame[1]);
        if (frame[0] <= rbp) break;
        rbp = frame[0];
    }
}

// In an interrupt, whose handlers do without frame pointers: every code address on the stack, also those that nobody
// returns to any more.
void print_stack(u64 from, const Thread& thread)
{
    constexpr unsigned most = 32;
    print("code addresses on the stack:\n");
    unsigned printed = 0;
    for (u64 at = from; at < thread.context.stack_top && printed < most; at += 8) {
        const u64 address = *reinterpret_cast<const u64*>(at);
        if (!in_text(address)) continue;
        print_address(address);
        printed++;
    }
}

void print_thread(Cpu& cpu)
{
    Thread* thread = cpu.current;
    if (!thread) return;
    print("cpu {} thread {} \"{}\" level {} locks {} mutexes {} preempt {08x}\n", cpu.cpu_id, thread->id, thread->name,
          thread->level, thread->lock_depth, thread->mutex_depth, cpu.preempt_word);
}

std::string_view event_name(Event event)
{
    switch (event) {
    case Event::wake:
        return "wake";
    case Event::switch_to:
        return "switch to";
    case Event::timer:
        return "timer";
    case Event::interrupt:
        return "interrupt";
    case Event::system_call:
        return "system call";
    case Event::mark:
        return "mark";
    case Event::none:
        break;
    }
    return "none";
}

void print_events(Cpu& cpu)
{
    print("last events of cpu {}, newest first:\n", cpu.cpu_id);
    for (u32 index = 0; index < 16; index++) {
        const auto& entry = cpu.recorder.recent(index);
        if (entry.event == Event::none) break;
        std::string_view name;
        if (entry.event == Event::wake || entry.event == Event::switch_to)
            name = static_cast<const Thread*>(entry.object)->name;
        print("  {} ns: {} {x} {}\n", hal::cycles_to_ns(entry.cycles), event_name(entry.event), entry.value, name);
    }
}

// One after another, so that what they print stays apart.
void stop_other_cpus()
{
    Scheduler& scheduler = hal::kernel().scheduler;
    u32 expected = 0;
    for (u32 index = 0; index < scheduler.cpu_count(); index++) {
        if (index == hal::current_cpu_number()) continue;
        send_nmi(CpuId{index});
        expected++;
        const Instant deadline = hal::now() + milliseconds(200);
        while (cpus_stopped.load(Order::acquire) < expected && hal::now() < deadline) hal::spin_hint();
        if (cpus_stopped.load(Order::acquire) < expected) {
            print("cpu {} does not answer\n", index);
            print_thread(scheduler.cpu(CpuId{index}));
            expected--;
        }
    }
}

[[noreturn]] void finish()
{
    u64 seconds_to_restart = 0;
    std::string_view value = parameter("panic");
    print("--- end of TAKT PANIC ---\n");
    if (value.starts_with('-') || (parse_number(value, seconds_to_restart) && seconds_to_restart > 0)) hal::restart();
    hal::halt_forever();
}

bool begin(const char* message)
{
    hal::disable_interrupts();
    if (panicking.exchange(1, Order::acq_rel) != 0) hal::halt_forever();
    hal::kernel().log.write_at_once();
    print("\nTAKT PANIC: {}\n", message);
    return true;
}

void print_state(u64 rip, u64 rbp)
{
    bool with_cpus = hal::kernel().scheduler.cpu_count() > 0;
    if (with_cpus) print_thread(hal::current_cpu());
    print_backtrace(rip, rbp);
    if (!with_cpus) return;
    print_events(hal::current_cpu());
    stop_other_cpus();
}

}  // namespace

// The table that the build makes from the linked image: u32 count, then per symbol u32 offset from the image's base and
// u32 offset of the name, then the names.
Symbol find_symbol(u64 address)
{
    if (takt_symbols_end - takt_symbols_start < 8 || address < kernel_base) return {"?", 0};
    const u32* table = reinterpret_cast<const u32*>(takt_symbols_start);
    u32 count = table[0], wanted = static_cast<u32>(address - kernel_base);
    u32 low = 0, high = count;
    while (high - low > 1) {
        u32 middle = (low + high) / 2;
        (table[1 + 2 * middle] <= wanted ? low : high) = middle;
    }
    if (count == 0 || table[1 + 2 * low] > wanted) return {"?", 0};
    return {takt_symbols_start + table[2 + 2 * low], wanted - table[1 + 2 * low]};
}

void panic_with_registers(const char* message, const UserFrame& f, u32 vector, u64 address)
{
    begin(message);
    print("vector {} error {x} address {016x}\n", vector, f.orig_rax, address);
    print("rip {016x} cs {x} rflags {08x} rsp {016x} cr3 {x}\n", f.rip, f.cs, f.rflags, f.rsp, read_cr3());
    print("rax {016x} rbx {016x} rcx {016x} rdx {016x}\n", f.rax, f.rbx, f.rcx, f.rdx);
    print("rsi {016x} rdi {016x} rbp {016x} r8  {016x}\n", f.rsi, f.rdi, f.rbp, f.r8);
    print("r9  {016x} r10 {016x} r11 {016x} r12 {016x}\n", f.r9, f.r10, f.r11, f.r12);
    print("r13 {016x} r14 {016x} r15 {016x}\n", f.r13, f.r14, f.r15);
    print_state(f.rip, f.rbp);
    finish();
}

bool on_nmi(const UserFrame& frame)
{
    if (panicking.load(Order::acquire) == 0) return false;
    print_thread(hal::current_cpu());
    if (in_text(frame.rip))
        print_backtrace(frame.rip, frame.rbp);
    else
        print("  in user mode at {016x}\n", frame.rip);
    cpus_stopped.fetch_add(1, Order::release);
    hal::halt_forever();
}

}  // namespace takt::machine

namespace takt {

void panic(const char* message, const char* file, int line)
{
    machine::begin(message);
    machine::print("at {}:{}\n", std::string_view(file), line);
    const u64 frame = reinterpret_cast<u64>(__builtin_frame_address(0));
    machine::print_state(0, frame);
    if (hal::in_interrupt()) machine::print_stack(frame, hal::current_thread());
    machine::finish();
}

}  // namespace takt
