#include "build.hpp"

#include "failure.hpp"

#include <algorithm>
#include <thread>
#include <unistd.h>

namespace takt {

namespace {

Arguments configure_command(const fs::path& source, const fs::path& build)
{
    return {"cmake", "-G", "Ninja", "-S", source.string(), "-B", build.string(), "-DCMAKE_CXX_COMPILER=g++"};
}

// Says that something is built as soon as a file is, and on a terminal how far it has come. That ninja looks for new
// files, as it does each time, is nothing to talk about.
class BuildProgress {
public:
    explicit BuildProgress(const std::string& what) : what_(what), terminal_(isatty(STDERR_FILENO) != 0) {}

    void saw(std::string_view line)
    {
        const size_t bracket = line.find("] ");
        if (!line.starts_with('[') || bracket == std::string_view::npos) return;
        const std::string_view step = line.substr(bracket + 2);
        if (!step.starts_with("Building") && !step.starts_with("Linking")) return;
        if (terminal_)
            fmt::print(stderr, "\r\x1b[Ktakt: building {} {}", what_, line.substr(0, bracket + 1));
        else if (!talking_)
            say("building {}", what_);
        talking_ = true;
    }

    void end() const
    {
        if (talking_ && terminal_) fmt::print(stderr, "\n");
    }

private:
    const std::string& what_;
    bool terminal_;
    bool talking_ = false;
};

void run_ninja(const std::string& what, const fs::path& build, const std::string& target = {})
{
    const unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    BuildProgress progress(what);
    Arguments command = {"ninja", "-C", build.string(), "-j", std::to_string(jobs)};
    if (!target.empty()) command.push_back(target);
    const CommandResult result =
        capture(command,
                {.directory = {}, .merge_errors = true, .on_line = [&](std::string_view line) { progress.saw(line); }});
    progress.end();
    if (result.status == 0) return;
    const size_t first_error = result.output.find("FAILED:");
    const bool compiled = first_error != std::string::npos && result.output.find("error:") != std::string::npos;
    fmt::print(stderr, "{}\n", compiled ? result.output.substr(first_error) : last_lines(result.output, 40));
    throw Failure(exit_takt_failed, "cannot build {}: the messages above say why", what);
}

}  // namespace

const std::vector<std::string>& preemption_models()
{
    static const std::vector<std::string> models = {"full"};
    return models;
}

void check_model(const std::string& model)
{
    if (std::ranges::count(preemption_models(), model) == 0)
        throw Failure(exit_usage, "--preempt {}: there is {}", model, fmt::join(preemption_models(), ", "));
}

fs::path build_kernel(const std::string& model)
{
    check_model(model);
    const std::string name = "kernel-" + model;
    const fs::path build = build_directory() / name;
    const FileLock lock(build_directory() / ("." + name + ".lock"));
    if (!fs::exists(build / "build.ninja")) {
        if (!fs::exists(source_directory() / "kernel" / "CMakeLists.txt"))
            throw Failure(exit_takt_failed, "no kernel/CMakeLists.txt in {}: incomplete source tree",
                          source_directory().string());
        Arguments command = configure_command(source_directory() / "kernel", build);
        command.push_back("-DTAKT_PREEMPT=" + model);
        capture_or_fail("cannot configure the kernel", command, {.directory = {}, .merge_errors = true});
    }
    run_ninja("the kernel (" + model + ")", build);
    const fs::path image = build / "takt-kernel";
    if (!fs::exists(image)) throw Failure(exit_takt_failed, "the kernel's build made no {}", image.string());
    return image;
}

fs::path kernel_image(const std::string& model)
{
    const auto chosen = environment("TAKT_KERNEL");
    if (!chosen) return build_kernel(model);
    if (!fs::is_regular_file(*chosen)) throw Failure(exit_takt_failed, "TAKT_KERNEL={}: no such image", *chosen);
    return fs::absolute(*chosen);
}

void build_host(const std::string& target)
{
    const fs::path build = build_directory() / "host";
    const FileLock lock(build_directory() / ".host.lock");
    if (!fs::exists(build / "build.ninja"))
        capture_or_fail("cannot configure the tools", configure_command(source_directory(), build),
                        {.directory = {}, .merge_errors = true});
    run_ninja(target.empty() ? "tools and tests" : target, build, target);
}

void clean() { fs::remove_all(build_directory()); }

}  // namespace takt
