// The system calls' numbers by name, made from the table: number::getpid.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::number {

#define SYSTEM_CALL(call_number, name, ...) inline constexpr u64 name = call_number;
#define SYSTEM_CALL_MISSING(call_number, name) inline constexpr u64 name = call_number;
#include <abi/system_calls.def>
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING

}  // namespace takt::number
