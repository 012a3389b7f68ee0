#include <kernel/kernel.hpp>
#include <kernel/process/job_control.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/wait.hpp>

namespace takt {

namespace {

namespace number = signal_number;

constexpr SignalSet stop_signals{SignalSet::of(number::stop).bits | SignalSet::of(number::tstp).bits |
                                 SignalSet::of(number::ttin).bits | SignalSet::of(number::ttou).bits};

// POSIX: a group is orphaned when no member's parent is in another group of the same session: nobody could continue it.
bool group_is_orphaned(MayLock& context, Process& process)
{
    ProcessTable& processes = hal::kernel().processes;
    ProcessTable::TreeGuard tree(processes.lock(), context);
    // bound: processes of the group
    for (Process& member : processes.group_of(process.group)) {
        Process* parent = member.parent;
        if (parent && !member.zombie && parent->pid != ProcessTable::first_process_id &&
            parent->group != process.group && parent->session == process.session)
            return false;
    }
    return true;
}

// Bound: threads. Process and signal locks held.
void discard_everywhere(Process& process, SignalSet signals, List<QueuedSignal>& freed) NO_THREAD_SAFETY_ANALYSIS
{
    discard_pending(process.signals->shared, signals, freed);
    for (Task& task : process.threads) discard_pending(task.pending, signals, freed);
}

// Process and signal locks held.
void go_on(Process& process) NO_THREAD_SAFETY_ANALYSIS
{
    JobControl& job = process.signals->job_control;
    job.stop_taken = false;
    if (job.stop_signal == 0) return;
    job.tell_continued = job.stopped;
    job.stop_signal = 0;
    job.threads_to_stop = 0;
    job.stopped = false;
    // bound: threads. Each finds out on its way; one of them tells the parent.
    for (Task& task : process.threads) {
        if (task.signals_closed) continue;
        task.stop_pending = false;
        task.stopped = false;
        hal::kernel().scheduler.set_work(task, Work::stop);
        hal::kernel().scheduler.unpark(task);
    }
}

}  // namespace

void job_control_on_send(MayLock& context, Process& process, int signal)
{
    List<QueuedSignal> freed;
    if (signal == number::cont) {
        discard_everywhere(process, stop_signals, freed);
        go_on(process);
    } else {
        discard_everywhere(process, SignalSet::of(number::cont), freed);
    }
    (void)context;
    release_queued(freed);
}

void stop_process(MayBlock& context, Task& task, int signal)
{
    Process& process = *task.process;
    if (signal != number::stop && group_is_orphaned(context, process)) return;
    {
        LockGuard threads(process.lock(), context);
        ProcessSignals& signals = *process.signals;
        LockGuard guard(signals.lock(), threads);
        JobControl& job = signals.job_control;
        if (!job.stop_taken || process.exiting || task.has_work(Work::fatal)) return;
        job.stop_taken = false;
        if (job.stop_signal == 0) job.stop_signal = signal;
        // bound: threads
        for (Task& other : process.threads) {
            if (other.signals_closed || other.stop_pending || other.stopped) continue;
            other.stop_pending = true;
            job.threads_to_stop++;
            if (&other != &task) hal::kernel().scheduler.set_work(other, Work::stop);
        }
    }
    join_stop(context, task);
}

bool leave_stop(Task& task) NO_THREAD_SAFETY_ANALYSIS
{
    JobControl& job = task.process->signals->job_control;
    bool was_pending = task.stop_pending;
    task.stop_pending = false;
    task.stopped = false;
    if (!was_pending || job.stopped || job.threads_to_stop == 0 || --job.threads_to_stop > 0) return false;
    job.stopped = true;
    return true;
}

void tell_stopped(MayLock& context, Process& process, int signal) { notify_job_control(context, process, signal); }

void join_stop(MayBlock& context, Task& task)
{
    Process& process = *task.process;
    ProcessSignals& signals = *process.signals;
    JobControl& job = signals.job_control;
    Scheduler::clear_work(task, Work::stop);
    bool continued = false;
    bool complete = false;
    int signal = 0;
    {
        LockGuard guard(signals.lock(), context);
        continued = job.tell_continued;
        job.tell_continued = false;
        if (task.stop_pending) {
            signal = job.stop_signal;
            complete = leave_stop(task);
            task.stopped = true;
        }
    }
    if (continued) notify_job_control(context, process, number::cont);
    if (signal == 0) {
        if (!continued) ptrace_on_interrupt(context, task);
        return;
    }
    if (complete) tell_stopped(context, process, signal);
    bool traced = ptrace_on_group_stop(context, task, signal);
    for (;;) {  // bound: until SIGCONT or a fatal signal
        {
            LockGuard guard(signals.lock(), context);
            if (traced || task.has_work(Work::fatal)) task.stopped = false;
            if (!task.stopped) return;
        }
        (void)hal::kernel().scheduler.park(context, WaitMode::killable);
    }
}

}  // namespace takt
