// Shows that the pages in docs/ that speak of the whole tree say what the tree says: the system calls, each with a test
// that there is; the ranks of locks, in their order; every raw spin lock; and what goes wrong on the simulated machine.
#include "host_files.hpp"
#include "system_call_page.hpp"
#include "test_command.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

namespace takt {

namespace {

std::string text_of(const fs::path& below) { return read_text(source_directory() / below); }

// The first group of each match, in order.
std::vector<std::string> all_matches(const std::string& text, const std::string& pattern)
{
    const std::regex expression(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
    return found;
}

// Those of an enumeration, as its header names them: what stands between the braces, without the comments.
std::vector<std::string> enumerators(const fs::path& file, const std::string& enumeration)
{
    const std::string header = text_of(file);
    const size_t begin = header.find('{', header.find("enum class " + enumeration));
    const std::string inside = header.substr(begin, header.find("};", begin) - begin);
    return all_matches(std::regex_replace(inside, std::regex("//[^\n]*"), ""), "([a-z_]+)");
}

// "FILE NAME" of each raw spin lock that is a member or a variable.
std::set<std::string> raw_locks()
{
    std::set<std::string> found;
    for (const char* folder : {"kernel", "arch"}) {
        for (const auto& entry : fs::recursive_directory_iterator(source_directory() / folder)) {
            const std::string kind = entry.path().extension().string();
            if (kind != ".hpp" && kind != ".cpp") continue;
            for (const std::string& name : all_matches(read_text(entry.path()), "RawSpinLock<Rank::[a-z_]+> (\\w+);"))
                found.insert(fs::relative(entry.path(), source_directory()).string() + " " + name);
        }
    }
    return found;
}

}  // namespace

TEST(Documents, SystemCallsAreThoseOfTheTable)
{
    EXPECT_TRUE(text_of("docs/syscalls.md") == system_call_page())
        << "the page is older than abi/system_calls.def; ./takt syscalls > docs/syscalls.md makes it again";
}

TEST(Documents, EachSystemCallHasATest)
{
    const std::vector<std::string> tests = all_tests();
    for (const SystemCallRow& row : system_call_rows()) {
        if (row.parameters.empty()) continue;
        EXPECT_EQ(std::ranges::count(tests, row.test), 1) << row.name << " names no test that there is: " << row.test;
    }
}

TEST(Documents, LockRanksAreThoseOfTheHeader)
{
    const std::vector<std::string> expected = enumerators("kernel/sync/lock_rank.hpp", "Rank");
    EXPECT_GT(expected.size(), 20U);
    EXPECT_EQ(all_matches(text_of("docs/locks.md"), "\n\\| `([a-z_]+)` \\|"), expected);
}

TEST(Documents, RawLocksAreThoseOfTheTree)
{
    const std::string page = text_of("docs/locks.md");
    std::set<std::string> named;
    const std::regex row("\n\\| `(\\w+)`, ([\\w/.]+) \\|");
    for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at)
        named.insert((*at)[2].str() + " " + (*at)[1].str());
    EXPECT_EQ(named, raw_locks());
}

TEST(Documents, FaultsAreThoseOfTheHeader)
{
    const std::string page = text_of("docs/simulation.md");
    const std::string section = page.substr(page.find("\n## Faults"));
    const std::vector<std::string> points = enumerators("kernel/hal/fault.hpp", "FaultPoint");
    EXPECT_EQ(all_matches(section, "\n\\| `([a-z_]+)` \\|"), points);
    EXPECT_EQ(all_matches(text_of("sim/fault_plan.cpp"), "\\{\"([a-z_]+)\", \\d+\\}"), points);
}

}  // namespace takt
