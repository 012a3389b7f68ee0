#include <kernel/process/out_of_memory.hpp>

#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/out_of_memory.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/trace/log.hpp>

namespace takt {

namespace {

constexpr i16 adjust_never = -1000;
constexpr u64 kb_per_page = page_size / 1024;

}  // namespace

void OutOfMemory::consider(MayLock& context, Process& process, i64 memory_pages, Victim& best, bool& leaving)
{
    bool spared = process.out_of_memory_adjust == adjust_never;
    LockGuard guard(process.lock(), context);
    if (!process.address_space) return;
    if (process.exiting || (spared && process.signals->killed.load(Order::relaxed))) leaving = true;
    if (process.exiting || spared) return;
    AddressSpace::PageCounts pages = process.address_space->glance();
    i64 points = static_cast<i64>(pages.anonymous + pages.object) + process.out_of_memory_adjust * memory_pages / 1000;
    if (best.process && points <= best.points) return;
    best = {Ref<Process>::share(process), points, pages, process.address_space.get(), process.credentials.user};
}

bool OutOfMemory::begin_choice(MayLock& context)
{
    Ref<Process> last;
    {
        LockGuard guard(lock_, context);
        if (choosing_) return true;
        choosing_ = true;
        if (hal::now() - killed_at_ <= patience) last = last_;
    }
    bool has_memory = false;
    if (last) {
        LockGuard guard(last->lock(), context);
        has_memory = static_cast<bool>(last->address_space);
    }
    if (has_memory) {
        LockGuard guard(lock_, context);
        choosing_ = false;
    }
    return has_memory;
}

void OutOfMemory::end_choice(MayLock& context, Ref<Process> victim)
{
    LockGuard guard(lock_, context);
    choosing_ = false;
    if (!victim) return;
    std::swap(last_, victim);
    killed_at_ = hal::now();
}

void OutOfMemory::say_that_none_is_left(MayLock& context)
{
    {
        LockGuard guard(lock_, context);
        if (said_none_ && hal::now() - said_none_at_ <= patience) return;
        said_none_ = true;
        said_none_at_ = hal::now();
    }
    log(LogLevel::warning, "Out of memory and no killable processes...\n");
}

// And all that share its memory (clone(CLONE_VM)): it is not given back before they are gone.
void OutOfMemory::kill(MayLock& context, const Victim& victim)
{
    ProcessTable& processes = hal::kernel().processes;
    kill_process(context, *victim.process);
    for (Ref<Process> process = processes.next_process(context, ThreadId{2}); process;
         process = processes.next_process(context, ThreadId{process->pid.value + 1})) {
        bool shares = false;
        {
            LockGuard guard(process->lock(), context);
            shares = process->address_space.get() == victim.space;
        }
        if (shares && !(process == victim.process)) kill_process(context, *process);
    }
}

bool OutOfMemory::kill_one(MayBlock& context) { return begin_choice(context) || choose_and_kill(context); }

bool OutOfMemory::choose_and_kill(MayBlock& context)
{
    ProcessTable& processes = hal::kernel().processes;
    i64 memory_pages = static_cast<i64>(hal::kernel().frames.total());
    Victim victim;
    bool leaving = false;
    // bound: processes; the first process is none of them
    for (Ref<Process> process = processes.next_process(context, ThreadId{2}); process;
         process = processes.next_process(context, ThreadId{process->pid.value + 1}))
        consider(context, *process, memory_pages, victim, leaving);
    if (!victim.process) {
        if (!leaving) say_that_none_is_left(context);
        end_choice(context, nullptr);
        return leaving;
    }

    Process& process = *victim.process;
    TextBuffer<16> name;
    processes.with_thread(context, process.pid, [&](Thread& leader) { name.append(std::string_view(leader.name)); });
    log(LogLevel::warning, "{} invoked oom-killer: order=0, oom_score_adj={}\n",
        std::string_view(context.thread().name),
        context.thread().user ? current_process(context).out_of_memory_adjust : i16{0});
    log(LogLevel::error,
        "Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, UID:{} oom_score_adj:{}\n",
        process.pid, name.view(), victim.pages.total * kb_per_page, victim.pages.anonymous * kb_per_page,
        victim.pages.object * kb_per_page, victim.user, process.out_of_memory_adjust);
    kill(context, victim);
    end_choice(context, victim.process);
    return true;
}

bool kill_for_memory(MayBlock& context) { return hal::kernel().out_of_memory.kill_one(context); }

}  // namespace takt
