// The operations that need other processes or threads, and what these do.
#include <abi/event.hpp>
#include <abi/socket.hpp>
#include <algorithm>
#include <scenario/life.hpp>

namespace takt::scenario::life {
namespace {

namespace number = takt::number;
constexpr int sigkill = 9, sigusr1 = 10, sigsegv = 11, sigalrm = 14, sigterm = 15;
constexpr u64 buffer_bytes = 512;

u64 own_buffer(Life& life) { return life.area + 512; }

// --- Children. Each ends with status 0 when all was as it should be.

void end_at_once(Program& self) { self.exit(0); }

void some_operations(Program& self)
{
    Life life(self);
    for (u64 left = 1 + life.random.below(3); left > 0; left--) life.do_something_alone();
    self.exit(0);
}

// words: pages, their number, what they hold.
void copy_on_write(Program& self)
{
    Life life(self);
    const auto [start, pages, value] = std::tuple{life.order.words[0], life.order.words[1], life.order.words[2]};
    if (life.random.one_in(2)) life.compute(5000);
    life.check_filled(start, pages, value, "a child does not see what its parent had");
    life.fill(start, pages, value + 1000);
    if (life.random.one_in(2)) life.nap(10'000);
    life.check_filled(start, pages, value + 1000, "a child does not see what it has written");
    self.exit(0);
}

// words: a page that can't be written, or not be read.
void break_protection(Program& self)
{
    Life life(self);
    if (life.order.words[1])
        self.load<u64>(life.order.words[0]);
    else
        self.store<u64>(life.order.words[0], 1);
    self.exit(0);
}

// words: the pipe's ends, bytes.
void write_to_pipe(Program& self)
{
    Life life(self);
    life.must_call(number::close, life.order.words[0]);
    const u64 bytes = life.order.words[2];
    for (u64 done = 0; done < bytes;) {
        const u64 here = std::min(bytes - done, 1 + life.random.below(buffer_bytes / 2));
        for (u64 index = 0; index < here; index++)
            self.store<u8>(own_buffer(life) + index, static_cast<u8>((done + index) * 7));
        const i64 written = life.must_call(number::write, life.order.words[1], own_buffer(life), here);
        done += static_cast<u64>(written);
        if (life.random.one_in(4)) life.nap(5000);
    }
    self.exit(0);
}

// words: the socket's ends, messages.
void echo(Program& self)
{
    Life life(self);
    life.must_call(number::close, life.order.words[0]);
    const u64 socket = life.order.words[1];
    for (;;) {
        const i64 bytes = life.must_call(number::recvfrom, socket, own_buffer(life), 8, 0, 0, 0);
        if (bytes == 0) break;
        life.check(bytes == 8, "a message came in parts", static_cast<u64>(bytes));
        self.fetch_add<u64>(own_buffer(life), 1);
        life.must_call(number::sendto, socket, own_buffer(life), 8, 0, 0, 0);
    }
    self.exit(0);
}

// Until it is killed. words: how; a pipe with nothing in it.
void never_end(Program& self)
{
    Life life(self);
    self.store<u32>(life.area, 0);
    life.must_call(number::sched_setscheduler, 0, 0, life.area);  // else nobody could kill it
    for (;;) {
        switch (life.order.words[0]) {
        case 0:
            life.compute(10'000);
            break;
        case 1:
            life.nap(10'000);
            break;
        case 2:
            self.store<u32>(own_buffer(life), 1);
            self.call(number::futex, own_buffer(life), 0, 1, 0);
            break;
        case 3:
            self.call(number::read, life.order.words[1], own_buffer(life), 1);
            break;
        default: {
            const u64 pages = life.map(3 * page_size);
            life.fill(pages, 3, 5);
            life.must_call(number::munmap, pages, 3 * page_size);
        }
        }
    }
}

void count_signal(Program& self) { self.fetch_add<u32>(signals_seen, 1); }

// words: whom, how often.
void send_signals(Program& self)
{
    Life life(self);
    for (u64 left = life.order.words[1]; left > 0; left--) {
        life.must_call(number::kill, life.order.words[0], sigusr1);
        if (life.random.one_in(2)) life.nap(10'000);
    }
    self.exit(0);
}

// words: an event file, how often.
void count_events(Program& self)
{
    Life life(self);
    for (u64 left = life.order.words[1]; left > 0; left--) {
        self.store<u64>(own_buffer(life), 1);
        life.must_call(number::write, life.order.words[0], own_buffer(life), 8);
        if (life.random.one_in(2)) life.nap(5000);
    }
    self.exit(0);
}

// --- Threads that use pages while others take them away.

// words: an address. It was copied while others wrote to it; now nobody does.
void read_twice(Program& self)
{
    Life life(self);
    const u64 first = self.load<u64>(life.order.words[0]);
    life.compute(10'000);
    life.check(self.load<u64>(life.order.words[0]) == first, "a page of a child changes under it");
    self.exit(0);
}

struct Region {
    u64 start, pages, index;
};

void change_mapping(Life& life, u64 start, u64 length)
{
    constexpr u64 dont_need = 4, fixed_private_anonymous = 0x32;
    switch (life.random.below(3)) {
    case 0:
        life.must_call(number::madvise, start, length, dont_need);
        return;
    case 1:
        life.must_call(number::mmap, start, length, 3, fixed_private_anonymous, ~0ull, 0);
        return;
    default:
        life.must_call(number::mprotect, start, length, 7);
        life.must_call(number::mprotect, start, length, 3);
    }
}

// Each has a word of its own in each page: it holds what was written, or zero once the page was taken away.
void use_region(Life& life, const Region& region)
{
    for (u64 left = 2 + life.random.below(6); left > 0; left--) {
        const u64 page = region.start + life.random.below(region.pages) * page_size;
        const u64 word = page + 64 * region.index;
        const u64 value = life.random.next() | 1;
        life.self.store<u64>(word, value);
        if (life.random.one_in(2)) life.compute(2000);
        const u64 seen = life.self.load<u64>(word);
        life.check(seen == value || seen == 0, "a thread's word holds something else", seen);
        if (life.random.one_in(3)) {
            const u64 last = region.start + region.pages * page_size;
            const u64 length = std::min(last - page, (1 + life.random.below(3)) * page_size);
            change_mapping(life, page, length);
        }
        if (life.random.one_in(6)) {
            const u64 words[] = {page + 64 * life.random.below(4)};
            life.wait_for_status(life.start(read_twice, words), 0);
        }
    }
}

constexpr u64 thread_bytes = 2 * page_size;  // its area, its stack
constexpr u64 thread_order = 1024, thread_word = 3072;

// words: the region, its pages, whose number this is, the thread's area.
void use_region_thread(Program& self)
{
    Life life(self);
    life.area = life.order.words[3];
    use_region(life, {life.order.words[0], life.order.words[1], life.order.words[2]});
    self.exit_thread(0);
}

void start_thread(Life& life, const Region& region, u64 place)
{
    namespace flag = abi::clone_flag;
    constexpr u64 flags = flag::vm | flag::fs | flag::files | flag::signal_handlers | flag::thread |
                          flag::system_v_semaphores | flag::parent_set_tid | flag::child_clear_tid;
    Order told;
    told.seed = life.random.next();
    told.words[0] = region.start;
    told.words[1] = region.pages;
    told.words[2] = region.index;
    told.words[3] = place;
    life.self.write_value(place + thread_order, told);
    const u64 word = place + thread_word;
    life.must_succeed(number::clone, [&] {
        return life.self.clone(flags, use_region_thread, place + thread_order, place + thread_bytes, word, word);
    });
}

void join_thread(Life& life, u64 place)
{
    const u64 word = place + thread_word;
    for (u32 id = life.self.load<u32>(word); id != 0; id = life.self.load<u32>(word))
        life.self.call(number::futex, word, 0, id, 0);
}

}  // namespace

std::span<const ProgramFunction> child_functions()
{
    static constexpr ProgramFunction functions[] = {
        end_at_once, some_operations, copy_on_write, break_protection, write_to_pipe, echo,
        never_end,   count_signal,    send_signals,  count_events,     read_twice,    use_region_thread};
    return functions;
}

void Life::child_that_exits() { wait_for_status(start(end_at_once), 0); }

// --- Operations.

void Life::op_fork() { wait_for_status(start(some_operations), 0); }

void Life::op_copy_on_write()
{
    const u64 pages = 1 + random.below(4);
    const u64 start_address = map(pages * page_size);
    const u64 value = random.below(100'000);
    fill(start_address, pages, value);
    const u64 words[] = {start_address, pages, value};
    const i64 child = start(copy_on_write, words);
    check_filled(start_address, pages, value, "a parent does not see what it had");
    fill(start_address, pages, value + 2000);
    if (random.one_in(2)) nap(10'000);
    check_filled(start_address, pages, value + 2000, "a parent does not see what it has written");
    wait_for_status(child, 0);
    must_call(number::munmap, start_address, pages * page_size);
}

void Life::op_protect()
{
    const u64 page = map(page_size);
    self.store<u64>(page, 17);
    const u64 none = random.below(2);
    must_call(number::mprotect, page, page_size, none ? 0 : 1);
    const u64 words[] = {page, none};
    wait_for_status(start(break_protection, words), sigsegv);
    must_call(number::mprotect, page, page_size, 3);
    check(self.load<u64>(page) == 17, "a page lost its word to mprotect");
    self.store<u64>(page, 18);
    must_call(number::munmap, page, page_size);
}

void Life::op_pipe()
{
    must_call(number::pipe, area);
    const u64 from = self.load<u32>(area), to = self.load<u32>(area + 4);
    const u64 bytes = 1 + random.below(1000);
    const u64 words[] = {from, to, bytes};
    const i64 child = start(write_to_pipe, words);
    must_call(number::close, to);
    u64 done = 0;
    for (;;) {
        const i64 got = must_call(number::read, from, own_buffer(*this), 1 + random.below(buffer_bytes));
        if (got == 0) break;
        for (u64 index = 0; index < static_cast<u64>(got); index++)
            check(self.load<u8>(own_buffer(*this) + index) == static_cast<u8>((done + index) * 7),
                  "a byte of a pipe is another one", done + index);
        done += static_cast<u64>(got);
    }
    check(done == bytes, "bytes of a pipe are missing", done);
    must_call(number::close, from);
    wait_for_status(child, 0);
}

void Life::op_socket()
{
    const i32 type = random.one_in(2) ? abi::socket_type::stream : abi::socket_type::sequential_packets;
    must_call(number::socketpair, abi::family_unix, type, 0, area);
    const u64 own = self.load<u32>(area), other = self.load<u32>(area + 4);
    const u64 words[] = {own, other};
    const i64 child = start(echo, words);
    must_call(number::close, other);
    for (u64 left = 1 + random.below(5); left > 0; left--) {
        const u64 value = random.next();
        self.store<u64>(own_buffer(*this), value);
        must_call(number::sendto, own, own_buffer(*this), 8, 0, 0, 0);
        check(must_call(number::recvfrom, own, own_buffer(*this), 8, 0, 0, 0) == 8, "an answer came in parts");
        check(self.load<u64>(own_buffer(*this)) == value + 1, "an answer is another one");
    }
    must_call(number::close, own);
    wait_for_status(child, 0);
}

void Life::op_kill()
{
    must_call(number::pipe, area);
    const u64 from = self.load<u32>(area), to = self.load<u32>(area + 4);
    const u64 words[] = {random.below(5), from};
    const i64 child = start(never_end, words);
    if (random.one_in(2)) nap(40'000);
    const int signal = random.one_in(2) ? sigkill : sigterm;
    must_call(number::kill, child, signal);
    wait_for_status(child, signal);
    must_call(number::close, from);
    must_call(number::close, to);
}

void Life::op_timer()
{
    constexpr u64 real_timer = 0, block = 0, unblock = 1;
    set_handler(sigalrm, count_signal);
    self.store<u64>(area, 1ull << (sigalrm - 1));
    must_call(number::rt_sigprocmask, block, area, 0, 8);
    self.store<u32>(signals_seen, 0);
    abi::Itimerval when{};
    when.value.microseconds = static_cast<i64>(1 + random.below(50));
    self.write_value(area, when);
    must_call(number::setitimer, real_timer, area, 0);
    self.store<u64>(area, 0);
    while (self.load<u32>(signals_seen) == 0) self.call(number::rt_sigsuspend, area, 8);
    check(self.load<u32>(signals_seen) == 1, "a timer that goes off once did so more often");
    self.store<u64>(area, 1ull << (sigalrm - 1));
    must_call(number::rt_sigprocmask, unblock, area, 0, 8);
}

void Life::op_handler()
{
    set_handler(sigusr1, count_signal);
    self.store<u32>(signals_seen, 0);
    const u64 count = 1 + random.below(4);
    const u64 words[] = {static_cast<u64>(self.call(number::getpid)), count};
    const bool computes = random.one_in(3);
    if (computes) {  // as the child, or that would not run
        self.store<u32>(area, 0);
        must_call(number::sched_setscheduler, 0, 0, area);
    }
    const i64 child = start(send_signals, words);
    while (computes && self.load<u32>(signals_seen) == 0) compute(1000);
    if (random.one_in(2)) do_something_alone();
    wait_for_status(child, 0);
    self.call(number::getpid);  // what was sent has been seen when a call returns
    const u32 seen = self.load<u32>(signals_seen);
    check(seen >= 1 && seen <= count, "handlers ran another number of times", seen);
}

void Life::op_events()
{
    constexpr u32 readable = 1;
    const u64 events = static_cast<u64>(must_call(number::eventfd2, 0, 0));
    const u64 poll = static_cast<u64>(must_call(number::epoll_create1, 0));
    self.write_value(area, abi::EpollEvent{readable, 7});
    must_call(number::epoll_ctl, poll, abi::epoll::add, events, area);
    const u64 count = 1 + random.below(4);
    const u64 words[] = {events, count};
    const i64 child = start(count_events, words);
    for (u64 seen = 0; seen < count;) {
        check(must_call(number::epoll_wait, poll, area, 4, ~0ull) == 1, "epoll_wait found another number of files");
        must_call(number::read, events, area, 8);
        seen += self.load<u64>(area);
        check(seen <= count, "an event file counts what nobody wrote", seen);
    }
    must_call(number::close, poll);
    must_call(number::close, events);
    wait_for_status(child, 0);
}

void Life::op_threads()
{
    const u64 count = 1 + random.below(3);
    const u64 pages = 2 + random.below(6);
    Region region{map(pages * page_size), pages, 0};
    const u64 stacks = map(count * thread_bytes);
    for (u64 index = 0; index < count; index++) {
        region.index = index;
        start_thread(*this, region, stacks + index * thread_bytes);
    }
    region.index = count;
    use_region(*this, region);
    for (u64 index = 0; index < count; index++) join_thread(*this, stacks + index * thread_bytes);
    must_call(number::munmap, stacks, count * thread_bytes);
    must_call(number::munmap, region.start, pages * page_size);
}

void Life::set_handler(int signal, ProgramFunction handler)
{
    abi::Sigaction action{};
    action.handler = self.machine().address_of(handler);
    action.flags = abi::action_flag::restorer | (random.one_in(2) ? abi::action_flag::restart : 0);
    action.restorer = action.handler;
    self.write_value(area, action);
    must_call(number::rt_sigaction, signal, area, 0, 8);
}

}  // namespace takt::scenario::life
