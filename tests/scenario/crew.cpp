#include <algorithm>
#include <arch/sim/user_mode.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <scenario/crew.hpp>
#include <stdio.h>

namespace takt::scenario::crew {
namespace {

namespace flag = abi::clone_flag;

// A member's page.
constexpr u64 go = 0, done_word = 4, call_number = 8, call_arguments = 16, call_result = 64, finished_at = 72,
              id_word = 80, leaves = 84;

}  // namespace

// --- Members.

void member_main(Program& self)
{
    const u64 slot = self.argument();
    for (u32 seen = 0;;) {
        while (self.load<u32>(slot + go) == seen) self.call(number::futex, slot + go, op::wait, seen, 0);
        seen++;
        u64 arguments[6];
        for (u64 index = 0; index < 6; index++) arguments[index] = self.load<u64>(slot + call_arguments + 8 * index);
        const u64 call = self.load<u64>(slot + call_number);
        const i64 result = call >= storm_of_waits ? storm(self, call, slot)
                                                  : self.call(call, arguments[0], arguments[1], arguments[2],
                                                              arguments[3], arguments[4], arguments[5]);
        self.store<i64>(slot + call_result, result);
        if (self.load<u32>(slot + leaves)) self.exit_thread(0);
        self.store<i64>(slot + finished_at, self.machine().now().ns);
        self.store<u32>(slot + done_word, seen);
        self.call(number::futex, slot + done_word, op::wake, 1);
    }
}

void count_signal(Program& self) { self.fetch_add<u32>(signals_seen, 1); }

void Crew::start()
{
    constexpr u64 shared = 0x31, private_ = 0x32;  // anonymous, at that address
    must(self.call(number::mmap, shared_start, shared_end - shared_start, 3, shared, ~0ull, 0), "mmap");
    must(self.call(number::mmap, private_start, (private_pages + 1) * page_size, 3, private_, ~0ull, 0), "mmap");
    must(self.call(number::mmap, stacks_start, member_count_max * page_size, 3, private_, ~0ull, 0), "mmap");
    for (u64 page = 0; page < private_pages; page++) self.store<u32>(private_start + page * page_size, 0);
    threads = static_cast<u32>(3 + random.below(2));
    count = threads + 1;
    for (u32 index = 0; index < count; index++) start_member(index, index >= threads);
}

void Crew::start_member(u32 index, bool is_process)
{
    Member& member = members[index];
    member = {};
    member.slot = slot_of(index);
    member.is_process = is_process;
    self.store<u32>(member.slot + go, 0);
    self.store<u32>(member.slot + done_word, 0);
    self.store<u32>(member.slot + leaves, 0);
    if (is_process) {
        member.id = static_cast<i32>(must(self.fork(member_main, member.slot), "fork"));
        return;
    }
    constexpr u64 flags = flag::vm | flag::fs | flag::files | flag::signal_handlers | flag::thread |
                          flag::system_v_semaphores | flag::parent_set_tid | flag::child_clear_tid;
    const u64 word = member.slot + id_word;
    member.id = static_cast<i32>(
        must(self.clone(flags, member_main, member.slot, stacks_start + (index + 1) * page_size, word, word), "clone"));
}

// The kernel clears the word of a thread that has ended, and wakes who waits for that.
void Crew::join(Member& member)
{
    if (member.is_process) {
        expect(self.call(number::wait4, member.id, chief_area, 0, 0), member.id, "wait4");
    } else {
        const u64 word = member.slot + id_word;
        for (u32 id = self.load<u32>(word); id != 0; id = self.load<u32>(word)) futex(op::wait, word, id);
    }
    member.id = 0;
}

void Crew::replace(Member& member)
{
    join(member);
    start_member(static_cast<u32>(&member - members), member.is_process);
}

void Crew::dismiss()
{
    for (u32 index = 0; index < count; index++) {
        tell(members[index], number::exit, 0);
        join(members[index]);
    }
}

// --- Tools.

void Crew::check(bool good, const char* what, i64 detail)
{
    if (good) return;
    char text[160];
    snprintf(text, sizeof text, "%s (%ld)", what, static_cast<long>(detail));
    self.machine().machine().stop(text);
}

void Crew::expect(i64 result, i64 wanted, const char* what)
{
    if (result == wanted) return;
    char text[160];
    snprintf(text, sizeof text, "%s: %ld instead of %ld", what, static_cast<long>(result), static_cast<long>(wanted));
    self.machine().machine().stop(text);
}

i64 Crew::must(i64 result, const char* what)
{
    check(result >= 0, what, result);
    return result;
}

void Crew::nap(u64 ns)
{
    self.write_value(chief_area, abi::Timespec{0, static_cast<i64>(ns)});
    self.call(number::nanosleep, chief_area, 0);
}

void Crew::tell_call(Member& member, u64 number, std::initializer_list<u64> arguments)
{
    u64 index = 0;
    for (u64 argument : arguments) self.store<u64>(member.slot + call_arguments + 8 * index++, argument);
    for (; index < 6; index++) self.store<u64>(member.slot + call_arguments + 8 * index, 0);
    member.call = number;
    member.first_argument = arguments.size() ? *arguments.begin() : 0;
    self.store<u64>(member.slot + call_number, number);
    self.store<u32>(member.slot + go, ++member.told);
    futex(op::wake, member.slot + go, 1);
}

bool Crew::done(const Member& member) { return self.load<u32>(member.slot + done_word) == member.told; }

i64 Crew::result(Member& member)
{
    const u64 word = member.slot + done_word;
    while (!done(member)) futex(op::wait, word, member.told - 1);
    return answer(member);
}

i64 Crew::answer(const Member& member) { return self.load<i64>(member.slot + call_result); }

void Crew::let_leave(const Member& member) { self.store<u32>(member.slot + leaves, 1); }

Instant Crew::finished(const Member& member) { return {self.load<i64>(member.slot + finished_at)}; }

void Crew::expect_result(Member& member, i64 wanted, const char* what) { expect(result(member), wanted, what); }

// In a wait that a signal may end: not one for a lock of the kernel on its way. Since longer than a CPU may run ahead
// of this one, so that it is so in virtual time.
bool Crew::sleeps(const Member& member)
{
    constexpr u64 lead = 2000;
    const u64 now = hal::cycles();
    sim::Machine::Outside outside(self.machine().machine());
    for (Thread* thread : self.machine().machine().user_threads) {
        if (thread->id.value != member.id) continue;
        const hal::UserFrame& frame = hal::user_frame(*thread);
        return thread->state == Thread::State::parked && thread->park_mode == WaitMode::interruptible &&
               thread->run_start_cycles + lead < now && frame.orig_rax == member.call &&
               frame.rdi == member.first_argument;
    }
    return false;
}

void Crew::await_sleep(Member& member)
{
    for (u32 tries = 0; tries < 5000; tries++) {
        if (done(member)) expect(result(member), 1, "a call came back that should wait");
        if (sleeps(member)) return;
        nap(3000);
    }
    check(false, "a thread does not come to wait", member.id);
}

u64 Crew::put_time(Member& member, i64 ns, u64 offset)
{
    self.write_value(member.data(offset), abi::Timespec{ns / 1'000'000'000, ns % 1'000'000'000});
    return member.data(offset);
}

void Crew::set_parameters(i32 thread, u32 level)
{
    constexpr u64 other = 0, fifo = 1;
    self.store<u32>(chief_area, level);
    must(self.call(number::sched_setscheduler, thread, level ? fifo : other, chief_area), "sched_setscheduler");
}

void Crew::set_level(Member& member, u32 level)
{
    set_parameters(member.id, level);
    member.level = level;
}

void Crew::draw_levels(u32 number)
{
    static constexpr u32 levels[] = {0, 5, 5, 9, 30};
    for (u32 index = 0; index < number; index++) set_level(members[index], levels[random.below(std::size(levels))]);
}

void Crew::sort(u32* waiting, u32 waiting_count) const
{
    std::stable_sort(waiting, waiting + waiting_count,
                     [this](u32 left, u32 right) { return members[left].level > members[right].level; });
}

const void* Crew::bucket_of(u64 word)
{
    AddressSpace* space = static_cast<Task&>(hal::current_thread()).process->address_space.get();
    FutexTable& futexes = hal::kernel().futexes;
    sim::Machine::Outside outside(self.machine().machine());
    return &futexes.bucket_of({space, word});
}

Crew::Words Crew::draw_words()
{
    Words words;
    if (random.one_in(3)) {
        words.word = shared_words + 4 * random.below(64);
        words.beside = words.word + 256;
        words.other = words.word + 512;
        words.members = count;
    } else {
        words.flag = op::private_flag;
        words.word = private_start + 4 * random.below(64);
        words.members = threads;
        const void* bucket = bucket_of(words.word);
        for (u64 word = words.word + 4; word < signals_seen && !(words.beside && words.other); word += 4)
            (bucket_of(word) == bucket ? words.beside : words.other) = word;
        check(words.beside && words.other, "no two words stand in one bucket");
        if (random.one_in(2)) words.flag = 0;  // found by way of the address space
    }
    for (u64 word : {words.word, words.beside, words.other}) self.store<u32>(word, 0);
    return words;
}

}  // namespace takt::scenario::crew
