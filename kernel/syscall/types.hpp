// Types of system call arguments, as the table (abi/system_calls.def) writes them. They say how the call log decodes an
// argument, and narrow the register to what Linux looks at.
#pragma once

#include <abi/file.hpp>
#include <abi/types.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/signal_set.hpp>

namespace takt {

using Fd = StrongId<struct FdTag, i32>;
using OctalMode = StrongId<struct ModeTag, u32>;       // permission bits
using OpenFlags = StrongId<struct OpenFlagsTag, u32>;  // O_*
using SignalNumber = StrongId<struct SignalTag, i32>;
using Pid = StrongId<struct PidTag, i32>;

// A path or other string in user memory.
struct UserString {
    UserAddress address{};
    constexpr UserString() = default;
    constexpr explicit UserString(u64 value) : address(value) {}
};
// Memory the call fills in, or reads; printed as an address.
using UserBuffer = UserAddress;

}  // namespace takt
