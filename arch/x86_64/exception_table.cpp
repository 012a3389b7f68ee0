#include <arch/x86_64/exception_table.hpp>

namespace takt::machine {

struct ExceptionRow {
    u64 instruction;
    u64 fix_up;
};

extern "C" const ExceptionRow takt_ex_table_start[], takt_ex_table_end[];

u64 find_exception_fix_up(u64 rip)
{
    for (const ExceptionRow* row = takt_ex_table_start; row < takt_ex_table_end; row++)
        if (row->instruction == rip) return row->fix_up;
    return 0;
}

bool fix_up_exception(u64& rip)
{
    u64 fix_up = find_exception_fix_up(rip);
    if (fix_up == 0) return false;
    rip = fix_up;
    return true;
}

}  // namespace takt::machine
