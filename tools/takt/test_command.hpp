// `takt test`: builds everything and runs the tests.
#pragma once

#include <string>
#include <vector>

namespace takt {

struct TestOptions {
    std::vector<std::string> names;  // whole names, prefixes, or globs; none: all
    bool list = false;
    std::string junit;  // a file for the results in JUnit's XML
};

// Prints one line a test and at last "N passed, N failed". Returns 0 if all passed, else 1.
int test_command(const TestOptions& options);

// The names of the tests as the last build had them, in order.
std::vector<std::string> all_tests();

// Those of `tests` that a pattern means: the test of that name, or else those whose names begin
// with it or match it as a glob. Failure (usage) if there is none.
std::vector<std::string> select_tests(const std::vector<std::string>& tests, const std::vector<std::string>& patterns);

}  // namespace takt
