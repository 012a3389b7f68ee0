#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace takt::test {

namespace {

struct Pipe {
    int reader = -1;
    int writer = -1;
    Pipe()
    {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) < 0) ADD_FAILURE() << "cannot make a pipe";
        reader = ends[0];
        writer = ends[1];
    }
};

void close_end(int& end)
{
    if (end >= 0) close(end);
    end = -1;
}

[[noreturn]] void become(const Arguments& command, int input, int output, int errors)
{
    dup2(input, 0);
    dup2(output, 1);
    dup2(errors, 2);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

void read_some(int& end, std::string& text)
{
    std::array<char, 65536> buffer{};
    const ssize_t got = read(end, buffer.data(), buffer.size());
    if (got > 0)
        text.append(buffer.data(), static_cast<size_t>(got));
    else if (got == 0 || errno != EINTR)
        close_end(end);
}

void write_some(int& end, std::string_view& text)
{
    const ssize_t written = write(end, text.data(), std::min<size_t>(text.size(), 4096));
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
    if (text.empty() || (written < 0 && errno != EINTR)) close_end(end);
}

void exchange(int& to, std::string_view input, int& output, int& errors, Outcome& outcome)
{
    if (input.empty()) close_end(to);
    while (output >= 0 || errors >= 0) {
        std::array<pollfd, 3> files = {pollfd{to, POLLOUT, 0}, pollfd{output, POLLIN, 0}, pollfd{errors, POLLIN, 0}};
        poll(files.data(), files.size(), -1);
        if (files[0].revents != 0) write_some(to, input);
        if (files[1].revents != 0) read_some(output, outcome.output);
        if (files[2].revents != 0) read_some(errors, outcome.errors);
    }
    close_end(to);
}

std::string as_typed(const Arguments& command)
{
    std::string line;
    for (const std::string& argument : command)
        line += (line.empty() ? "" : " ") +
                (argument.find_first_of(" $;&|<>\"\n") == std::string::npos ? argument : "'" + argument + "'");
    return line;
}

}  // namespace

Outcome call(const Arguments& command, std::optional<std::string_view> input)
{
    signal(SIGPIPE, SIG_IGN);
    Outcome outcome;
    outcome.command = as_typed(command);
    Pipe to;
    Pipe output;
    Pipe errors;
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const pid_t child = fork();
    if (child == 0) become(command, input ? to.reader : nothing, output.writer, errors.writer);
    close(nothing);
    close_end(to.reader);
    close_end(output.writer);
    close_end(errors.writer);
    exchange(to.writer, input.value_or(""), output.reader, errors.reader, outcome);
    int status = 0;
    waitpid(child, &status, 0);
    outcome.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return outcome;
}

Outcome takt(const Arguments& arguments, std::optional<std::string_view> input)
{
    Arguments command = {TAKT_COMMAND};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return call(command, input);
}

Outcome run(const Arguments& program, const Arguments& options, std::optional<std::string_view> input)
{
    Arguments arguments = {"run", "--timeout", "300"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), program.begin(), program.end());
    return takt(arguments, input);
}

std::string guest_program(const std::string& name) { return std::string(TAKT_GUEST_PROGRAMS) + "/" + name; }

std::string scratch_directory(const std::string& name)
{
    const std::filesystem::path path = std::filesystem::path(TAKT_TEST_SCRATCH) / name;
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    return path.string();
}

void write_file(const std::string& path, std::string_view text, unsigned mode)
{
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ASSERT_GE(file, 0) << path;
    EXPECT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    fchmod(file, mode);
    close(file);
}

}  // namespace takt::test
