#include "run_command.hpp"

#include "build.hpp"
#include "cpio.hpp"
#include "failure.hpp"
#include "guest.hpp"
#include "panic.hpp"
#include "run_result.hpp"
#include "session.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace takt {

namespace {

// The usual port, or a free one if somebody has that.
unsigned free_gdb_port()
{
    for (const uint16_t port : {uint16_t{1234}, uint16_t{0}}) {
        const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int reuse = 1;
        setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(probe.get(), generic, size) == 0 && getsockname(probe.get(), generic, &size) == 0)
            return ntohs(address.sin_port);
    }
    throw Failure(exit_takt_failed, "no free port for the debugger");
}

void prepare_debugger(RunOptions& options, const fs::path& kernel)
{
    options.machine.gdb_port = free_gdb_port();
    say("the machine waits for a debugger; in another terminal: gdb {} -ex 'target remote :{}'", kernel.string(),
        *options.machine.gdb_port);
}

SessionOptions session_options(const RunOptions& options, const fs::path& kernel)
{
    SessionOptions session;
    session.machine = options.machine;
    session.kernel = kernel;
    session.timeout_s = options.timeout_s;
    session.show_console = options.console;
    if (options.strace) session.machine.append += " takt.strace";
    if (!options.initrd.empty()) {
        if (!fs::is_regular_file(options.initrd))
            throw Failure(exit_takt_failed, "--initrd {}: no such file", options.initrd);
        session.initrd = fs::absolute(options.initrd).string();
        session.serial = SerialUse::plain;
        return session;
    }
    const Guest guest = make_guest(options.program, options.added, options.packages, streams_of_this_process());
    session.initrd_file = memory_file("takt-initramfs");
    write_cpio(guest.tree, session.initrd_file.get());
    session.serial = guest.streams.input == InputStream::terminal ? SerialUse::terminal
                     : guest.streams.input == InputStream::relay  ? SerialUse::relay
                                                                  : SerialUse::log;
    return session;
}

// What takt exits with, and why if that is not simply the program's own status.
struct Verdict {
    int exit_status = 0;
    std::string error;
};

std::string machine_messages(const SessionResult& result)
{
    std::string text = result.console.last(15);
    if (!result.qemu_errors.empty()) text += (text.empty() ? "" : "\n") + last_lines(result.qemu_errors, 15);
    return text.empty() ? "the console is empty" : "the console's last lines:\n" + text;
}

std::string cannot_execute(const std::string& program, int error)
{
    const char* advice = "";
    if (error == ENOEXEC)
        advice = "; is it an x86-64 program?";
    else if (error == ENOENT)
        advice = "; its interpreter or dynamic linker is missing in the machine";
    return fmt::format("cannot execute {}: {}{}", program, strerror(error), advice);
}

Verdict verdict_of(const SessionResult& result, const RunOptions& options)
{
    const ControlReport& report = result.report;
    const std::string program = options.program.empty() ? "/init" : options.program[0];
    if (result.interrupted_by != 0) return {128 + result.interrupted_by, "interrupted"};
    if (result.output_closed) return {128 + SIGPIPE, {}};
    if (result.console.has_panic()) return {exit_takt_failed, "the kernel panicked"};
    if (result.timed_out)
        return {exit_takt_failed, fmt::format("{} did not end within {} s and was stopped; {}", program,
                                              options.timeout_s.value_or(0), machine_messages(result))};
    if (result.user_quit) return {exit_takt_failed, "ended by Ctrl-A x"};
    if (report.exec_error)
        return {*report.exec_error == ENOENT ? exit_not_found : exit_cannot_execute,
                cannot_execute(program, *report.exec_error)};
    if (!report.error.empty()) return {exit_takt_failed, "init: " + report.error};
    if (report.exit_code) return {*report.exit_code, {}};
    if (report.signal) return {128 + *report.signal, {}};
    if (result.qemu_errors.find("initrd is too large") != std::string::npos)
        return {exit_takt_failed,
                fmt::format("--memory {}: too little for the root file system", options.machine.memory)};
    if (result.qemu_status != 0)
        return {exit_takt_failed,
                fmt::format("the machine failed with status {}; {}", result.qemu_status, machine_messages(result))};
    if (!options.initrd.empty()) return {};
    return {exit_takt_failed,
            fmt::format("the machine stopped before {} ended; {}", program, machine_messages(result))};
}

void write_json(const std::string& place, const std::string& json)
{
    if (place == "-")
        write_all(STDOUT_FILENO, json);
    else
        write_text(place, json);
}

void report(const RunOptions& options, const SessionResult& result, const Verdict& verdict)
{
    if (!options.json.empty())
        write_json(options.json, run_result_json(result, options.machine, options.program, options.model,
                                                 verdict.exit_status, verdict.error));
}

int run_machine(RunOptions& options)
{
    const fs::path kernel = kernel_image(options.model);
    if (options.gdb) prepare_debugger(options, kernel);
    const SessionResult result = run_session(session_options(options, kernel));
    const Verdict verdict = verdict_of(result, options);
    if (result.console.has_panic()) fmt::print(stderr, "{}", explain_panic(result.console.panic(), kernel));
    if (!verdict.error.empty())
        say("{}", verdict.error);
    else if (result.stuck_at_end)
        say("the program ended, but the machine did not power off and was stopped");
    report(options, result, verdict);
    return verdict.exit_status;
}

}  // namespace

int run_command(RunOptions options)
{
    check_machine(options.machine);
    check_model(options.model);
    if (!options.json.empty() && options.json != "-") check_writable("--json", options.json);
    options.machine.accelerator = choose_accelerator(options.machine);
    try {
        return run_machine(options);
    } catch (const Failure& failure) {
        report(options, {}, {failure.exit_status(), failure.what()});
        throw;
    }
}

}  // namespace takt
