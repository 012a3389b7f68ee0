#include "path_command.hpp"

#include "build.hpp"
#include "failure.hpp"
#include "path_recording.hpp"
#include "path_steps.hpp"

#include <regex>

namespace takt {

namespace {

constexpr const char* table_file = "docs/wakeup-path.md";
const Arguments timer_program = {"cyclictest", "-m", "-p", "99", "-i", "1000", "-l", "500", "-q", "-N"};
constexpr unsigned rounding_max = 4;
constexpr unsigned first_device_vector = 0x30;
constexpr unsigned device_vectors = 0x80;

std::string first_line(const Arguments& command)
{
    const std::string text = capture_or_fail(command[0] + " failed", command);
    return text.substr(0, text.find('\n'));
}

// A package's version in the machine; known once a guest was made.
std::string guest_package(const std::string& name)
{
    const std::string versions = read_text(build_directory() / "rootfs" / "packages.json");
    std::smatch match;
    if (!std::regex_search(versions, match, std::regex("\"(" + name + "_[^\"]*)\"")))
        throw Failure(1, "no {} among the machine's packages", name);
    return match[1];
}

// What the instruction counts depend on beside the source.
std::string tools()
{
    return fmt::format("{}; {}; {}; {}", first_line({"g++", "--version"}), guest_package("libc6"),
                       guest_package("rt-tests"), first_line({"qemu-system-x86_64", "--version"}));
}

// --- From a timer's expiry.

struct Latencies {
    unsigned least = 0, average = 0, most = 0;
};

Latencies cyclictest_latencies(const std::string& output)
{
    const std::regex figures("Min: *([0-9]+) Act: *[0-9]+ Avg: *([0-9]+) Max: *([0-9]+)");
    std::smatch match;
    if (!std::regex_search(output, match, figures)) throw Failure(1, "cyclictest gave no figures: {}", output);
    const auto number = [&](size_t group) { return static_cast<unsigned>(std::stoul(match[group])); };
    return {number(1), number(2), number(3)};
}

std::string step_rows(const std::vector<PathStep>& steps)
{
    std::string text;
    for (const PathStep& step : steps) text += fmt::format("| {} | {} |\n", step.name, step.instructions);
    return text;
}

std::string event_line(const RecordedPath& path)
{
    const auto count = [&](const char* name) { return path.events.at(name); };
    return fmt::format(
        "Expensive events among them: CR3 writes {}, MSR accesses {}, device accesses {}, locked operations {}, "
        "TLB flushes {}.\n",
        count("cr3"), count("msr"), count("device"), count("locked"), count("tlb"));
}

uint64_t address_of(const Symbolizer& symbols, const std::string& name)
{
    const auto address = symbols.address(name);
    if (!address) throw Failure(1, "the kernel has no symbol {}", name);
    return *address;
}

std::string listing(const RecordedPath& path, const Symbolizer& symbols)
{
    std::string text;
    for (size_t index = 0; index < path.addresses.size(); ++index) {
        const uint64_t address = path.addresses[index];
        text +=
            fmt::format("{:5} {:x} {}\n", index + 1, address, address >> 63 == 0 ? "user mode" : symbols.name(address));
    }
    return text;
}

std::string timer_section(const fs::path& kernel, const Symbolizer& symbols, bool with_listing)
{
    const PathRecording recording = record_paths(kernel, {timer_program, {address_of(symbols, "takt_timer_entry")}});
    const RecordedPath& path = recording.paths.front();
    if (with_listing) return listing(path, symbols);
    const Latencies latencies = cyclictest_latencies(recording.output);
    const auto length = static_cast<unsigned>(path.addresses.size());
    const unsigned armed = path.events.at("armed");
    std::string text = "## From a timer's expiry to an unmodified program's next clock reading\n\n";
    text += fmt::format("`{}`: least {}, average {}, most {} ns.\n\n", fmt::join(timer_program, " "), latencies.least,
                        latencies.average, latencies.most);
    text += "| step | instructions |\n|---|---|\n";
    text +=
        fmt::format("| the timer is late: set by an instruction that many after the clock was read | {} |\n", armed);
    text += step_rows(steps_of(timer_path, path, symbols));
    // The steps have to explain what the program saw.
    if (latencies.least < armed + length || latencies.least - armed - length > rounding_max)
        throw Failure(1, "the steps' sum, {}, is not the latency that cyclictest saw, {}", armed + length,
                      latencies.least);
    text += fmt::format("| rounding of the timer's count | {} |\n", latencies.least - armed - length);
    text += fmt::format("| **sum: cyclictest's least latency** | **{}** |\n\n", latencies.least);
    text += event_line(path);
    return text;
}

// --- From a byte on the serial line.

std::string serial_section(const fs::path& kernel, const Symbolizer& symbols)
{
    PathRequest request{{path_reader_program().string()}, {}, SerialInput::byte_for_each_dot};
    for (unsigned vector = first_device_vector; vector < first_device_vector + device_vectors; ++vector)
        request.entries.push_back(address_of(symbols, fmt::format("takt_device_entry_{}", vector)));
    const PathRecording recording = record_paths(kernel, request);
    const RecordedPath& path = recording.paths.front();
    std::string text = "## From a byte on the serial line to a SCHED_FIFO program's next clock reading\n\n";
    text += "The interrupt's handler wakes the line's thread, that reads the byte and wakes the program, which waits "
            "in read().\n\n";
    text += "| step | instructions |\n|---|---|\n";
    text += step_rows(steps_of(serial_path, path, symbols));
    text += fmt::format("| **sum** | **{}** |\n\n", path.addresses.size());
    text += event_line(path);
    return text;
}

std::string whole_table(const fs::path& kernel, bool with_listing)
{
    const Symbolizer symbols(kernel);
    if (with_listing) return timer_section(kernel, symbols, true);
    std::string text = "# The wake-up path, in instructions\n\n";
    text += "Made by `./takt path --update`, checked by the test `system.path`. On the deterministic machine an "
            "instruction is a\n"
            "nanosecond; the counts are of the path that was taken most often.\n\n";
    const std::string sections = timer_section(kernel, symbols, false) + "\n" + serial_section(kernel, symbols);
    text += fmt::format("Tools: {}\n\n{}", tools(), sections);
    return text;
}

std::string tools_line(const std::string& table)
{
    const size_t start = table.find("Tools: ");
    return start == std::string::npos ? "" : table.substr(start, table.find('\n', start) - start);
}

// On a busy host QEMU's own threads may serve the machine's devices later than the instruction count says: what was
// seen once, as the longest path is, differs then. What the kernel does differs each time.
int compare(const fs::path& kernel)
{
    constexpr int attempts = 3;
    const std::string before = read_text(source_directory() / table_file);
    std::string now;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        now = whole_table(kernel, false);
        if (before == now) {
            say("{} is right", table_file);
            return 0;
        }
        if (tools_line(before) != tools_line(now)) {
            say("{} was made with other tools; there: {}; here: {}", table_file, tools_line(before), tools_line(now));
            return exit_other_tools;
        }
    }
    fmt::print("{}", now);
    say("the path has changed; if that is meant, `takt path --update` in the same commit");
    return 1;
}

}  // namespace

int path_command(const PathOptions& options)
{
    const fs::path kernel = kernel_image("full");
    if (options.check) return compare(kernel);
    const std::string table = whole_table(kernel, options.listing);
    if (options.update)
        write_text(source_directory() / table_file, table);
    else
        fmt::print("{}", table);
    return 0;
}

}  // namespace takt
