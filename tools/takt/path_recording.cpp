#include "path_recording.hpp"

#include "control_report.hpp"
#include "cpio.hpp"
#include "failure.hpp"
#include "guest.hpp"
#include "machine.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace takt {

namespace {

// Only paths from an idle processor count: most bytes should find one. No figure depends on it.
constexpr std::chrono::milliseconds time_to_idle(2);

std::string file_chardev(const std::string& path) { return "file,path=" + path; }

pid_t start(const Arguments& command, int serial, const std::string& messages)
{
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child < 0) throw Failure(exit_takt_failed, "cannot start QEMU: {}", strerror(errno));
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fcntl(serial, F_SETFD, 0);
        dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
        const int log = open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    return child;
}

// Until the machine closes the line.
void serve_serial(int line, SerialInput input)
{
    std::array<char, 4096> buffer{};
    while (true) {
        const ssize_t got = read(line, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        if (input == SerialInput::none) continue;
        for (const char byte : std::string_view(buffer.data(), static_cast<size_t>(got))) {
            if (byte != '.') continue;
            std::this_thread::sleep_for(time_to_idle);
            if (send(line, "x", 1, MSG_NOSIGNAL) < 0) return;
        }
    }
}

std::vector<RecordedPath> parse(const std::string& text)
{
    std::vector<RecordedPath> paths;
    std::istringstream lines(text);
    for (std::string head, body; std::getline(lines, head) && std::getline(lines, body);) {
        RecordedPath path;
        std::istringstream words(head);
        std::string word;
        size_t length = 0;
        words >> word >> path.count >> length;
        while (words >> word) {
            const size_t equals = word.find('=');
            path.events[word.substr(0, equals)] = static_cast<unsigned>(std::stoul(word.substr(equals + 1)));
        }
        std::istringstream addresses(body);
        for (uint64_t address = 0; addresses >> std::hex >> address;) path.addresses.push_back(address);
        if (path.addresses.size() != length) throw Failure(1, "the recording of paths is damaged");
        paths.push_back(std::move(path));
    }
    return paths;
}

}  // namespace

fs::path path_reader_program() { return TAKT_PATH_READER; }

PathRecording record_paths(const fs::path& kernel, const PathRequest& request)
{
    const ScratchDirectory scratch;
    const auto file = [&](const char* name) { return (scratch.path() / name).string(); };
    const Guest guest = make_guest(request.program, {}, {}, GuestStreams{});
    {
        const Descriptor archive = open_file(file("initrd"), O_WRONLY | O_CREAT);
        write_cpio(guest.tree, archive.get());
    }
    std::string entries;
    for (const uint64_t address : request.entries) entries += fmt::format("{:x}\n", address);
    write_text(file("entries"), entries);

    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        throw Failure(exit_takt_failed, "cannot make a socket: {}", strerror(errno));
    const Descriptor ours(ends[0]);
    Descriptor theirs(ends[1]);

    MachineOptions options;
    options.icount = true;
    MachineWiring wiring;
    wiring.kernel = kernel;
    wiring.initrd = file("initrd");
    wiring.serial = fmt::format("socket,fd={}", theirs.get());
    wiring.output = file_chardev(file("output"));
    wiring.errors = file_chardev(file("errors"));
    wiring.control = file_chardev(file("control"));
    Arguments command = machine_command(options, wiring);
    std::string plugin = fmt::format("{},out={},entries={}", TAKT_PATH_PLUGIN, file("paths"), file("entries"));
    if (request.longest != 0) plugin += fmt::format(",longest={}", request.longest);
    command.insert(command.end(), {"-plugin", plugin});

    const pid_t machine = start(command, theirs.get(), file("messages"));
    theirs.close();
    serve_serial(ours.get(), request.input);
    int status = 0;
    while (waitpid(machine, &status, 0) < 0 && errno == EINTR) {
    }
    if (exit_status_of(status) != 0) throw Failure(1, "QEMU failed: {}", last_lines(read_text(file("messages")), 5));

    ControlReport report;
    report.feed(read_text(file("control")));
    const std::string output = read_text(file("output"));
    if (!report.exit_code || *report.exit_code != 0)
        throw Failure(1, "{} did not end well: {}{}", request.program[0], output, read_text(file("errors")));
    PathRecording recording{output, parse(read_text(file("paths")))};
    if (recording.paths.empty()) throw Failure(1, "{}: no path was recorded", request.program[0]);
    return recording;
}

}  // namespace takt
