#include "session.hpp"

#include "copier.hpp"
#include "failure.hpp"
#include "stdin_sender.hpp"
#include "terminal.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace takt {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double panic_grace_s = 2;  // for the rest of a panic's text, if the kernel then hangs
constexpr double power_off_grace_s = 30;

class Session {
public:
    explicit Session(SessionOptions options) : options_(std::move(options)) {}
    SessionResult run();

private:
    void wire();
    void wire_serial();
    void start();
    void loop();
    void poll_once();
    void take_signals();
    void take_input();
    void take_control();
    void take_serial();
    void send_serial();
    void read_console_file();
    void check_limits();
    void stop();
    bool finished() const;
    bool wants_input() const;
    double elapsed_s() const { return Seconds(Clock::now() - started_).count(); }

    SessionOptions options_;
    SessionResult result_;
    MachineWiring wiring_;
    std::vector<int> for_qemu_;          // inherited by QEMU
    std::vector<Descriptor> qemu_ends_;  // closed here once QEMU has them
    Copier output_;
    Copier errors_;
    Copier screen_;  // serial output that the user is to see
    Descriptor control_;
    Descriptor serial_;        // our end of the line, unless it is a file
    Descriptor console_file_;  // the line's output, if it is a file
    size_t console_read_ = 0;
    Descriptor qemu_messages_;
    Descriptor signals_;
    std::string to_serial_;
    StdinSender sender_;
    EscapeKey escape_;
    std::unique_ptr<RawTerminal> terminal_;
    bool input_ended_ = false;
    bool alive_ = false;
    pid_t qemu_ = -1;
    Clock::time_point started_ = Clock::now();
    std::optional<double> panic_seen_s_;
    std::optional<double> program_end_seen_s_;
};

// A terminal among the standard streams, to show the serial line's output on.
int screen_of(SerialUse use)
{
    if (use == SerialUse::plain) return STDOUT_FILENO;
    for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
        if (isatty(file) != 0) return file;
    }
    return STDIN_FILENO;
}

void Session::wire_serial()
{
    if (options_.serial == SerialUse::log) {
        console_file_ = memory_file("takt-console");
        Descriptor writer = open_file(fmt::format("/proc/self/fd/{}", console_file_.get()), O_WRONLY);
        wiring_.serial = fmt::format("file,append=on,path=/dev/fdset/{}", writer.get());
        wiring_.inherited.push_back(writer.get());
        qemu_ends_.push_back(std::move(writer));
        screen_ = Copier(Descriptor(), STDERR_FILENO);
        return;
    }
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        throw Failure(exit_takt_failed, "cannot make a socket: {}", strerror(errno));
    serial_ = Descriptor(ends[0]);
    fcntl(serial_.get(), F_SETFL, O_NONBLOCK);
    qemu_ends_.emplace_back(ends[1]);
    for_qemu_.push_back(ends[1]);
    wiring_.serial = fmt::format("socket,fd={}", ends[1]);
    const bool relayed = options_.serial == SerialUse::relay;
    screen_ = Copier(Descriptor(), relayed ? STDERR_FILENO : screen_of(options_.serial));
}

void Session::wire()
{
    const auto channel = [&](std::string& chardev) {
        auto [reader, writer] = make_pipe();
        chardev = fmt::format("file,append=on,path=/dev/fdset/{}", writer.get());
        wiring_.inherited.push_back(writer.get());
        qemu_ends_.push_back(std::move(writer));
        return std::move(reader);
    };
    output_ = Copier(channel(wiring_.output), STDOUT_FILENO);
    errors_ = Copier(channel(wiring_.errors), STDERR_FILENO);
    control_ = channel(wiring_.control);
    wire_serial();
    for_qemu_.insert(for_qemu_.end(), wiring_.inherited.begin(), wiring_.inherited.end());
    wiring_.kernel = options_.kernel;
    wiring_.initrd = options_.initrd;
    if (options_.initrd_file) {
        wiring_.initrd = fmt::format("/dev/fd/{}", options_.initrd_file.get());
        for_qemu_.push_back(options_.initrd_file.get());
    }
    qemu_messages_ = memory_file("takt-qemu-messages");
}

void Session::start()
{
    const Arguments command = machine_command(options_.machine, wiring_);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    sigset_t mask;
    sigemptyset(&mask);
    for (const int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&mask, number);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &mask, &before);
    signals_ = Descriptor(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    signal(SIGPIPE, SIG_IGN);
    qemu_ = fork();
    if (qemu_ < 0) throw Failure(exit_takt_failed, "cannot start QEMU: {}", strerror(errno));
    if (qemu_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);  // the terminal's Ctrl-C is takt's to handle
        sigprocmask(SIG_SETMASK, &before, nullptr);
        for (const int file : for_qemu_) fcntl(file, F_SETFD, 0);
        dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
        dup2(qemu_messages_.get(), STDOUT_FILENO);
        dup2(qemu_messages_.get(), STDERR_FILENO);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    alive_ = true;
    qemu_ends_.clear();
    options_.initrd_file.close();
}

bool Session::wants_input() const
{
    if (!alive_ || input_ended_) return false;
    switch (options_.serial) {
    case SerialUse::log:
        return false;
    case SerialUse::relay:
        return sender_.wants_input();
    case SerialUse::terminal:
    case SerialUse::plain:
        return to_serial_.size() < 4096;
    }
    return false;
}

void Session::take_input()
{
    std::array<char, 4096> buffer{};
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    const std::string_view bytes(buffer.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
    input_ended_ = got <= 0;
    if (options_.serial == SerialUse::relay) {
        sender_.feed(bytes);
        if (input_ended_) sender_.end();
    } else if (terminal_) {
        to_serial_ += escape_.filter(bytes);
        if (escape_.quit()) {
            result_.user_quit = true;
            stop();
        }
    } else {
        to_serial_ += bytes;
    }
}

void Session::take_control()
{
    std::array<char, 4096> buffer{};
    const ssize_t got = read(control_.get(), buffer.data(), buffer.size());
    if (got > 0)
        result_.report.feed({buffer.data(), static_cast<size_t>(got)});
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        control_.close();
    if (result_.report.stdin_bytes) sender_.acknowledge(*result_.report.stdin_bytes);
}

void Session::take_serial()
{
    std::array<char, 65536> buffer{};
    const ssize_t got = read(serial_.get(), buffer.data(), buffer.size());
    if (got > 0) {
        const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
        result_.console.feed(bytes);
        if (options_.serial != SerialUse::relay || options_.show_console) screen_.push(bytes);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        serial_.close();
    }
}

void Session::send_serial()
{
    const bool relayed = options_.serial == SerialUse::relay;
    const std::string_view bytes = relayed ? sender_.sendable() : std::string_view(to_serial_);
    if (bytes.empty() || !serial_) return;
    const ssize_t written = send(serial_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return;
    if (relayed)
        sender_.sent(static_cast<size_t>(written));
    else
        to_serial_.erase(0, static_cast<size_t>(written));
}

void Session::read_console_file()
{
    if (!console_file_) return;
    const std::string fresh = read_all(console_file_.get(), console_read_);
    console_read_ += fresh.size();
    result_.console.feed(fresh);
    if (options_.show_console) screen_.push(fresh);
}

void Session::take_signals()
{
    signalfd_siginfo information{};
    while (read(signals_.get(), &information, sizeof information) > 0) {
        if (information.ssi_signo != SIGCHLD) {
            result_.interrupted_by = static_cast<int>(information.ssi_signo);
            stop();
            continue;
        }
        int status = 0;
        if (alive_ && waitpid(qemu_, &status, WNOHANG) == qemu_) {
            alive_ = false;
            result_.qemu_status = exit_status_of(status);
        }
    }
}

void Session::stop()
{
    if (alive_) kill(qemu_, SIGKILL);
}

void Session::check_limits()
{
    const double now_s = elapsed_s();
    const auto since = [&](std::optional<double>& first, bool happened) {
        if (happened && !first) first = now_s;
        return first ? now_s - *first : 0;
    };
    if (!alive_) return;
    if (options_.timeout_s && now_s > *options_.timeout_s) {
        result_.timed_out = !result_.report.program_ended();
        result_.stuck_at_end = !result_.timed_out;
        stop();
    }
    if (since(panic_seen_s_, result_.console.has_panic()) > panic_grace_s) stop();
    if (since(program_end_seen_s_, result_.report.program_ended()) > power_off_grace_s) {
        result_.stuck_at_end = true;
        stop();
    }
    if ((output_.reader_gone() || errors_.reader_gone()) && !result_.output_closed) {
        result_.output_closed = true;
        stop();
    }
}

bool Session::finished() const
{
    return !alive_ && output_.done() && errors_.done() && screen_.done() && !control_ && !serial_;
}

void Session::poll_once()
{
    const bool sending =
        serial_ && !(options_.serial == SerialUse::relay ? sender_.sendable().empty() : to_serial_.empty());
    const short serial_events = static_cast<short>(POLLIN | (sending ? POLLOUT : 0));
    std::array<pollfd, 7> files = {output_.interest(),
                                   errors_.interest(),
                                   screen_.interest(),
                                   pollfd{control_.get(), POLLIN, 0},
                                   pollfd{serial_.get(), serial_events, 0},
                                   pollfd{wants_input() ? STDIN_FILENO : -1, POLLIN, 0},
                                   pollfd{signals_.get(), POLLIN, 0}};
    constexpr int limits_every_ms = 200;
    if (poll(files.data(), files.size(), limits_every_ms) < 0 && errno != EINTR)
        throw Failure(exit_takt_failed, "cannot poll: {}", strerror(errno));
    if (files[0].revents != 0) output_.advance();
    if (files[1].revents != 0) errors_.advance();
    if (files[2].revents != 0) screen_.advance();
    if (files[3].revents != 0) take_control();
    if ((files[4].revents & (POLLIN | POLLHUP | POLLERR)) != 0) take_serial();
    if ((files[4].revents & POLLOUT) != 0) send_serial();
    if (files[5].revents != 0) take_input();
    if (files[6].revents != 0) take_signals();
}

void Session::loop()
{
    while (!finished()) {
        poll_once();
        read_console_file();
        check_limits();
    }
    read_console_file();
}

SessionResult Session::run()
{
    wire();
    const bool keyboard =
        options_.serial == SerialUse::terminal || (options_.serial == SerialUse::plain && isatty(STDIN_FILENO) != 0);
    if (keyboard) terminal_ = std::make_unique<RawTerminal>(STDIN_FILENO);
    started_ = Clock::now();
    start();
    loop();
    result_.wall_s = elapsed_s();
    terminal_.reset();
    result_.qemu_errors = read_all(qemu_messages_.get());
    if (result_.qemu_status == 127 && result_.qemu_errors.empty())
        throw Failure(exit_takt_failed, "qemu-system-x86_64 is not installed; apt-get install qemu-system-x86");
    return std::move(result_);
}

}  // namespace

SessionResult run_session(SessionOptions options) { return Session(std::move(options)).run(); }

}  // namespace takt
