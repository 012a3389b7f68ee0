#include "program.hpp"

#include "system_calls.hpp"
#include "text.hpp"

#include <asm/ioctls.h>
#include <initializer_list>

namespace takt::init {

namespace {

constexpr int no_stream = -1;

// The program's ends of its standard streams; -1 where there is none (yet).
struct Streams {
    int input = -1;
    int output = -1;
    int errors = -1;
};

// A channel that is a device is the stream itself; one that is a port is behind a pipe.
int output_stream(const Channel& channel, OutputRelay& relay)
{
    if (!channel.is_port()) return channel.device();
    int ends[2] = {};
    if (make_pipe(ends, close_on_exec) < 0) return no_stream;
    set_status_flags(ends[0], read_only | non_blocking);
    relay.open(ends[0], channel);
    return ends[1];
}

int input_stream(const Config& config, Connections& connections)
{
    const int flags = read_write | no_controlling_tty | close_on_exec;
    int ends[2] = {};
    const long line = open_file(config.tty, flags);
    if (line < 0 || make_pipe(ends, close_on_exec) < 0) return no_stream;
    if (!connections.input_relay.open(int(line), ends[1], connections.control)) return no_stream;
    return ends[0];
}

Streams connect(const Config& config, Connections& connections)
{
    Streams streams;
    if (equal(config.output, "channel")) streams.output = output_stream(connections.output, connections.output_relay);
    if (equal(config.errors, "channel")) streams.errors = output_stream(connections.errors, connections.errors_relay);
    if (equal(config.input, "relay")) streams.input = input_stream(config, connections);
    if (streams.input < 0 && !equal(config.input, "tty"))
        streams.input = int(open_file("/dev/null", read_only | close_on_exec));
    return streams;
}

// In the child: standard streams that nothing else serves are the terminal, which then also
// becomes the session's controlling terminal.
void use_streams(const Config& config, const Streams& streams)
{
    int tty = -1;
    if (streams.input < 0 || streams.output < 0 || streams.errors < 0) {
        tty = int(open_file(config.tty, read_write | close_on_exec));
        if (tty >= 0) {
            control_device(tty, TIOCSCTTY, nullptr);
            const WindowSize size{config.rows, config.columns, 0, 0};
            if (config.rows != 0 && config.columns != 0) control_device(tty, TIOCSWINSZ, &size);
        }
    }
    duplicate(streams.input >= 0 ? streams.input : tty, 0);
    duplicate(streams.output >= 0 ? streams.output : tty, 1);
    duplicate(streams.errors >= 0 ? streams.errors : tty, 2);
}

[[noreturn]] void become_program(const Config& config, const Streams& streams, bool uses_ports, int report)
{
    // The three standard descriptors may be missing, and then the report pipe has one of their
    // numbers: move it out of the way.
    constexpr int duplicate_above_close_on_exec = 1030;
    report = int(system_call(__NR_fcntl, report, duplicate_above_close_on_exec, 10));
    system_call(__NR_setsid);
    use_streams(config, streams);
    const unsigned long no_signals = 0;
    system_call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, address(&no_signals), 0, sizeof no_signals);
    if (uses_ports) give_up_ports();
    if (system_call(__NR_chdir, address(config.directory)) < 0) system_call(__NR_chdir, address("/"));
    const long error =
        -system_call(__NR_execve, address(config.path), address(config.arguments), address(config.variables));
    write_file(report, &error, sizeof error);
    for (;;) system_call(__NR_exit_group, 127);
}

}  // namespace

Started start_program(const Config& config, Connections& connections)
{
    const Streams streams = connect(config, connections);
    int report[2] = {};
    const long failed = make_pipe(report, close_on_exec);
    if (failed < 0) return {failed, 0};
    const long child = system_call(__NR_fork);
    if (child == 0) become_program(config, streams, connections.control.is_port(), report[1]);
    close_file(report[1]);
    for (const int end : {streams.input, streams.output, streams.errors}) {
        if (end >= 0 && end != connections.output.device() && end != connections.errors.device()) close_file(end);
    }
    // End of file: the exec closed the child's end.
    long error = 0;
    if (read_file(report[0], &error, sizeof error) != sizeof error) error = 0;
    close_file(report[0]);
    return {child, error};
}

}  // namespace takt::init
