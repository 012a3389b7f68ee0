#include "test_command.hpp"

#include "build.hpp"
#include "failure.hpp"
#include "guest.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace takt {

namespace {

using Json = nlohmann::json;

fs::path host_build() { return build_directory() / "host"; }

std::string regex_for(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names) {
        text += text.empty() ? "^(" : "|";
        for (const char character : name) {
            if (character == '.' || character == '+') text += '\\';
            text += character;
        }
    }
    return text + ")$";
}

int run_ctest(const std::vector<std::string>& names, bool all, const fs::path& junit)
{
    const unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    Arguments command = {"ctest",
                         "--test-dir",
                         host_build().string(),
                         "--output-on-failure",
                         "--no-tests=error",
                         "--output-junit",
                         junit.string(),
                         "-j",
                         std::to_string(jobs)};
    if (!all) command.insert(command.end(), {"-R", regex_for(names)});
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return exit_status_of(status);
}

struct Counts {
    unsigned passed = 0;
    unsigned failed = 0;
};

Counts count_results(const fs::path& junit)
{
    const std::string text = read_text(junit);
    const auto attribute = [&](const char* name) {
        std::smatch match;
        const std::regex pattern(fmt::format("<testsuite[^>]*\\b{}=\"([0-9]+)\"", name));
        return std::regex_search(text, match, pattern) ? static_cast<unsigned>(std::stoul(match[1])) : 0U;
    };
    const unsigned total = attribute("tests");
    const unsigned failed = attribute("failures");
    const unsigned skipped = attribute("skipped") + attribute("disabled");
    return {total - failed - skipped, failed};
}

bool needs_kernel(const std::string& name) { return name.starts_with("system."); }

}  // namespace

std::vector<std::string> all_tests()
{
    const std::string listing =
        capture_or_fail("cannot list the tests", {"ctest", "--test-dir", host_build().string(), "--show-only=json-v1"});
    std::vector<std::string> names;
    const Json document = Json::parse(listing);
    for (const Json& test : document.at("tests")) names.push_back(test.at("name").get<std::string>());
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> select_tests(const std::vector<std::string>& tests, const std::vector<std::string>& patterns)
{
    if (patterns.empty()) return tests;
    std::set<std::string> selected;
    for (const std::string& pattern : patterns) {
        if (std::ranges::count(tests, pattern) > 0) {
            selected.insert(pattern);
            continue;
        }
        bool found = false;
        for (const std::string& test : tests) {
            if (test.starts_with(pattern) || fnmatch(pattern.c_str(), test.c_str(), 0) == 0) {
                selected.insert(test);
                found = true;
            }
        }
        if (!found) throw Failure(exit_usage, "no test {}; `takt test --list` shows their names", pattern);
    }
    return {selected.begin(), selected.end()};
}

int test_command(const TestOptions& options)
{
    build_host();
    const std::vector<std::string> names = select_tests(all_tests(), options.names);
    if (options.list) {
        for (const std::string& name : names) fmt::print("{}\n", name);
        return 0;
    }
    // What is talked about while it is made must not be talked about inside a test.
    if (std::ranges::any_of(names, needs_kernel)) {
        kernel_image("full");
        make_guest({"true"}, {}, {}, GuestStreams{});
    }
    const fs::path junit = options.junit.empty() ? host_build() / "tests.xml" : fs::absolute(options.junit);
    fs::remove(junit);
    run_ctest(names, options.names.empty(), junit);
    if (!fs::exists(junit)) throw Failure(exit_takt_failed, "ctest ended without results; its messages are above");
    const Counts counts = count_results(junit);
    fmt::print("{} passed, {} failed\n", counts.passed, counts.failed);
    return counts.failed == 0 && counts.passed > 0 ? 0 : 1;
}

}  // namespace takt
