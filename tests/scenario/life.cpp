#include <abi/futex.hpp>
#include <algorithm>
#include <scenario/life.hpp>
#include <stdio.h>

namespace takt::scenario::life {
namespace {

namespace number = takt::number;
constexpr u64 futex_wait = abi::futex_op::wait, futex_wake = abi::futex_op::wake;
constexpr u64 orders_offset = 1024;
constexpr u64 fixed_anonymous = 0x30;

// Ulrich Drepper, "Futexes Are Tricky", mutex2. 0: free, 1: locked, 2: and somebody may wait.
void lock(Life& life, u64 word)
{
    u32 seen = life.self.compare_exchange<u32>(word, 0, 1);
    while (seen != 0) {
        if (seen == 2 || life.self.compare_exchange<u32>(word, 1, 2) != 0)
            life.self.call(number::futex, word, futex_wait, 2, 0);
        seen = life.self.compare_exchange<u32>(word, 0, 2);
    }
}

void unlock(Life& life, u64 word)
{
    if (life.self.fetch_add<u32>(word, ~0u) == 1) return;
    life.self.store<u32>(word, 0);
    life.must_call(number::futex, word, futex_wake, 1);
}

}  // namespace

Life::Life(Program& program) : self(program)
{
    order = self.read_value<Order>(self.argument());
    random = Random(order.seed);
}

Life::Life(Program& program, u64 seed) : self(program), random(seed) {}

// --- Tools.

void Life::check(bool good, const char* what, u64 detail)
{
    if (good) return;
    char text[160];
    snprintf(text, sizeof text, "thread %ld: %s (%ld)", static_cast<long>(self.call(number::gettid)), what,
             static_cast<long>(detail));
    self.machine().machine().stop(text);
}

// What a call may say when the kernel finds no memory, and nothing else: close(2), kill(2), wait4(2), a futex's release
// need none.
bool Life::explained(u64 call, i64 result)
{
    static constexpr u64 need_memory[] = {number::mmap,     number::munmap,        number::mprotect,  number::clone,
                                          number::pipe,     number::socketpair,    number::sendto,    number::write,
                                          number::eventfd2, number::epoll_create1, number::epoll_ctl, number::futex};
    if (scenario().what().faults.points == 0 || result != -static_cast<i64>(Errno::enomem)) return false;
    return std::ranges::find(need_memory, call) != std::end(need_memory);
}

i64 Life::check_result(u64 call, i64 result)
{
    if (result < 0) {
        char text[80];
        snprintf(text, sizeof text, "system call %lu failed: error", call);
        check(false, text, static_cast<u64>(-result));
    }
    return result;
}

void Life::map_areas()
{
    constexpr u64 shared = 1, private_ = 2;
    must_call(number::mmap, shared_start, shared_bytes, 3, fixed_anonymous | shared, ~0ull, 0);
    must_call(number::mmap, private_start, private_bytes, 3, fixed_anonymous | private_, ~0ull, 0);
}

u64 Life::map(u64 bytes)
{
    return static_cast<u64>(must_succeed(number::mmap, [&] { return self.map(bytes); }));
}

i64 Life::start(ProgramFunction child, std::span<const u64> words)
{
    Order told;
    told.seed = random.next();
    for (usize index = 0; index < words.size(); index++) told.words[index] = words[index];
    self.write_value(area + orders_offset, told);
    return must_succeed(number::clone, [&] { return self.fork(child, area + orders_offset); });
}

i64 Life::wait(i64 pid, i32& status)
{
    for (;;) {
        const i64 result = self.call(number::wait4, pid, area, 0, 0);
        if (result == -static_cast<i64>(Errno::eintr)) continue;
        if (result > 0) status = self.load<i32>(area);
        return result;
    }
}

void Life::wait_for_status(i64 pid, i32 wanted)
{
    i32 status = 0;
    const i64 ended = wait(pid, status);
    check(ended == pid, "wait4 found another child", static_cast<u64>(ended));
    check(status == wanted, "a child ended otherwise, with status", static_cast<u64>(status));
}

void Life::nap(u64 ns_max)
{
    self.write_value(area, abi::Timespec{0, static_cast<i64>(random.below(ns_max))});
    self.call(number::nanosleep, area, 0);
}

// Until what the kernel does later, if it can, is done.
void Life::rest()
{
    self.write_value(area, abi::Timespec{0, 20'000'000});
    self.call(number::nanosleep, area, 0);
}

void Life::fill(u64 start, u64 pages, u64 value)
{
    for (u64 page = 0; page < pages; page++)
        self.store<u64>(start + page * page_size + 8 * (value % 512), value + page);
}

void Life::check_filled(u64 start, u64 pages, u64 value, const char* what)
{
    for (u64 page = 0; page < pages; page++)
        check(self.load<u64>(start + page * page_size + 8 * (value % 512)) == value + page, what, page);
}

void Life::check_locks()
{
    for (u64 guarded :
         {lock_at(0), lock_at(1), lock_at(2), lock_at(3), pi_lock_at(0), pi_lock_at(1), pi_lock_at(2), pi_lock_at(3)}) {
        const u64 first = self.load<u64>(guarded + Guarded::first);
        check(first == self.load<u64>(guarded + Guarded::second), "a lock's words differ");
        check(first == self.load<u64>(guarded + Guarded::raised), "a lock's words were raised by two at once");
    }
}

// --- Operations without other processes.

const Life::Operation Life::operations_[processes_operation_count] = {
    &Life::op_compute,       &Life::op_sleep,    &Life::op_lock,   &Life::op_pi_lock,
    &Life::op_parameters,    &Life::op_affinity, &Life::op_timer,  &Life::op_fork,
    &Life::op_copy_on_write, &Life::op_protect,  &Life::op_pipe,   &Life::op_socket,
    &Life::op_kill,          &Life::op_handler,  &Life::op_events, &Life::op_threads,
};

void Life::do_one_of(u32 count)
{
    const u64 which = random.below(count);
    if (scenario().what().operations >> which & 1)
        (this->*operations_[which])();
    else
        op_sleep();
}

void Life::do_something() { do_one_of(processes_operation_count); }
void Life::do_something_alone() { do_one_of(alone_count); }

void Life::op_compute() { compute(20'000); }
void Life::op_sleep() { nap(40'000); }

// Under a lock.
void Life::raise(u64 guarded)
{
    const u64 value = self.load<u64>(guarded + Guarded::first);
    check(value == self.load<u64>(guarded + Guarded::second), "two are inside of a lock");
    self.store<u64>(guarded + Guarded::first, value + 1);
    if (random.one_in(2)) compute(3000);
    if (random.one_in(8)) nap(5000);
    self.store<u64>(guarded + Guarded::second, value + 1);
    self.fetch_add<u64>(guarded + Guarded::raised, 1);
}

void Life::op_lock()
{
    const u64 guarded = lock_at(random.below(lock_count));
    lock(*this, guarded);
    raise(guarded);
    unlock(*this, guarded);
}

void Life::op_pi_lock()
{
    const u64 guarded = pi_lock_at(random.below(pi_lock_count));
    const u32 self_id = static_cast<u32>(self.call(number::gettid));
    if (self.compare_exchange<u32>(guarded, 0, self_id) != 0)
        must_call(number::futex, guarded, u64{abi::futex_op::lock_pi}, 0, 0);
    raise(guarded);
    if (self.compare_exchange<u32>(guarded, self_id, 0) != self_id)
        must_call(number::futex, guarded, u64{abi::futex_op::unlock_pi});
}

void Life::op_parameters()
{
    const u64 policy = random.below(3);  // other, FIFO, round robin
    self.store<u32>(area, policy == 0 ? 0 : static_cast<u32>(1 + random.below(60)));
    must_call(number::sched_setscheduler, 0, policy, area);
}

void Life::op_affinity()
{
    const u32 cpus = self.machine().cpu_count();
    const u64 first = random.below(cpus);
    const u64 all = cpus >= 64 ? ~0ull : (1ull << cpus) - 1;
    const u64 mask = random.one_in(2) ? all : (random.next() & all) | 1ull << first % 64;
    self.store<u64>(area, mask);
    must_call(number::sched_setaffinity, 0, 8, area);
}

}  // namespace takt::scenario::life
