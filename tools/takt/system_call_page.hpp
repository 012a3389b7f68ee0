// docs/syscalls.md, as abi/system_calls.def has it.
#pragma once

#include <string>
#include <vector>

namespace takt {

struct SystemCallRow {
    unsigned number = 0;
    std::string name;
    std::string parameters;  // as the table has them, in parentheses; empty for a call that is not there
    std::string test;
    std::string missing;
};

// In the order of their numbers.
const std::vector<SystemCallRow>& system_call_rows();

// The page, in Markdown.
std::string system_call_page();

}  // namespace takt
