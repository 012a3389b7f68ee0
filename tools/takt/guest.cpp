#include "guest.hpp"

#include "failure.hpp"
#include "packer.hpp"
#include "root_filesystem.hpp"
#include "terminal.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace takt {

namespace {

bool is_null_device(int file)
{
    struct stat status {};
    if (fstat(file, &status) < 0) return true;  // closed
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// The format is tools/init/config.hpp's.
class OrdersWriter {
public:
    void add(std::string_view key, std::string_view value)
    {
        text_ += key;
        text_ += '\0';
        text_ += value;
        text_ += '\0';
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

const char* output_name(OutputStream stream) { return stream == OutputStream::terminal ? "tty" : "channel"; }

std::string orders(const std::string& path, const Arguments& program, const std::string& directory,
                   const GuestStreams& streams)
{
    OrdersWriter writer;
    writer.add("path", path);
    for (const std::string& argument : program) writer.add("arg", argument);
    writer.add("cwd", directory);
    const bool interactive = streams.input == InputStream::terminal;
    writer.add("env", std::string("PATH=") + guest_path);
    writer.add("env", "HOME=/root");
    writer.add("env", "TERM=" + (interactive ? environment("TERM").value_or("vt100") : "dumb"));
    writer.add("env", "_=" + path);  // as a shell says what it executes; svsematest asks for it
    writer.add("stdin", interactive ? "tty" : streams.input == InputStream::relay ? "relay" : "null");
    writer.add("stdout", output_name(streams.output));
    writer.add("stderr", output_name(streams.errors));
    if (interactive) {
        const TerminalSize size = terminal_size(STDIN_FILENO);
        writer.add("rows", std::to_string(size.rows));
        writer.add("columns", std::to_string(size.columns));
    }
    return writer.take();
}

}  // namespace

GuestStreams streams_of_this_process()
{
    GuestStreams streams;
    if (isatty(STDIN_FILENO) == 0) {
        if (!is_null_device(STDIN_FILENO)) streams.input = InputStream::relay;
        return streams;
    }
    streams.input = InputStream::terminal;
    if (isatty(STDOUT_FILENO) != 0) streams.output = OutputStream::terminal;
    if (isatty(STDERR_FILENO) != 0) streams.errors = OutputStream::terminal;
    return streams;
}

Guest make_guest(const Arguments& program, const std::vector<std::string>& added,
                 const std::vector<std::string>& packages, const GuestStreams& streams)
{
    Guest guest{root_filesystem(packages), streams};
    Packer packer(guest.tree);
    for (const std::string& file : added) packer.add_file(file);
    const std::string path = packer.add_program(program[0]);
    // Relative names mean the same as here if anything of this directory is in the machine.
    const std::string here = fs::current_path().string();
    const Node* there = here == "/" ? nullptr : guest.tree.find(here);
    const bool same = there != nullptr && there->type == NodeType::directory;
    guest.tree.add_text("/takt/config", orders(path, program, same ? here : "/root", streams));
    return guest;
}

}  // namespace takt
