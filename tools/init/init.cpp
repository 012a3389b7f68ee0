// PID 1 of a machine that runs one program: mounts what a Linux program expects, starts the
// program, reaps what it leaves, reports how it went on the control channel, and powers off.
//
// The report, one line each (TSC: the time stamp counter; MONOTONIC: that clock, in ns):
//   boot TSC                   init's first instruction
//   kernel RELEASE VERSION     as uname says
//   clock MONOTONIC TSC        both at one moment, before the program and after it
//   start TSC                  just before the program's process is made
//   stdin N                    line bytes taken so far (relay.hpp)
//   exit CODE TSC | signal NUMBER TSC | noexec ERRNO     how it ended
//   error TEXT                 init itself could not go on
#include "program.hpp"
#include "system_calls.hpp"
#include "text.hpp"

#include <asm/ioctls.h>
#include <linux/if.h>

// The kernel enters here: no C library, no constructors. The first instruction reads the clock.
asm(R"(
    .globl _start
    .type _start, @function
_start:
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %rdi
    xor %ebp, %ebp
    and $-16, %rsp
    call init_main
    ud2

    .type return_from_signal, @function
return_from_signal:
    mov $15, %eax
    syscall
)");

extern "C" void return_from_signal();

// The compiler may call these for what the source writes as loops or initialisers.
extern "C" void* memset(void* to, int value, unsigned long size)
{
    void* const start = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return start;
}
extern "C" void* memcpy(void* to, const void* from, unsigned long size)
{
    void* const start = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

namespace takt::init {

namespace {

constexpr int signal_pipe = 13, signal_child = 17;
constexpr unsigned long signal_bit(int signal) { return 1UL << (signal - 1); }

Config config{};

unsigned long time_stamp()
{
    unsigned low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return static_cast<unsigned long>(high) << 32 | low;
}

// A kernel that has not got one of these file systems is still good for programs that don't need
// it, and an initramfs may bring its own: so no failure counts.
void mount_file_systems()
{
    constexpr unsigned long no_suid = 2, no_device = 4, no_exec = 8;
    mount("devtmpfs", "/dev", no_suid, "mode=0755");
    mount("proc", "/proc", no_suid | no_device | no_exec, nullptr);
    mount("sysfs", "/sys", no_suid | no_device | no_exec, nullptr);
    make_directory("/dev/pts");
    mount("devpts", "/dev/pts", no_suid | no_exec, "mode=0620,ptmxmode=0666");
    make_directory("/dev/shm");
    mount("tmpfs", "/dev/shm", no_suid | no_device, "mode=1777");
    make_directory("/dev/mqueue");
    mount("mqueue", "/dev/mqueue", no_suid | no_device | no_exec, nullptr);
    make_link("/proc/self/fd", "/dev/fd");
    make_link("/proc/self/fd/0", "/dev/stdin");
    make_link("/proc/self/fd/1", "/dev/stdout");
    make_link("/proc/self/fd/2", "/dev/stderr");
}

// Programs that talk to 127.0.0.1 need it; a kernel without a network has nothing to set up.
void start_loopback()
{
    const long socket = system_call(__NR_socket, 2 /* AF_INET */, 2 /* SOCK_DGRAM */, 0);
    if (socket < 0) return;
    constexpr unsigned long set_interface_flags = 0x8914;
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    control_device(int(socket), set_interface_flags, &request);
    close_file(int(socket));
}

void say_kernel(const Channel& control)
{
    struct {
        char system[65], node[65], release[65], version[65], machine[65], domain[65];
    } names{};
    if (system_call(__NR_uname, address(&names)) == 0)
        say(control, Line().text("kernel ").text(names.release).text(" ").text(names.version));
}

void say_clock(const Channel& control)
{
    TimeSpec now{};
    system_call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, address(&now));
    const auto nanoseconds = static_cast<unsigned long>(now.seconds * 1'000'000'000 + now.nanoseconds);
    say(control, Line().text("clock ").number(nanoseconds).text(" ").number(time_stamp()));
}

void on_child(int) {}

// SIGCHLD stays blocked but inside ppoll: a child's end then interrupts the wait, never before it.
void prepare_signals()
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)();
        unsigned long mask;
    } const action{on_child, 0x04000000 /* SA_RESTORER */, return_from_signal, 0};
    system_call(__NR_rt_sigaction, signal_child, address(&action), 0, sizeof action.mask);
    const unsigned long blocked = signal_bit(signal_child) | signal_bit(signal_pipe);
    system_call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, address(&blocked), 0, sizeof blocked);
}

// Waits until a relay can move something or a child ends, and moves it.
void relay_once(Connections& connections)
{
    PollEntry entries[4];
    unsigned count = 0;
    const auto watch = [&](int descriptor, short events) { entries[count++] = {descriptor, events, 0}; };
    InputRelay& input = connections.input_relay;
    watch(connections.output_relay.pipe(), poll_in);  // poll ignores a negative descriptor
    watch(connections.errors_relay.pipe(), poll_in);
    watch(input.wants_line() ? input.line() : -1, poll_in);
    watch(input.wants_pipe() ? input.pipe() : -1, poll_out);
    const unsigned long mask = signal_bit(signal_pipe);
    if (system_call(__NR_ppoll, address(entries), count, 0, address(&mask), sizeof mask) <= 0) return;
    if (entries[0].happened != 0) connections.output_relay.move();
    if (entries[1].happened != 0) connections.errors_relay.move();
    if (entries[2].happened != 0) input.read_line();
    if (entries[3].happened != 0) input.write_pipe();
}

// Reaps until `program` ends and returns its wait status. Without relays init just sleeps.
int wait_for(long program, Connections& connections)
{
    const bool relays = connections.relays();
    constexpr int no_hang = 1;
    for (;;) {
        int status = 0;
        const long ended = system_call(__NR_wait4, -1, address(&status), relays ? no_hang : 0, 0);
        if (ended == program) return status;
        if (ended == 0 && relays) relay_once(connections);
    }
}

void say_end(const Channel& control, int status)
{
    const auto signal = static_cast<unsigned long>(status & 0x7f);
    const auto code = static_cast<unsigned long>(status >> 8 & 0xff);
    Line line;
    if (signal != 0)
        line.text("signal ").number(signal);
    else
        line.text("exit ").number(code);
    say(control, line.text(" ").number(time_stamp()));
}

[[noreturn]] void power_off()
{
    system_call(__NR_sync);
    for (;;) {
        system_call(__NR_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0);
        system_call(__NR_pause);
    }
}

bool uses_terminal()
{
    return equal(config.input, "tty") || equal(config.output, "tty") || equal(config.errors, "tty");
}

// Whatever is still in the terminal's buffer must reach the other end before the power goes.
void drain_terminal()
{
    const long tty = open_file(config.tty, write_only | no_controlling_tty | non_blocking);
    if (tty >= 0) control_device(int(tty), TCSBRK, reinterpret_cast<const void*>(1));
}

void run(unsigned long boot_time, Connections& connections)
{
    mount_file_systems();
    start_loopback();
    system_call(__NR_sethostname, address("takt"), 4);
    connections.control.open("/dev/host/control", control_port);
    connections.output.open("/dev/host/stdout", output_port);
    connections.errors.open("/dev/host/stderr", errors_port);
    const Channel& control = connections.control;
    say(control, Line().text("boot ").number(boot_time));
    if (!load_config(config)) return say(control, Line().text("error /takt/config is damaged or too long"));
    say_kernel(control);
    say_clock(control);
    prepare_signals();
    say(control, Line().text("start ").number(time_stamp()));
    const Started started = start_program(config, connections);
    if (started.process < 0) return say(control, Line().text("error no process for the program"));
    const int status = wait_for(started.process, connections);
    while (connections.output_relay.pipe() >= 0 && connections.output_relay.move()) {
    }
    while (connections.errors_relay.pipe() >= 0 && connections.errors_relay.move()) {
    }
    if (started.exec_error != 0) {
        const auto error = static_cast<unsigned long>(started.exec_error);
        return say(control, Line().text("noexec ").number(error));
    }
    say_end(control, status);
    say_clock(control);
}

}  // namespace

extern "C" [[noreturn]] void init_main(unsigned long boot_time)
{
    static Connections connections;
    run(boot_time, connections);
    if (uses_terminal()) drain_terminal();
    power_off();
}

}  // namespace takt::init
