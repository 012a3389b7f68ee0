// Declares every system call's handler from abi/system_calls.def: takt::system_call::NAME(context, arguments).
//
// A handler runs in the calling thread, with interrupts on. It returns the call's result or an Errno.
#pragma once

#include <abi/event.hpp>
#include <abi/futex.hpp>
#include <abi/ipc.hpp>
#include <abi/process.hpp>
#include <abi/scheduling.hpp>
#include <abi/signal.hpp>
#include <abi/socket.hpp>
#include <abi/timer.hpp>
#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>
#include <kernel/syscall/types.hpp>

namespace takt::system_call {

#define TAKT_UNPACK(...) __VA_OPT__(, ) __VA_ARGS__
#define SYSTEM_CALL(number, name, parameters, test, notes) Result<i64> name(MayBlock& context TAKT_UNPACK parameters);
#define SYSTEM_CALL_MISSING(number, name)
#include <abi/system_calls.def>
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING

}  // namespace takt::system_call
