// Calls that need memory, refused it at each place where they ask for it: an operation is repeated, and the first thing
// that it asks for is not there, then the second, the third, until nothing was refused any more. Each of its calls does
// what it should, or says ENOMEM; then nothing of it is left, and the kernel has as much as before.
#include <abi/errno.hpp>
#include <abi/event.hpp>
#include <abi/file.hpp>
#include <abi/ipc.hpp>
#include <abi/memory.hpp>
#include <abi/process.hpp>
#include <abi/socket.hpp>
#include <gtest/gtest.h>
#include <kernel/kernel.hpp>
#include <sim/call_numbers.hpp>
#include <sim/program_machine.hpp>

namespace takt {
namespace {

constexpr int sigkill = 9, sigsegv = 11;
constexpr u64 create_flag = 0100, exclusive_flag = 0200, read_write = 2, directory_flag = 0200000;

// Makes the calls of an operation, and sees what they answer.
class Caller {
public:
    Caller(Program& program, u64 pages) : self(program), area(pages) {}

    Program& self;
    const u64 area;  // 4 pages that are there
    bool refused = false;

    template <typename... Arguments>
    i64 call(u64 number, Arguments... arguments)
    {
        return look(number, self.call(number, arguments...));
    }
    i64 look(u64 number, i64 result)
    {
        if (result >= 0) return result;
        if (result == -static_cast<i64>(Errno::enomem))
            refused = true;
        else
            ADD_FAILURE() << "call " << number << " says " << -result;
        return result;
    }
    u64 text(u64 offset, std::string_view words) { return self.put(area + offset, words); }
    // Returns the child's status.
    i32 wait(i64 child)
    {
        EXPECT_EQ(call(number::wait4, child, area, 0, 0), child);
        return self.load<i32>(area);
    }
};

using Operation = void (*)(Caller&);

// --- Memory.

void mappings(Caller& caller)
{
    const i64 start = caller.look(number::mmap, caller.self.map(8 * page_size));
    if (start < 0) return;
    for (u64 page = 0; page < 8; page++) caller.self.store<u64>(static_cast<u64>(start) + page * page_size, page);
    caller.call(number::mprotect, start + 2 * page_size, page_size, 1);
    caller.call(number::madvise, start, 2 * page_size, abi::advice::dont_need);
    caller.call(number::munmap, start + 5 * page_size, page_size);
    const i64 moved = caller.call(number::mremap, start, 2 * page_size, 16 * page_size, 1);
    if (moved >= 0 && moved != start) caller.call(number::munmap, moved, 16 * page_size);
    while (caller.self.call(number::munmap, start, 8 * page_size) < 0) caller.refused = true;
}

void shared_mappings(Caller& caller)
{
    const i64 start = caller.look(number::mmap, caller.self.map(4 * page_size, true));
    if (start < 0) return;
    for (u64 page = 0; page < 4; page++) caller.self.store<u64>(static_cast<u64>(start) + page * page_size, page);
    caller.call(number::mlock, start, 4 * page_size);
    caller.call(number::munlock, start, 4 * page_size);
    caller.call(number::munmap, start, 4 * page_size);
}

void files_in_memory(Caller& caller)
{
    const i64 file = caller.call(number::memfd_create, caller.text(0, "a file"), 0);
    if (file < 0) return;
    caller.call(number::write, file, caller.area, 3 * page_size);
    caller.call(number::pread64, file, caller.area, page_size, page_size);
    caller.call(number::ftruncate, file, 100);
    const i64 start = caller.call(number::mmap, 0, page_size, 3, 1, file, 0);
    if (start >= 0) {
        caller.self.store<u64>(static_cast<u64>(start), 5);
        caller.call(number::munmap, start, page_size);
    }
    caller.call(number::close, file);
}

// --- Files.

void files(Caller& caller)
{
    const u64 name = caller.text(0, "/file"), other = caller.text(64, "/other");
    const i64 file = caller.call(number::open, name, create_flag | exclusive_flag | read_write, 0600);
    if (file < 0) return;
    caller.call(number::write, file, caller.area, 2 * page_size);
    abi::Flock lock{};
    lock.type = 1;
    lock.length = 100;
    caller.self.write_value(caller.area + 256, lock);
    caller.call(number::fcntl, file, 6 /* F_SETLK */, caller.area + 256);
    lock.type = 2;
    lock.start = 50;
    lock.length = 10;
    caller.self.write_value(caller.area + 256, lock);
    caller.call(number::fcntl, file, 6, caller.area + 256);
    caller.call(number::flock, file, 2);
    if (caller.call(number::link, name, other) >= 0) caller.call(number::unlink, other);
    if (caller.call(number::symlink, name, other) >= 0) {
        caller.call(number::readlink, other, caller.area + 1024, 100);
        caller.call(number::unlink, other);
    }
    caller.call(number::close, file);
    if (caller.call(number::rename, name, other) >= 0)
        caller.call(number::unlink, other);
    else
        caller.call(number::unlink, name);
}

void directories(Caller& caller)
{
    const u64 name = caller.text(0, "/directory"), inside = caller.text(64, "/directory/fifo");
    if (caller.call(number::mkdir, name, 0700) < 0) return;
    const bool fifo = caller.call(number::mknod, inside, 010600, 0) >= 0;
    const i64 directory = caller.call(number::open, name, directory_flag, 0);
    if (directory >= 0) {
        caller.call(number::getdents64, directory, caller.area + 1024, 1000);
        caller.call(number::fchdir, directory);
        caller.call(number::getcwd, caller.area + 1024, 1000);
        caller.call(number::close, directory);
    }
    while (caller.self.call(number::chdir, caller.text(128, "/")) < 0) caller.refused = true;
    if (fifo) caller.call(number::unlink, inside);
    caller.call(number::rmdir, name);
}

void mounts(Caller& caller)
{
    const u64 name = caller.text(0, "/mount");
    if (caller.call(number::mkdir, name, 0700) < 0) return;
    for (const char* type : {"tmpfs", "proc", "sysfs"}) {
        if (caller.call(number::mount, caller.text(64, "none"), name, caller.text(128, type), 0, 0) < 0) continue;
        const i64 directory = caller.call(number::open, name, directory_flag, 0);
        if (directory >= 0) {
            caller.call(number::getdents64, directory, caller.area + 1024, 3000);
            caller.call(number::close, directory);
        }
        caller.call(number::umount2, name, 0);
    }
    caller.call(number::rmdir, name);
}

// Calls body() with a file system of that type at `path`.
template <typename Body>
void with_mount(Caller& caller, const char* path, const char* type, Body body)
{
    const u64 name = caller.text(0, path);
    if (caller.call(number::mkdir, name, 0700) < 0) return;
    if (caller.call(number::mount, caller.text(64, "none"), name, caller.text(128, type), 0, 0) >= 0) {
        body();
        caller.call(number::umount2, name, 0);
    }
    caller.call(number::rmdir, name);
}

void process_files(Caller& caller)
{
    with_mount(caller, "/files", "proc", [&] {
        for (const char* file :
             {"/files/self/status", "/files/self/maps", "/files/1/stat", "/files/meminfo", "/files/stat",
              "/files/self/fd/0", "/files/mounts", "/files/interrupts", "/files/1/task/1/comm"}) {
            const i64 result = caller.self.call(number::open, caller.text(192, file), 0, 0);
            if (result == -static_cast<i64>(Errno::enoent)) continue;
            if (caller.look(number::open, result) < 0) continue;
            caller.call(number::read, result, caller.area + 1024, 3000);
            caller.call(number::close, result);
        }
    });
}

void terminals(Caller& caller)
{
    with_mount(caller, "/devices", "devtmpfs", [&] {
        const i64 terminal = caller.call(number::open, caller.text(192, "/devices/ptmx"), read_write, 0);
        if (terminal < 0) return;
        caller.call(number::write, terminal, caller.area, 10);
        caller.call(number::close, terminal);
    });
}

// --- What processes talk through.

void close_two(Caller& caller, u64 address)
{
    caller.call(number::close, caller.self.load<u32>(address));
    caller.call(number::close, caller.self.load<u32>(address + 4));
}

void pipes(Caller& caller)
{
    if (caller.call(number::pipe, caller.area) < 0) return;
    const u64 to = caller.self.load<u32>(caller.area + 4), from = caller.self.load<u32>(caller.area);
    if (caller.call(number::write, to, caller.area + 1024, 2 * page_size) > 0)
        caller.call(number::read, from, caller.area + 1024, 100);
    caller.call(number::fcntl, to, 1031 /* F_SETPIPE_SZ */, 1 << 17);
    close_two(caller, caller.area);
}

void socket_pairs(Caller& caller)
{
    for (i32 type : {abi::socket_type::stream, abi::socket_type::datagram}) {
        const u64 ends = caller.area;
        if (caller.call(number::socketpair, abi::family_unix, type, 0, ends) < 0) continue;
        const u64 data = caller.area + 1024, header = caller.area + 64, control = caller.area + 512;
        caller.self.write_value(caller.area + 256, abi::Iovec{data, 100});
        caller.self.write_value(control, abi::ControlHeader{20, abi::level_socket, abi::control_type::rights});
        caller.self.store<u32>(control + 16, caller.self.load<u32>(ends));
        abi::MessageHeader message{};
        message.vectors = caller.area + 256;
        message.vector_count = 1;
        message.control = control;
        message.control_length = 24;
        caller.self.write_value(header, message);
        const i64 sent = caller.call(number::sendmsg, caller.self.load<u32>(ends), header, 0);
        if (sent >= 0 && caller.call(number::recvmsg, caller.self.load<u32>(ends + 4), header, 0) >= 0)
            if (caller.self.load<u64>(header + 40) != 0)
                caller.call(number::close, caller.self.load<u32>(control + 16));
        close_two(caller, ends);
    }
}

void connections(Caller& caller)
{
    abi::UnixAddress address{abi::family_unix, "/socket"};
    caller.self.write(caller.area, &address, sizeof address);
    const i64 listener = caller.call(number::socket, abi::family_unix, abi::socket_type::stream, 0);
    const i64 client = caller.call(number::socket, abi::family_unix, abi::socket_type::stream, 0);
    if (listener >= 0 && caller.call(number::bind, listener, caller.area, sizeof address) >= 0) {
        const bool listens = caller.call(number::listen, listener, 4) >= 0;
        if (listens && client >= 0 && caller.call(number::connect, client, caller.area, sizeof address) >= 0) {
            const i64 server = caller.call(number::accept, listener, 0, 0);
            if (server >= 0) {
                caller.call(number::sendto, client, caller.area, 100, 0, 0, 0);
                caller.call(number::close, server);
            }
        }
        caller.call(number::unlink, caller.area + 2);
    }
    if (client >= 0) caller.call(number::close, client);
    if (listener >= 0) caller.call(number::close, listener);
}

void event_files(Caller& caller)
{
    const u64 mask = caller.area + 64;
    caller.self.store<u64>(mask, 1 << 9);
    const i64 poll = caller.call(number::epoll_create1, 0);
    const i64 files[] = {caller.call(number::eventfd2, 0, 0), caller.call(number::timerfd_create, 1, 0),
                         caller.call(number::signalfd4, ~0ull, mask, 8, 0), caller.call(number::pidfd_open, 1, 0)};
    for (i64 file : files) {
        if (file < 0) continue;
        caller.self.write_value(caller.area, abi::EpollEvent{1, 7});
        if (poll >= 0) caller.call(number::epoll_ctl, poll, abi::epoll::add, file, caller.area);
        caller.self.write_value(caller.area, abi::PollFd{static_cast<i32>(file), 1, 0});
        caller.call(number::poll, caller.area, 1, 1);
    }
    if (poll >= 0) {
        caller.call(number::epoll_wait, poll, caller.area, 4, 1);
        caller.call(number::close, poll);
    }
    for (i64 file : files)
        if (file >= 0) caller.call(number::close, file);
}

void system_v(Caller& caller)
{
    const i64 segment = caller.call(number::shmget, 0, 2 * page_size, 0600);
    if (segment >= 0) {
        const i64 start = caller.call(number::shmat, segment, 0, 0);
        if (start >= 0) {
            caller.self.store<u64>(static_cast<u64>(start), 1);
            caller.call(number::shmdt, start);
        }
        caller.call(number::shmctl, segment, abi::ipc::remove, 0);
    }
    const i64 queue = caller.call(number::msgget, 0, 0600);
    if (queue >= 0) {
        caller.self.store<u64>(caller.area, 1);
        if (caller.call(number::msgsnd, queue, caller.area, 2000, 0) >= 0)
            caller.call(number::msgrcv, queue, caller.area, 2000, 0, 0);
        caller.call(number::msgctl, queue, abi::ipc::remove, 0);
    }
    const i64 semaphores = caller.call(number::semget, 0, 3, 0600);
    if (semaphores >= 0) {
        caller.self.write_value(caller.area, abi::SemaphoreOperation{1, 1, 0});
        caller.call(number::semop, semaphores, caller.area, 1);
        caller.call(number::semctl, semaphores, 0, abi::ipc::remove, 0);
    }
}

void message_queues(Caller& caller)
{
    const u64 name = caller.text(0, "queue");
    const i64 queue = caller.call(number::mq_open, name, create_flag | read_write, 0600, 0);
    if (queue < 0) return;
    caller.self.write_value(caller.area + 64, abi::Sigevent{});
    if (caller.call(number::mq_timedsend, queue, caller.area + 1024, 100, 3, 0) >= 0)
        caller.call(number::mq_timedreceive, queue, caller.area + 1024, 8192, 0, 0);
    caller.call(number::close, queue);
    caller.call(number::mq_unlink, name);
}

// --- Time.

void timers(Caller& caller)
{
    const i64 made = caller.self.call(number::timer_create, 1, 0, caller.area);
    if (made == -static_cast<i64>(Errno::eagain)) {
        caller.refused = true;  // as timer_create(2) says
    } else if (caller.look(number::timer_create, made) >= 0) {
        const u64 id = caller.self.load<u32>(caller.area);
        caller.self.write_value(caller.area + 64, abi::Itimerspec{{}, {1000, 0}});
        EXPECT_GE(caller.call(number::timer_settime, id, 0, caller.area + 64, 0), 0);
        EXPECT_GE(caller.call(number::timer_delete, id), 0);
    }
    EXPECT_GE(caller.call(number::alarm, 100), 0);
    EXPECT_GE(caller.call(number::alarm, 0), 0);
}

// --- Processes.

void end_at_once(Program& self) { self.exit(0); }

void undo_semaphores(Program& self)
{
    const i64 semaphores = self.call(number::semget, 0, 1, 0600);
    if (semaphores >= 0) {
        self.write_value(self.argument(), abi::SemaphoreOperation{0, 1, abi::semaphore::undo});
        self.call(number::semop, semaphores, self.argument(), 1);
        self.call(number::semctl, semaphores, 0, abi::ipc::remove, 0);
    }
    self.exit(0);
}

void end_thread(Program& self) { self.exit_thread(0); }

void forks(Caller& caller)
{
    for (ProgramFunction child : {end_at_once, undo_semaphores}) {
        const i64 id = caller.look(number::clone, caller.self.fork(child, caller.area + 1024));
        if (id < 0) continue;
        EXPECT_EQ(caller.wait(id), 0);
    }
}

// At its argument: a path, and an array of it.
void execute(Program& self)
{
    self.call(number::execve, self.argument(), self.argument() + 64, self.argument() + 72);
    self.exit(0);
}

// Too late to come back from it, execve(2) ends in a signal.
void executions(Caller& caller)
{
    const u64 path = caller.text(1024, "/init");
    const u64 arguments[] = {path, 0};
    caller.self.write(path + 64, arguments, sizeof arguments);
    const i64 id = caller.look(number::clone, caller.self.fork(execute, path));
    if (id < 0) return;
    const i32 status = caller.wait(id);
    EXPECT_TRUE(status == 0 || status == sigkill || status == sigsegv) << status;
}

void threads(Caller& caller)
{
    namespace flag = abi::clone_flag;
    constexpr u64 flags = flag::vm | flag::fs | flag::files | flag::signal_handlers | flag::thread |
                          flag::system_v_semaphores | flag::parent_set_tid | flag::child_clear_tid;
    const u64 word = caller.area + 64;
    caller.self.store<u32>(word, 0);
    caller.look(number::clone, caller.self.clone(flags, end_thread, 0, caller.area + 4 * page_size, word, word));
    for (u32 id = caller.self.load<u32>(word); id != 0; id = caller.self.load<u32>(word))
        caller.self.call(number::futex, word, 0, id, 0);
}

void rights(Caller& caller)
{
    for (u64 group = 0; group < 40; group++) caller.self.store<u32>(caller.area + 4 * group, static_cast<u32>(group));
    caller.call(number::setgroups, 40, caller.area);
    caller.call(number::setgroups, 0, 0);
    const i64 changed = caller.self.call(number::setresuid, 1000, ~0ull, ~0ull);
    if (changed == -static_cast<i64>(Errno::eagain))
        caller.refused = true;  // its user can't have one more process
    else
        caller.look(number::setresuid, changed);
    while (caller.self.call(number::setresuid, 0, 0, 0) < 0) caller.refused = true;
    caller.self.store<u64>(caller.area, 1);
    caller.call(number::sched_setaffinity, 0, 8, caller.area);
}

void descriptors(Caller& caller)
{
    const i64 file = caller.call(number::eventfd2, 0, 0);
    if (file < 0) return;
    const i64 high = caller.call(number::fcntl, file, 0 /* F_DUPFD */, 600);
    if (high >= 0) caller.call(number::close, high);
    abi::Iovec vectors[20];
    for (abi::Iovec& vector : vectors) vector = {caller.area + 1024, 0};
    vectors[0].length = 8;
    caller.self.write(caller.area, vectors, sizeof vectors);
    caller.self.store<u64>(caller.area + 1024, 1);
    caller.call(number::writev, file, caller.area, 20);
    caller.call(number::close, file);
}

// --- Trying all.

struct Named {
    const char* name;
    Operation operation;
};
void PrintTo(const Named& named, std::ostream* out) { *out << named.name; }

u64 memory_in_use(Kernel& kernel)
{
    const MemoryTotals totals = kernel.frames.totals();
    return kernel.slabs.objects_in_use() + totals.of(FrameUse::kernel) + totals.of(FrameUse::page_table) +
           totals.of(FrameUse::anonymous) + totals.of(FrameUse::object);
}

class Refusals : public testing::TestWithParam<Named> {
protected:
    static constexpr u32 kernel_points = (1u << (static_cast<u32>(FaultPoint::kernel_stack) + 1)) - 1;

    Refusals() : machine_({.faults = {.points = kernel_points}})
    {
        for (ProgramFunction function : {end_at_once, undo_semaphores, end_thread, execute}) machine_.add(function);
    }

    // What ended threads had is given back a little later.
    u64 memory_after_rest(Program& self, u64 place)
    {
        self.write_value(place, abi::Timespec{0, 20'000'000});
        self.call(number::nanosleep, place, 0);
        return memory_in_use(machine_.kernel());
    }

    // Each thing once. Returns how many there were.
    u64 refuse_each(Program& self, Operation operation)
    {
        const u64 place = static_cast<u64>(self.map(5 * page_size));
        for (u64 page = 0; page < 5; page++) self.store<u8>(place + page * page_size, 1);
        Caller caller(self, place + page_size);
        static_cast<Task&>(hal::current_thread()).process->out_of_memory_adjust = -1000;  // its children's, too
        sim::FaultPlan& faults = machine_.machine().faults;
        for (int warm = 0; warm < 3; warm++) operation(caller);
        EXPECT_FALSE(caller.refused);
        u64 before = memory_after_rest(self, place);
        for (u64 which = 1;; which++) {
            faults.arm_once(which);
            operation(caller);
            const bool happened = !faults.waits();
            faults.arm_once(0);
            const u64 after = memory_after_rest(self, place);
            EXPECT_EQ(after, before) << "when number " << which << " is refused";
            before = after;
            if (!happened || testing::Test::HasFatalFailure()) return which - 1;
        }
    }

    ProgramMachine machine_;
};

TEST_P(Refusals, LeaveNothing)
{
    u64 asked = 0;
    machine_.run([&](Program& init) {
        if (init.call(number::getpid) != 1) init.exit(0);  // executed by another process
        asked = refuse_each(init, GetParam().operation);
    });
    EXPECT_GT(asked, 0U);
    RecordProperty("asked", static_cast<int>(asked));
}

INSTANTIATE_TEST_SUITE_P(Calls, Refusals,
                         testing::Values(Named{"mappings", mappings}, Named{"shared_mappings", shared_mappings},
                                         Named{"files_in_memory", files_in_memory}, Named{"files", files},
                                         Named{"directories", directories}, Named{"mounts", mounts},
                                         Named{"process_files", process_files}, Named{"terminals", terminals},
                                         Named{"pipes", pipes}, Named{"socket_pairs", socket_pairs},
                                         Named{"connections", connections}, Named{"event_files", event_files},
                                         Named{"system_v", system_v}, Named{"message_queues", message_queues},
                                         Named{"timers", timers}, Named{"forks", forks},
                                         Named{"executions", executions}, Named{"threads", threads},
                                         Named{"rights", rights}, Named{"descriptors", descriptors}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace takt
