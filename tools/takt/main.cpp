// The takt command: reads the command line and calls one of the *_command functions.
#include "build.hpp"
#include "failure.hpp"
#include "image_command.hpp"
#include "path_command.hpp"
#include "run_command.hpp"
#include "sim_command.hpp"
#include "system_call_page.hpp"
#include "test_command.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace takt {

namespace {

// CLI11's help with a usage line of our own where a command line follows "--".
class HelpFormatter : public CLI::Formatter {
public:
    std::string make_usage(const CLI::App* app, std::string name) const override
    {
        if (app->get_name() == "run") return "Usage: takt run [OPTIONS] -- PROGRAM [ARGS...]\n";
        if (app->get_name() == "image") return "Usage: takt image [OPTIONS] [-- PROGRAM [ARGS...]]\n";
        return CLI::Formatter::make_usage(app, name);
    }
};

class CommandLine {
public:
    CommandLine();
    int execute(Arguments arguments);

private:
    void add_guest_options(CLI::App& command, std::vector<std::string>& added, std::vector<std::string>& packages,
                           std::string& append, std::string& model);
    void add_run();
    void add_image();
    void add_others();
    void take_program(CLI::App& command, Arguments& program);
    int dispatch();

    CLI::App app_{"Takt: a realtime kernel that runs unmodified Linux programs", "takt"};
    CLI::App* run_ = nullptr;
    CLI::App* image_ = nullptr;
    CLI::App* test_ = nullptr;
    CLI::App* sim_ = nullptr;
    CLI::App* mutate_ = nullptr;
    CLI::App* kernel_ = nullptr;
    CLI::App* build_ = nullptr;
    CLI::App* clean_ = nullptr;
    CLI::App* path_ = nullptr;
    CLI::App* syscalls_ = nullptr;
    RunOptions run_options_;
    ImageOptions image_options_;
    TestOptions test_options_;
    PathOptions path_options_;
    std::string kernel_model_ = "full";
    Arguments program_;  // what stood behind "--"
};

const std::map<std::string, Accelerator> accelerators = {{"tcg", Accelerator::tcg}, {"kvm", Accelerator::kvm}};

// CLI11's own checks speak of the ranges of floating point numbers, and of maps.
std::string positive_number(const std::string& text)
{
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    return !text.empty() && *end == '\0' && std::isfinite(value) && value > 0 ? "" : text + " is no positive number";
}

std::string accelerator_number(const std::string& name)
{
    const auto found = accelerators.find(name);
    if (found == accelerators.end()) {
        std::vector<std::string> names;
        for (const auto& accelerator : accelerators) names.push_back(accelerator.first);
        throw CLI::ValidationError(fmt::format("no {}; there are {}", name, fmt::join(names, ", ")));
    }
    return std::to_string(static_cast<int>(found->second));
}

CommandLine::CommandLine()
{
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.get_formatter()->column_width(28);
    app_.require_subcommand(1);
    add_run();
    add_others();
    add_image();
}

void CommandLine::add_guest_options(CLI::App& command, std::vector<std::string>& added,
                                    std::vector<std::string>& packages, std::string& append, std::string& model)
{
    command.add_option("--add", added, "Copy a file or folder in; repeatable")
        ->allow_extra_args(false)
        ->type_name("HOST[:GUEST]");
    command.add_option("--package", packages, "Put a Debian package in, with what it depends on; repeatable")
        ->allow_extra_args(false)
        ->type_name("NAME");
    command.add_option("--append", append, "More kernel options")->type_name("TEXT");
    command.add_option("--preempt", model, "Preemption model; there is only full")
        ->capture_default_str()
        ->type_name("MODEL");
}

void CommandLine::add_run()
{
    run_ = app_.add_subcommand("run", "Run a Linux program on Takt, in a virtual machine");
    RunOptions& run = run_options_;
    run_->add_option("--cpus", run.machine.cpus, "Processors")->capture_default_str()->type_name("N");
    run_->add_option("--memory", run.machine.memory, "Memory")->capture_default_str()->type_name("SIZE");
    add_guest_options(*run_, run.added, run.packages, run.machine.append, run.model);
    run_->add_flag("--icount", run.machine.icount, "One instruction takes one virtual nanosecond: the same every time");
    run_->add_option("--accel", run.machine.accelerator, "tcg or kvm (default: kvm if it works)")
        ->transform(accelerator_number)
        ->type_name("NAME");
    run_->add_option("--timeout", run.timeout_s, "Stop the machine after this time; exit 125")
        ->check(positive_number)
        ->type_name("SECONDS");
    run_->add_option("--json", run.json, "Write the result as JSON; - is standard output")->type_name("FILE");
    run_->add_flag("--strace", run.strace, "Log the program's system calls on standard error");
    run_->add_flag("--console", run.console, "Show the kernel's messages on standard error");
    run_->add_flag("--gdb", run.gdb, "Wait for a debugger");
    run_->add_option("--initrd", run.initrd, "Boot this initramfs and its /init instead")->type_name("FILE");
    run_->prefix_command();
    run_->footer("\nPROGRAM is a path on this machine, or a name: of the root file system, else on\n"
                 "this machine's PATH. Its shared libraries come along. The exit status is the\n"
                 "program's own, 128+n for signal n; 125: takt or the kernel failed, 126: not\n"
                 "executable, 127: not found. On a terminal, Ctrl-A x ends the machine.");
}

void CommandLine::add_image()
{
    image_ = app_.add_subcommand("image", "Make a disc image that boots Takt on a PC");
    ImageOptions& image = image_options_;
    image_->add_option("-o,--output", image.output, "The image; NAME.cpio: only its initramfs")
        ->capture_default_str()
        ->type_name("FILE");
    add_guest_options(*image_, image.added, image.packages, image.append, image.model);
    image_->prefix_command();
    image_->footer("\nWithout PROGRAM: a shell on the first serial line.");
}

void CommandLine::add_others()
{
    kernel_ = app_.add_subcommand("kernel", "Build the kernel and print its image's path");
    kernel_->add_option("--preempt", kernel_model_, "Preemption model; there is only full")
        ->capture_default_str()
        ->type_name("MODEL");
    build_ = app_.add_subcommand("build", "Build the kernel, the tools and the tests");
    clean_ = app_.add_subcommand("clean", "Remove everything that was built");
    syscalls_ = app_.add_subcommand("syscalls", "Print which system calls are there, as docs/syscalls.md has it");
    sim_ = app_.add_subcommand("sim", "Run the kernel on a simulated machine, replayable by its seed");
    sim_->prefix_command();
    sim_->set_help_flag();  // the simulator has its own
    mutate_ = app_.add_subcommand("mutate", "See whether the simulator notices small changes to the kernel");
    mutate_->prefix_command();
    mutate_->set_help_flag();
    test_ = app_.add_subcommand("test", "Run the tests");
    path_ = app_.add_subcommand("path", "Count the wake-up path's instructions, step by step");
    CLI::Option* update = path_->add_flag("--update", path_options_.update, "Write docs/wakeup-path.md");
    CLI::Option* check = path_->add_flag("--check", path_options_.check, "Fail if docs/wakeup-path.md differs");
    CLI::Option* listing = path_->add_flag("--listing", path_options_.listing, "Show each instruction instead");
    update->excludes(check)->excludes(listing);
    check->excludes(listing);
    test_->add_option("NAME", test_options_.names, "Whole names, beginnings, or globs; none: all");
    test_->add_flag("--list", test_options_.list, "Only show the names");
    test_->add_option("--junit", test_options_.junit, "Write the results as JUnit XML")->type_name("FILE");
}

// The program's command line: what is behind "--", or else from the first word on that is no
// option of ours.
void CommandLine::take_program(CLI::App& command, Arguments& program)
{
    program = command.remaining();
    if (!program.empty() && program[0].starts_with('-'))
        throw Failure(exit_usage, "no option {}; `takt {} --help` shows them", program[0], command.get_name());
    program.insert(program.end(), program_.begin(), program_.end());
}

int CommandLine::dispatch()
{
    if (run_->parsed()) {
        take_program(*run_, run_options_.program);
        if (run_options_.program.empty() && run_options_.initrd.empty())
            throw Failure(exit_usage, "run what? as in: takt run -- cyclictest -m -p 99 -l 5000 -q");
        const bool own_guest =
            !run_options_.program.empty() || !run_options_.added.empty() || !run_options_.packages.empty();
        if (own_guest && !run_options_.initrd.empty())
            throw Failure(exit_usage, "--initrd runs that initramfs's own /init: it goes with no "
                                      "PROGRAM, --add or --package");
        return run_command(std::move(run_options_));
    }
    if (image_->parsed()) {
        take_program(*image_, image_options_.program);
        return image_command(image_options_);
    }
    if (test_->parsed()) return test_command(test_options_);
    if (path_->parsed()) return path_command(path_options_);
    if (sim_->parsed()) return sim_command(sim_->remaining());
    if (mutate_->parsed()) return mutate_command(mutate_->remaining());
    if (kernel_->parsed()) fmt::print("{}\n", build_kernel(kernel_model_).string());
    if (build_->parsed()) {
        build_host();
        build_kernel("full");
    }
    if (clean_->parsed()) clean();
    if (syscalls_->parsed()) fmt::print("{}", system_call_page());
    return 0;
}

int CommandLine::execute(Arguments arguments)
{
    const auto end = std::ranges::find(arguments, "--");
    if (end != arguments.end()) {
        program_.assign(end + 1, arguments.end());
        arguments.erase(end, arguments.end());
    }
    const std::string command = arguments.empty() ? "" : arguments[0];
    const bool is_run = command == "run";
    std::ranges::reverse(arguments);  // as CLI11 wants them
    try {
        app_.parse(arguments);
        return dispatch();
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app_.exit(error);
        const auto is_it = [&](const CLI::App* app) { return app->get_name() == command; };
        const bool known = !app_.get_subcommands(is_it).empty();
        if (known)
            say("{}; `takt {} --help` shows how", error.what(), command);
        else if (command.empty())
            say("which command? `takt --help` lists them");
        else
            say("no command {}; `takt --help` lists them", command);
        return is_run ? exit_takt_failed : exit_usage;
    } catch (const Failure& failure) {
        say("{}", failure.what());
        const int status = failure.exit_status();
        return is_run && status == exit_usage ? exit_takt_failed : status;
    } catch (const std::exception& error) {
        say("{}", error.what());
        return is_run ? exit_takt_failed : 1;
    }
}

// A standard stream that the caller closed must not become one of the files that we open.
void fill_standard_streams()
{
    while (true) {
        const int file = open("/dev/null", O_RDWR);
        if (file > STDERR_FILENO || file < 0) {
            close(file);
            return;
        }
    }
}

}  // namespace

}  // namespace takt

int main(int count, char** values)
{
    takt::fill_standard_streams();
    return takt::CommandLine().execute(takt::Arguments(values + 1, values + count));
}
