// Threads: creation, end, parameters.
#include <kernel/base/text.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/fault.hpp>
#include <kernel/hal/observe.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>
#include <kernel/sched/timer_thread.hpp>
#include <kernel/sync/pi_chain.hpp>
#include <string.h>

namespace takt {

Thread::Thread(ThreadId thread_id, const char* thread_name) : id(thread_id) { set_name(thread_name); }

Thread::~Thread() { ASSERT(!queued && !sleep_timer.queued && lock_depth == 0 && mutex_depth == 0); }

void Thread::set_name(const char* new_name)
{
    usize length = strlen(new_name);
    if (length > sizeof name - 1) length = sizeof name - 1;
    memset(name, 0, sizeof name);
    memcpy(name, new_name, length);
}

namespace {

void enter_kernel_thread(Thread& thread)
{
    KernelThread& self = static_cast<KernelThread&>(thread);
    MayBlock context = ContextMint::may_block(self);
    self.entry(context, self.argument);
    hal::core().scheduler.exit_current(context, &Scheduler::reap_kernel_thread);
}

}  // namespace

void Scheduler::add_cpu(Cpu& cpu, Thread& idle)
{
    idle.is_idle = true;
    idle.state = Thread::State::ready;
    idle.on_cpu = true;
    idle.pinned = true;
    idle.cpu.store(cpu.cpu_id, Order::relaxed);
    idle.affinity = CpuSet::only(CpuId{cpu.cpu_id});
    cpu.run_queue.idle = &idle;
    cpu.run_queue.current = &idle;
    cpu.current = &idle;
    cpus_[cpu.cpu_id] = &cpu;
    ASSERT(cpu_count_.load(Order::relaxed) == cpu.cpu_id);
    cpu_count_.store(cpu.cpu_id + 1, Order::release);
}

Result<void> Scheduler::start_cpu_threads(MayBlock& context, Cpu& cpu)
{
    TextBuffer<16> name;
    format(name, "timers/{}", cpu.cpu_id);
    Thread* thread = TRY(create_kernel_thread(context, name.c_str(), level_timer_thread, &TimerThread::main, &cpu,
                                              CpuSet::only(CpuId{cpu.cpu_id})));
    thread->pinned = true;
    cpu.run_queue.timer_thread = thread;
    start(*thread);
    return {};
}

Result<Thread*> Scheduler::create_kernel_thread(MayBlock& context, const char* name, Level level,
                                                KernelThread::Entry entry, void* argument, CpuSet affinity)
{
    void* memory = allocate(context, sizeof(KernelThread));
    if (!memory) return Errno::enomem;
    auto* thread = new (memory) KernelThread(allocate_thread_id(), name, entry, argument);
    if (FAULT(kernel_stack) || !hal::create_context(context, *thread, &enter_kernel_thread)) {
        thread->~KernelThread();
        free(memory);
        return Errno::enomem;
    }
    thread->base_level = level;
    thread->level = level;
    thread->parameters.policy = level == level_fair ? Policy::other : Policy::fifo;
    thread->parameters.priority = level > level_user_max ? level_user_max : level;
    thread->sliced = level == level_fair;
    thread->affinity = affinity;
    LockGuard guard(threads_lock_, context);
    kernel_threads_.push_back(*thread);
    return static_cast<Thread*>(thread);
}

Thread* Scheduler::find_kernel_thread(MayLock& context, ThreadId id)
{
    Thread* found = next_kernel_thread(context, id);
    return found && found->id == id ? found : nullptr;
}

Thread* Scheduler::next_kernel_thread(MayLock& context, ThreadId id)
{
    LockGuard guard(threads_lock_, context);
    Thread* best = nullptr;
    for (KernelThread& thread : kernel_threads_)  // bound: kernel threads, a few per CPU and device
        if (thread.id >= id && (!best || thread.id < best->id)) best = &thread;
    return best;
}

void Scheduler::exit_current(MayBlock& context, void (*reap)(MayBlock&, Thread&))
{
    Thread& self = context.thread();
    assert_may_block(self);
    ASSERT(self.mutex_depth == 0 && reap);
    self.reap = reap;
    put_dead(self);
    // Told here and not after the switch, where interrupts are off: it waits until the thread has left its CPU.
    if (reaper_) unpark(*reaper_);
    hal::disable_interrupts();
    Cpu& cpu = hal::current_cpu();
    cpu.run_queue.lock().acquire();
    self.state = Thread::State::exited;
    const u64 cycles = hal::cycles();
    self.run_cycles += cycles - self.run_start_cycles;
    switch_away(cpu, self, cycles);
    PANIC("an ended thread ran again");
}

Result<void> Scheduler::start_reaper(MayBlock& context)
{
    reaper_ = TRY(create_kernel_thread(context, "reaper", level_fair, &reaper_main, this));
    reaper_->parameters.policy = Policy::batch;  // it preempts nobody
    start(*reaper_);
    return {};
}

// A thread that has said that it ends may still be on its way out, or look for a CPU to go it on.
bool Scheduler::has_left(Thread& thread)
{
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    RunQueue& queue = lock_queue_of(thread);
    const bool left = thread.state == Thread::State::exited && !thread.on_cpu;
    queue.lock().release();
    hal::restore_interrupts(interrupts);
    return left;
}

void Scheduler::put_dead(Thread& thread)
{
    RawGuard guard(dead_lock_);
    thread.next_dead = nullptr;
    (dead_last_ ? dead_last_->next_dead : dead_first_) = &thread;
    dead_last_ = &thread;
    dead_count_.store(dead_count_.load(Order::relaxed) + 1, Order::relaxed);
}

Thread* Scheduler::take_dead()
{
    RawGuard guard(dead_lock_);
    Thread* thread = dead_first_;
    if (!thread) return nullptr;
    dead_first_ = thread->next_dead;
    if (!dead_first_) dead_last_ = nullptr;
    dead_count_.store(dead_count_.load(Order::relaxed) - 1, Order::relaxed);
    return thread;
}

// One that ended, the first that did, if it can be freed by now.
void Scheduler::reap_one(MayBlock& context)
{
    Thread* thread = take_dead();
    if (!thread) return;
    // A chain walk may still look at it.
    if (!has_left(*thread) || thread->pins.load(Order::acquire) != 0) {
        put_dead(*thread);
        return;
    }
    thread->reap(context, *thread);
}

void Scheduler::reap_surplus(MayBlock& context)
{
    constexpr u32 surplus = 8, at_once = 2;
    if (dead_count_.load(Order::relaxed) <= surplus) [[likely]]
        return;
    for (u32 index = 0; index < at_once; index++) reap_one(context);
}

void Scheduler::reaper_main(MayBlock& context, void* argument)
{
    Scheduler& self = *static_cast<Scheduler*>(argument);
    for (;;) {
        for (u32 left = self.dead_count_.load(Order::relaxed); left > 0; left--)  // bound: those that ended
            self.reap_one(context);
        const bool leaving = self.dead_count_.load(Order::relaxed) != 0;
        self.park(context, WaitMode::uninterruptible, leaving ? hal::now() + milliseconds(1) : Instant::never());
    }
}

void Scheduler::reap_kernel_thread(MayBlock& context, Thread& thread)
{
    KernelThread& self = static_cast<KernelThread&>(thread);
    {
        LockGuard guard(hal::core().scheduler.threads_lock_, context);
        hal::core().scheduler.kernel_threads_.erase(hal::core().scheduler.kernel_threads_.s_iterator_to(self));
    }
    hal::destroy_context(context, self);
    self.~KernelThread();
    free(&self);
}

// --- Parameters.

void Scheduler::change_level(Thread& thread, Level level)
{
    RunQueue& queue = lock_queue_of(thread);
    if (thread.level != level) {
        bool was_queued = thread.queued;
        bool rises = level > thread.level;
        if (was_queued) queue.dequeue(thread);
        thread.level = level;
        if (was_queued) {
            // sched(7): a raised thread goes to the end of its new list; one that was lowered, to the front.
            if (rises) {
                enqueue_and_preempt(queue, thread, false);
            } else {
                queue.enqueue(thread, true, false);
                hal::observe(hal::Observed::put_first, thread);
                if (cpu_count() > 1) Migration::note_queued(*this, queue);
            }
        }
        if (queue.current == &thread) {
            // A lower level pull() publishes, and looks elsewhere: also if it is raised a little before that.
            if (rises || cpu_count() == 1)
                queue.current_level.store(level, Order::relaxed);
            else
                queue.ask(queue.cpu());
            if (!rises && (cpu_count() > 1 || queue.highest() >= static_cast<int>(level))) request_reschedule(queue);
        }
    }
    if (queue.current == &thread) update_slice(queue, queue.cpu().value == hal::current_cpu().cpu_id);
    queue.lock().release();
}

void Scheduler::set_parameters(MayLock&, Thread& thread,
                               const SchedulingParameters& parameters) NO_THREAD_SAFETY_ANALYSIS
{
    {
        RawGuard guard(thread.pi_lock);
        RunQueue& queue = lock_queue_of(thread);  // its CPU reads them in each switch
        thread.parameters = parameters;
        thread.sliced = parameters.policy != Policy::fifo;
        thread.weight = parameters.policy == Policy::idle ? 3 : FairQueue::weight_of_nice(parameters.nice);
        queue.lock().release();
        thread.base_level = parameters.level();
        Level inherited = thread.donors.empty() ? level_fair : thread.donors.begin()->donor_level;
        Level level = inherited > thread.base_level ? inherited : thread.base_level;
        change_level(thread, level);
        thread.pins.fetch_add(1, Order::relaxed);  // for propagate()
    }
    // What it waits for inherits its new level.
    PiChain::propagate(thread);
}

SchedulingParameters Scheduler::parameters(Thread& thread)
{
    RawGuard guard(thread.pi_lock);
    return thread.parameters;
}

Result<void> Scheduler::set_affinity(MayBlock&, Thread& thread, const CpuSet& cpus)
{
    CpuSet allowed = cpus & online();
    if (allowed.none()) return Errno::einval;
    if (thread.pinned) return Errno::einval;
    hal::preempt_disable();
    hal::disable_interrupts();
    RunQueue& queue = lock_queue_of(thread);
    queue.set_affinity(thread, cpus);
    const bool moves = !cpus.contains(queue.cpu());
    // One that is just being switched away from is moved by the CPU that does so.
    const bool taken = moves && thread.queued && !thread.on_cpu;
    if (taken) {
        queue.dequeue(thread);
        queue.send(thread, Migration::any_allowed(*this, thread));
    }
    if (moves && queue.current == &thread) request_reschedule(queue);
    if (cpu_count() > 1) Migration::note_queued(*this, queue);  // it may go to more CPUs now
    queue.lock().release();
    if (taken) place(thread);
    hal::enable_interrupts();
    if (hal::preempt_enable()) takt::preempt_current();
    return {};
}

CpuSet Scheduler::affinity(Thread& thread) { return thread.affinity & online(); }

// `start`: what counts as zero, read with the queue locked.
u64 Scheduler::run_cycles_since(Thread& thread, const u64& start)
{
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    RunQueue& queue = lock_queue_of(thread);
    u64 total = thread.run_cycles - start;
    if (queue.current == &thread) total += hal::cycles() - thread.run_start_cycles;
    queue.lock().release();
    hal::restore_interrupts(interrupts);
    return total;
}

Duration Scheduler::run_time(Thread& thread)
{
    const u64 begin = 0;
    return {static_cast<i64>(hal::cycles_to_ns(run_cycles_since(thread, begin)))};
}

Duration Scheduler::run_time_since_sleep(Thread& thread)
{
    return {static_cast<i64>(hal::cycles_to_ns(run_cycles_since(thread, thread.slept_cycles)))};
}

}  // namespace takt
