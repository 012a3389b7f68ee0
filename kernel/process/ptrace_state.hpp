// What both sides of ptrace(2) share. The process table's lock is held by callers.
#pragma once

#include <kernel/process/ptrace.hpp>

namespace takt {

// Makes `tracer` the tracer. Precondition: not traced.
void ptrace_attach(Task& tracee, Process& tracer, u32 options, bool seized);
// Ends the stop that the tracee is in; `signal` is what it goes on with.
void ptrace_resume(Task& tracee, i32 signal);

}  // namespace takt
