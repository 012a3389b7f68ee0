// Job control: stopping and continuing a process, and telling its parent (signal(7), waitpid(2) WUNTRACED, WCONTINUED).
//
// A stop is the receivers' work: the thread that takes the stop signal asks the others to join (Work::stop); each
// stands still on its way to user mode; the last one tells the parent. SIGCONT ends it when it is sent, blocked or not.
#pragma once

#include <kernel/process/signals.hpp>

namespace takt {

// The running thread took `signal`, whose action is to stop: begins the stop of the process (unless SIGCONT or a fatal
// signal came in between) and stands still. A terminal's stop signal does nothing in an orphaned group.
void stop_process(MayBlock& context, Task& task, int signal);
// The running thread saw Work::stop: joins the stop, if there still is one, and tells of a continuation.
void join_stop(MayBlock& context, Task& task);

// Sending: what SIGCONT and the stop signals do at once, before they are queued. Process and signal locks held.
void job_control_on_send(MayLock& context, Process& process, int signal);
// A thread leaves with its part of a stop undone; true when the stop is complete now: call tell_stopped(). Signal lock
// held.
bool leave_stop(Task& task);
void tell_stopped(MayLock& context, Process& process, int signal);

}  // namespace takt
