// mixed: threads of all classes that compute, sleep, take locks in chains, wait for each other, for timers and for
// interrupts, change each other's priority and affinity, and end; each by its own part of the seed.
//
// Whoever waits for another waits for something that will come: a run whose threads don't all end has lost a wake-up.
#include <algorithm>
#include <kernel/irq/interrupt_thread.hpp>
#include <kernel/sync/completion.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/sync/ref.hpp>
#include <kernel/time/timer.hpp>
#include <scenario/scenario.hpp>
#include <sim/checkers.hpp>
#include <string_view>
#include <utility>

namespace takt::scenario {
namespace {

using sim::Random;

// A lock that a thread may give up waiting for; what it guards shows whether it excludes.
struct Guarded {
    PiMutex mutex;
    Thread* inside = nullptr;
};

// Requests that a server thread answers; with a signal before, if the sender asks for it.
struct Request : ListHook<> {
    Completion done;
    Thread* to_signal = nullptr;
};

// Something that whoever refers to it keeps alive.
struct Counted : RefCounted<Counted> {
    explicit Counted(Atomic<u32>& living) : alive(living) { alive.fetch_add(1, Order::relaxed); }
    ~Counted()
    {
        if (std::exchange(value, 0) != magic) PANIC("an object was destroyed twice");
        alive.fetch_sub(1, Order::relaxed);
    }
    void check() const
    {
        if (value != magic) PANIC("an object was destroyed while it was in use");
    }
    static constexpr u64 magic = 0x5ca1ab1e;
    u64 value = magic;
    Atomic<u32>& alive;
};

// A mutex of the kind that is held across waits; what it guards shows whether it excludes.
struct Held {
    Mutex<Rank::pipe> mutex;
    Thread* inside = nullptr;
};

class Tokens {
public:
    Result<void> take(MayBlock& context, WaitOptions options)
    {
        LockGuard guard(lock_, context);
        while (count_ == 0) TRY(queue_.wait(context, guard, options));
        count_--;
        return {};
    }
    // Not if somebody else is at them.
    bool try_give(MayLock& context)
    {
        if (!lock_.try_acquire(context)) return false;
        if (!lock_.held_by(context.thread())) PANIC("a lock that was taken is not held");
        count_++;
        queue_.wake_one();
        lock_.release(context);
        return true;
    }
    template <typename Outer>
    bool none_under(Outer& outer)
    {
        LockGuard guard(lock_, outer);
        if (!lock_.held_by(outer.thread())) PANIC("a lock that was taken is not held");
        return count_ == 0;
    }
    void give(MayLock& context, unsigned count)
    {
        LockGuard guard(lock_, context);
        count_ += count;
        if (count == 1)
            queue_.wake_one();
        else
            queue_.wake_all();
    }

private:
    Lock<Rank::object> lock_;
    unsigned count_ GUARDED_BY(lock_) = 0;
    WaitQueue queue_;
};

class Mixed {
public:
    explicit Mixed(const Case& what)
        : case_(what), machine_({.processors = what.cpus,
                                 .seed = what.seed,
                                 .explore = what.explore,
                                 .strict = what.strict,
                                 .faults = what.faults}),
          checkers_(machine_), random_(Random::stream(what.seed, 1000))
    {
        machine_.machine().events.trace(!what.trace_file.empty());
        draw_jitter(machine_.machine(), random_);
    }

    Outcome run();

private:
    // The kernel's objects that threads share. A failed run leaves them in use: it doesn't delete them.
    struct Shared {
        Guarded mutexes[6];
        Tokens tokens[3];
        Held held[2];
        Completion gate;
        Lock<Rank::object> objects_lock;
        Ref<Counted> objects[2];
        Counted* known[2] = {};  // the same, without a reference
        Lock<Rank::event_poll> requests_lock;
        List<Request> requests;
        WaitQueue server_queue;
    };
    struct Timer : SoftTimer {
        explicit Timer(Shared& with) : shared(with) {}
        void expire(MayBlock& context) override
        {
            shared.tokens[2].give(context, 1);
            count++;
            expired.complete();
        }
        Shared& shared;
        u32 count = 0;
        Completion expired;
    };
    struct Handler : InterruptHandler {
        Handler(Mixed& of, u32 number) : mixed(of), line(number), random(Random::stream(of.case_.seed, 3001 + number))
        {
        }
        void handle(MayBlock& context) override
        {
            mixed.machine_.machine().lower(line);
            mixed.compute(random, 3000);
            mixed.shared_->tokens[line % 3].give(context, 1);
        }
        Mixed& mixed;
        const u32 line;
        Random random;
    };
    struct Passing {
        Mixed* mixed;
        u64 seed;
    };

    using Operation = void (Mixed::*)(MayBlock&, Random&);
    static const Operation operations_[mixed_operation_count];

    void start_kernel_threads();
    void start_interrupts();
    void interrupt_now();
    void worker(MayBlock& context, u32 index);
    void leave(MayBlock& context);
    void server(MayBlock& context);
    static void passing_thread(MayBlock& context, void* argument);

    SchedulingParameters some_parameters(Random& random);
    CpuSet some_cpus(Random& random);
    Thread& some_thread(Random& random) { return *threads_[random.below(threads_.size())]; }
    void compute(Random& random, u64 ns_max) { machine_.compute(nanoseconds(static_cast<i64>(random.below(ns_max)))); }
    Instant soon(Random& random, u64 ns_max)
    {
        return hal::now() + nanoseconds(static_cast<i64>(random.below(ns_max)));
    }
    void enter(Guarded& guarded, Thread& thread);
    void leave(Guarded& guarded, Thread& thread);
    void lock_from(MayBlock& context, Random& random, usize first);
    void send_signal(Thread& thread);
    void expect_signal(Thread& self);

    void op_compute(MayBlock& context, Random& random);
    void op_sleep(MayBlock& context, Random& random);
    void op_lock(MayBlock& context, Random& random);
    void op_lock_chain(MayBlock& context, Random& random);
    void op_lock_timed(MayBlock& context, Random& random);
    void op_yield(MayBlock& context, Random& random);
    void op_parameters(MayBlock& context, Random& random);
    void op_affinity(MayBlock& context, Random& random);
    void op_take_token(MayBlock& context, Random& random);
    void op_give_token(MayBlock& context, Random& random);
    void op_request(MayBlock& context, Random& random);
    void op_timer(MayBlock& context, Random& random);
    void op_signal(MayBlock& context, Random& random);
    void op_thread(MayBlock& context, Random& random);
    void op_await_signal(MayBlock& context, Random& random);
    void op_held(MayBlock& context, Random& random);
    void op_gate(MayBlock& context, Random& random);
    void op_reference(MayBlock& context, Random& random);
    void check_threads(MayBlock& context);

    const Case& case_;
    TestMachine machine_;
    Checkers checkers_;
    Random random_;
    Shared* shared_ = new Shared;
    std::vector<std::unique_ptr<Handler>> handlers_;
    std::vector<Thread*> threads_;
    std::vector<u64> signals_sent_, interruptions_;  // of each of the threads
    u64 interrupts_left_ = 0;
    // Of what is measured while the clock may step several times.
    const i64 clock_error_ns_ = case_.faults.points >> static_cast<u32>(FaultPoint::clock_step) & 1 ? 500 : 0;
    Atomic<u32> living_{0};  // objects with a reference
    Atomic<u32> users_{0};   // of the server and the locks
};

// Seeds differ in how they disturb: some much, some seldom but for long.
// --- What threads do.

const Mixed::Operation Mixed::operations_[mixed_operation_count] = {
    &Mixed::op_compute, &Mixed::op_sleep,      &Mixed::op_lock,      &Mixed::op_lock_chain, &Mixed::op_lock_timed,
    &Mixed::op_yield,   &Mixed::op_parameters, &Mixed::op_affinity,  &Mixed::op_take_token, &Mixed::op_give_token,
    &Mixed::op_request, &Mixed::op_timer,      &Mixed::op_signal,    &Mixed::op_thread,     &Mixed::op_await_signal,
    &Mixed::op_held,    &Mixed::op_gate,       &Mixed::op_reference,
};

SchedulingParameters Mixed::some_parameters(Random& random)
{
    SchedulingParameters parameters;
    const u64 kind = random.below(8);
    if (kind == 0) {
        parameters.policy = random.one_in(8) ? Policy::idle : Policy::other;
        parameters.nice = static_cast<i8>(static_cast<int>(random.below(40)) - 20);
    } else {
        parameters.policy = kind < 3 ? Policy::round_robin : Policy::fifo;
        parameters.priority = static_cast<Level>(1 + random.below(random.one_in(2) ? 5 : 60));
    }
    return parameters;
}

CpuSet Mixed::some_cpus(Random& random)
{
    CpuSet set = CpuSet::only(CpuId{static_cast<u32>(random.below(case_.cpus))});
    if (random.one_in(3)) return set;
    for (u32 cpu = 0; cpu < case_.cpus; cpu++)
        if (random.one_in(2)) set.set(cpu);
    return set;
}

void Mixed::enter(Guarded& guarded, Thread& thread)
{
    if (!guarded.mutex.held_by(thread)) PANIC("a mutex that was locked is not held");
    if (guarded.inside) PANIC("two threads hold a mutex");
    guarded.inside = &thread;
}

void Mixed::leave(Guarded& guarded, Thread& thread)
{
    if (guarded.inside != &thread) PANIC("another thread was in the mutex");
    guarded.inside = nullptr;
    guarded.mutex.unlock(thread);
}

// Also: what it has used is charged to the thread, and nothing else.
void Mixed::op_compute(MayBlock& context, Random& random)
{
    const i64 rounding_ns = 5 + clock_error_ns_;
    const Duration used = nanoseconds(static_cast<i64>(random.below(8000)));
    const Instant start = hal::now();
    const Duration before = machine_.scheduler().run_time(context.thread());
    machine_.compute(used);
    const Duration charged = machine_.scheduler().run_time(context.thread()) - before;
    if (charged.ns + rounding_ns < used.ns) PANIC("a thread computed and was not charged for it");
    // On several CPUs the switch that takes a thread over is charged to it, too, from before the other let it go.
    if (case_.cpus == 1 && charged.ns > (hal::now() - start).ns + rounding_ns)
        PANIC("a thread was charged for more than it ran");
}

void Mixed::op_sleep(MayBlock& context, Random& random)
{
    const Instant end = soon(random, 20'000);
    const Thread::Wake wake = machine_.scheduler().park(context, WaitMode::uninterruptible, end);
    if (wake == Thread::Wake::timed_out && hal::now() < end) PANIC("a sleep ended early");
}

void Mixed::lock_from(MayBlock& context, Random& random, usize first)
{
    Thread& self = context.thread();
    Guarded& guarded = shared_->mutexes[first];
    guarded.mutex.lock(self);
    enter(guarded, self);
    compute(random, 1500);
    const usize next = first + 1 + random.below(3);
    if (next < std::size(shared_->mutexes) && !random.one_in(3)) lock_from(context, random, next);
    leave(guarded, self);
}

void Mixed::op_lock(MayBlock& context, Random& random)
{
    Guarded& guarded = shared_->mutexes[random.below(std::size(shared_->mutexes))];
    guarded.mutex.lock(context.thread());
    enter(guarded, context.thread());
    compute(random, 3000);
    leave(guarded, context.thread());
}

void Mixed::op_lock_chain(MayBlock& context, Random& random) { lock_from(context, random, random.below(3)); }

void Mixed::op_lock_timed(MayBlock& context, Random& random)
{
    Guarded& guarded = shared_->mutexes[random.below(std::size(shared_->mutexes))];
    const Result<void> result = guarded.mutex.lock_interruptible(context, soon(random, 6000));
    if (!result.ok()) {
        if (result.error() == Errno::edeadlk) PANIC("a deadlock where there is none");
        if (result.error() == Errno::erestartnointr) expect_signal(context.thread());
        machine_.scheduler().clear_work(context.thread(), Work::signal);
        return;
    }
    enter(guarded, context.thread());
    compute(random, 1000);
    leave(guarded, context.thread());
}

void Mixed::op_yield(MayBlock& context, Random&) { machine_.scheduler().yield(context); }

void Mixed::op_parameters(MayBlock& context, Random& random)
{
    machine_.scheduler().set_parameters(context, some_thread(random), some_parameters(random));
}

void Mixed::op_affinity(MayBlock& context, Random& random)
{
    const CpuSet cpus = some_cpus(random);
    Thread& thread = some_thread(random);
    if (!machine_.scheduler().set_affinity(context, thread, cpus).ok()) PANIC("an affinity was refused");
}

void Mixed::op_take_token(MayBlock& context, Random& random)
{
    static constexpr WaitMode modes[] = {WaitMode::interruptible, WaitMode::killable, WaitMode::uninterruptible};
    const WaitOptions options{modes[random.below(3)], soon(random, 20'000)};
    const Result<void> result = shared_->tokens[random.below(3)].take(context, options);
    if (result.ok()) return;
    if (result.error() == Errno::etimedout && hal::now() < options.deadline) PANIC("a wait timed out early");
    if (result.error() == Errno::erestartsys) {
        if (options.mode != WaitMode::interruptible) PANIC("a signal ended a wait that it must not end");
        expect_signal(context.thread());
    }
    machine_.scheduler().clear_work(context.thread(), Work::signal);
}

void Mixed::op_give_token(MayBlock& context, Random& random)
{
    if (random.one_in(4)) {
        LockGuard guard(shared_->requests_lock, context);
        (void)shared_->tokens[random.below(3)].none_under(guard);
    }
    if (random.one_in(4) && shared_->tokens[random.below(3)].try_give(context)) return;
    shared_->tokens[random.below(3)].give(context, static_cast<unsigned>(1 + random.below(2)));
}

void Mixed::op_request(MayBlock& context, Random& random)
{
    Request request;
    {
        LockGuard guard(shared_->requests_lock, context);
        shared_->requests.push_back(request);
        shared_->server_queue.wake_one();
    }
    if (random.one_in(2)) compute(random, 3000);
    (void)request.done.wait(context);
}

void Mixed::op_timer(MayBlock& context, Random& random)
{
    Timer timer(*shared_);
    const Instant due = soon(random, 10'000);
    timer.arm(due);
    if (random.one_in(3)) {
        (void)timer.expired.wait(context);
        if (hal::now() < due) PANIC("a timer expired early");
    } else if (random.one_in(2)) {
        compute(random, 10'000);
        timer.arm(soon(random, 5000));
    }
    if (timer.cancel()) {
        if (timer.armed()) PANIC("a cancelled timer is armed");
        const u32 expiries = timer.count;
        compute(random, 10'000);
        if (timer.count > expiries + 1) PANIC("a cancelled timer expired");
    }
    timer.cancel_and_wait(context);
}

// --- Signals: a wait is interrupted when one was sent, once for each at most.

void Mixed::send_signal(Thread& thread)
{
    signals_sent_[static_cast<usize>(std::ranges::find(threads_, &thread) - threads_.begin())]++;
    machine_.scheduler().set_work(thread, Work::signal);
}

void Mixed::expect_signal(Thread& self)
{
    const usize index = static_cast<usize>(std::ranges::find(threads_, &self) - threads_.begin());
    if (++interruptions_[index] > signals_sent_[index]) PANIC("a wait was interrupted without a signal");
}

void Mixed::op_signal(MayBlock&, Random& random) { send_signal(some_thread(random)); }

// Waits for what never comes, until the server, or somebody before, sends a signal.
void Mixed::op_await_signal(MayBlock& context, Random& random)
{
    Thread& self = context.thread();
    Request request;
    request.to_signal = &self;
    {
        LockGuard guard(shared_->requests_lock, context);
        shared_->requests.push_back(request);
        shared_->server_queue.wake_one();
    }
    if (random.one_in(2)) compute(random, 3000);
    Completion never;
    if (never.wait(context, {.mode = WaitMode::interruptible}).error() != Errno::erestartsys)
        PANIC("a wait without end has ended");
    expect_signal(self);
    machine_.scheduler().clear_work(self, Work::signal);
    (void)request.done.wait(context);
}

void Mixed::op_held(MayBlock& context, Random& random)
{
    Held& held = shared_->held[random.below(2)];
    const auto inside = [&] {
        if (std::exchange(held.inside, &context.thread())) PANIC("two threads hold a mutex");
        compute(random, 1000);
        if (random.one_in(2)) op_sleep(context, random);
        if (std::exchange(held.inside, nullptr) != &context.thread()) PANIC("another thread was in the mutex");
    };
    if (random.one_in(2)) {
        MutexGuard guard(held.mutex, context);
        inside();
    } else if (held.mutex.try_acquire(context)) {
        inside();
        held.mutex.release(context);
    }
}

// Who waits at the gate passes when it opens; of a private one each opening counts once, or for all.
void Mixed::op_gate(MayBlock& context, Random& random)
{
    if (!random.one_in(3)) {
        const Instant deadline = soon(random, 20'000);
        const Result<void> result = shared_->gate.wait(context, {WaitMode::uninterruptible, deadline});
        if (!result.ok() && hal::now() < deadline) PANIC("a wait timed out early");
        return;
    }
    shared_->gate.complete_all();
    compute(random, 1000);
    shared_->gate.reset();
    Completion own;
    own.complete();
    own.complete();
    if (!own.try_wait() || !own.wait(context).ok() || own.try_wait()) PANIC("completions were counted wrong");
    own.complete_all();
    if (!own.wait(context).ok() || !own.try_wait() || !own.try_wait()) PANIC("an open gate was closed");
    own.reset();
    if (own.try_wait()) PANIC("a closed gate was open");
}

// Objects that threads take from a shared place, use, hand around, and put others in their place.
void Mixed::op_reference(MayBlock& context, Random& random)
{
    const usize slot = random.below(2);
    Ref<Counted> mine;
    if (random.one_in(4)) mine = Ref<Counted>::adopt(new Counted(living_));
    {
        LockGuard guard(shared_->objects_lock, context);
        Ref<Counted>& place = shared_->objects[slot];
        if (mine || random.one_in(8)) {
            Ref<Counted> old = std::exchange(place, mine);
            shared_->known[slot] = place.get();
            mine = std::move(old);
        } else if (random.one_in(2)) {
            mine = place;
        } else if (Counted* object = shared_->known[slot]; object && object->try_add_reference()) {
            mine = Ref<Counted>::adopt(object);
        }
    }
    if (!mine) return;
    mine->check();
    const Ref<Counted> again = Ref<Counted>::share(*mine);
    if (!(again == mine)) PANIC("two references to one object differ");
    compute(random, 1000);
    mine = nullptr;
    again->check();
}

// --- Threads that come and go.

void Mixed::passing_thread(MayBlock& context, void* argument)
{
    Passing passing = *static_cast<Passing*>(argument);
    delete static_cast<Passing*>(argument);
    Random random(passing.seed);
    for (u64 count = random.below(4); count > 0; count--) passing.mixed->op_lock_chain(context, random);
    passing.mixed->leave(context);
}

// The last one lets the server go.
void Mixed::leave(MayBlock& context)
{
    LockGuard guard(shared_->requests_lock, context);
    if (users_.fetch_sub(1, Order::acq_rel) == 1) shared_->server_queue.wake_all();
}

void Mixed::op_thread(MayBlock& context, Random& random)
{
    users_.fetch_add(1, Order::relaxed);
    auto* passing = new Passing{this, random.next()};
    Result<Thread*> thread = machine_.scheduler().create_kernel_thread(
        context, "passing", static_cast<Level>(random.below(60)), &passing_thread, passing, some_cpus(random));
    if (!thread.ok()) {
        delete passing;
        users_.fetch_sub(1, Order::relaxed);
        return;
    }
    machine_.scheduler().start(*thread.value());
}

void Mixed::worker(MayBlock& context, u32 index)
{
    Random random = Random::stream(case_.seed, 2000 + index);
    // About four events an operation; counted here, because what other threads have done is not known in order.
    for (u64 left = 1 + case_.events / 4 / threads_.size(); left > 0; left--) {
        const u32 which = static_cast<u32>(random.below(mixed_operation_count));
        if (case_.operations >> which & 1)
            (this->*operations_[which])(context, random);
        else
            op_sleep(context, random);
    }
    leave(context);
}

void Mixed::server(MayBlock& context)
{
    Random random = Random::stream(case_.seed, 3000);
    for (;;) {
        Request* request = nullptr;
        {
            LockGuard guard(shared_->requests_lock, context);
            while (shared_->requests.empty()) {
                if (users_.load(Order::acquire) == 0) return;
                (void)shared_->server_queue.wait(context, guard, {.mode = WaitMode::uninterruptible});
            }
            request = &shared_->requests.front();
            shared_->requests.pop_front();
        }
        compute(random, 2000);
        if (request->to_signal) send_signal(*request->to_signal);
        request->done.complete();
    }
}

// Those that have ended are gone.
void Mixed::check_threads(MayBlock& context)
{
    Scheduler& scheduler = machine_.scheduler();
    for (ThreadId id{0};; id.value++) {
        Thread* thread = scheduler.next_kernel_thread(context, id);
        if (!thread) return;
        if (thread->id < id || scheduler.find_kernel_thread(context, thread->id) != thread)
            PANIC("a thread is not found by its number");
        if (std::string_view(thread->name) == "passing") PANIC("a thread that ended is still there");
        id = thread->id;
    }
}

// --- The machine around them.

void Mixed::start_kernel_threads()
{
    machine_.run([this](MayBlock& context) {
        if (!machine_.scheduler().start_reaper(context).ok()) PANIC("no reaper");
        for (u32 line = 4; line < 8; line++) {
            machine_.machine().line(line).level = line >= 6;
            handlers_.push_back(std::make_unique<Handler>(*this, line));
            if (!register_interrupt(context, line, "device", *handlers_.back()).ok()) PANIC("no interrupt line");
        }
    });
}

void Mixed::interrupt_now()
{
    machine_.raise_interrupt(static_cast<u32>(4 + random_.below(4)));
    if (interrupts_left_-- == 0) return;
    machine_.at(machine_.now() + nanoseconds(static_cast<i64>(1 + random_.below(40'000))), [this] { interrupt_now(); });
}

Outcome Mixed::run()
{
    Outcome outcome;
    try {
        start_kernel_threads();
        const u64 objects = machine_.kernel().slabs.objects_in_use();
        machine_.machine().faults.arm();
        const u32 count = case_.threads ? case_.threads : static_cast<u32>(2 + random_.below(3 * case_.cpus + 4));
        outcome.threads = count;
        users_.store(count, Order::relaxed);
        machine_.spawn("server", 20, [this](MayBlock& context) { server(context); });
        for (u32 index = 0; index < count; index++)
            threads_.push_back(&machine_.spawn(
                "worker", some_parameters(random_), [this, index](MayBlock& context) { worker(context, index); },
                some_cpus(random_)));
        signals_sent_.resize(count);
        interruptions_.resize(count);
        interrupts_left_ = case_.events / 20;
        interrupt_now();
        machine_.run(seconds(1000));
        machine_.run_until_idle();  // handlers and ended threads
        machine_.run([this](MayBlock& context) { check_threads(context); });
        for (Ref<Counted>& object : shared_->objects) object = nullptr;
        if (machine_.kernel().slabs.objects_in_use() != objects) throw sim::Stopped("objects of the kernel's are left");
        if (living_.load(Order::relaxed) != 0) throw sim::Stopped("objects are left that nobody refers to");
    } catch (const sim::Stopped& stopped) {
        outcome.failed = true;
        outcome.message = stopped.what();
    }
    fill(outcome, case_, machine_, checkers_);
    if (!outcome.failed) delete shared_;
    return outcome;
}

}  // namespace

Outcome run_mixed(const Case& what)
{
    // On the heap: a stopped machine leaves fibres that refer to it.
    auto mixed = std::make_unique<Mixed>(what);
    return mixed->run();
}

}  // namespace takt::scenario
