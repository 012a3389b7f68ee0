// CallLog: the kernel's own strace (command line `takt.strace`): each call with its decoded arguments and result.
#pragma once

#include <kernel/base/bitmap.hpp>
#include <kernel/hal/user_frame.hpp>
#include <kernel/process/task.hpp>

namespace takt {

class CallLog {
public:
    bool enabled() const { return enabled_; }
    // At boot, from the command line.
    void init();
    // Before a call: calls that may not return are printed here.
    void enter(Task& task, u64 number, const hal::UserFrame& frame);
    void leave(Task& task, u64 number, const hal::UserFrame& frame, i64 result);
    // True once for each number.
    bool first_miss(u64 number);

private:
    bool enabled_ = false;
    Atomic<u64> missed_[8]{};
};

// Null: no such call.
const char* system_call_name(u64 number);

}  // namespace takt
