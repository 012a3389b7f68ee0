#include "system_call_page.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace takt {

namespace {

bool is_there(const SystemCallRow& row) { return !row.parameters.empty(); }

}  // namespace

const std::vector<SystemCallRow>& system_call_rows()
{
#define SYSTEM_CALL(number, name, parameters, test, missing) {number, #name, #parameters, test, missing},
#define SYSTEM_CALL_MISSING(number, name) {number, #name, "", "", ""},
    static const std::vector<SystemCallRow> rows = {
#include "abi/system_calls.def"
    };
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING
    return rows;
}

std::string system_call_page()
{
    const std::vector<SystemCallRow>& rows = system_call_rows();
    std::string page =
        fmt::format("# System calls\n\n"
                    "Made by `./takt syscalls > docs/syscalls.md` from abi/system_calls.def: change that "
                    "table, then make this page again.\n\n"
                    "Of Linux's {} calls for x86-64, {} are there. Each row names a test that shows the "
                    "call: `./takt test NAME` runs it.\nA flag or case under \"missing\" is refused with "
                    "the error that Linux has for one it doesn't know, unless the row says otherwise.\n\n"
                    "| number | call | missing | test |\n|---:|---|---|---|\n",
                    rows.size(), std::ranges::count_if(rows, is_there));
    for (const SystemCallRow& row : rows) {
        if (is_there(row))
            page +=
                fmt::format("| {} | `{}{}` | {} | {} |\n", row.number, row.name, row.parameters, row.missing, row.test);
    }
    page +=
        "\n## Not there\n\nThese answer ENOSYS, and the log names each the first time that a program asks for it.\n\n"
        "| number | call |\n|---:|---|\n";
    for (const SystemCallRow& row : rows) {
        if (!is_there(row)) page += fmt::format("| {} | `{}` |\n", row.number, row.name);
    }
    return page;
}

}  // namespace takt
