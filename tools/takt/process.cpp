#include "process.hpp"

#include "failure.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace takt {

namespace {

[[noreturn]] void become(const Arguments& command, const CommandOptions& options, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(output, 1);
    if (options.merge_errors) dup2(output, 2);
    if (!options.directory.empty() && chdir(options.directory.c_str()) < 0) _exit(126);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

}  // namespace

int exit_status_of(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

CommandResult capture(const Arguments& command, const CommandOptions& options)
{
    auto [reader, writer] = make_pipe();
    const pid_t child = fork();
    if (child < 0) throw Failure(exit_takt_failed, "cannot start {}: {}", command[0], strerror(errno));
    if (child == 0) become(command, options, writer.get());
    writer.close();
    CommandResult result;
    size_t told = 0;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t got = read(reader.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        result.output.append(buffer.data(), static_cast<size_t>(got));
        for (size_t end; options.on_line && (end = result.output.find('\n', told)) != std::string::npos; told = end + 1)
            options.on_line(std::string_view(result.output).substr(told, end - told));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = exit_status_of(status);
    return result;
}

std::string capture_or_fail(const std::string& what, const Arguments& command, const CommandOptions& options)
{
    CommandResult result = capture(command, options);
    if (result.status == 127) throw Failure(exit_takt_failed, "{}: {} is not installed", what, command[0]);
    if (result.status != 0)
        throw Failure(exit_takt_failed, "{}: `{}` ended with status {}\n{}", what, quoted(command), result.status,
                      last_lines(result.output, 40));
    return std::move(result.output);
}

std::string last_lines(const std::string& text, size_t count)
{
    size_t end = text.size();
    while (end > 0 && text[end - 1] == '\n') --end;
    size_t at = end;
    for (size_t lines = 0; at > 0; --at) {
        if (text[at - 1] == '\n' && ++lines == count) break;
    }
    return text.substr(at, end - at);
}

std::string quoted(const Arguments& command)
{
    std::string line;
    for (const std::string& argument : command) {
        if (!line.empty()) line += ' ';
        const bool plain =
            !argument.empty() && argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                            "0123456789_-+=./:,@%") == std::string::npos;
        if (plain) {
            line += argument;
            continue;
        }
        line += '\'';
        for (const char character : argument) {
            if (character == '\'')
                line += "'\\''";
            else
                line += character;
        }
        line += '\'';
    }
    return line;
}

}  // namespace takt
