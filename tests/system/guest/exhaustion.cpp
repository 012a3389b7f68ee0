// Everything that there is only so much of, taken until there is no more: the call that asks for too much fails as its
// manual page says, nobody else notices, and what was taken is there again afterwards. And structures made so deep that
// taking them apart would overflow a stack. Prints what is wrong; silent and 0 when all is right. Also right on Linux:
// run it there to check the checks.
#include "check.hpp"
#include "child.hpp"
#include "machine_memory.hpp"

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <mqueue.h>
#include <pthread.h>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <vector>

namespace {

constexpr std::size_t page = 4096;
constexpr uid_t user = 4321;

void limit(__rlimit_resource resource, rlim_t value)
{
    const rlimit both{value, value};
    OK(setrlimit(resource, &both));
}

void become_user() { OK(setresuid(user, user, user)); }

void reap_all()
{
    while (wait(nullptr) > 0) {
    }
}

// --- Processes and threads.

void processes()
{
    limit(RLIMIT_NPROC, 60);
    become_user();
    for (int round = 0; round < 3; round++) {
        int made = 0;
        pid_t ids[100];
        while (made < 100 && (ids[made] = fork()) > 0) made++;
        if (ids[made] == 0) pause();
        HOLDS(made == 59 && errno == EAGAIN);
        pthread_t thread;
        IS(pthread_create(
               &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr),
           EAGAIN);
        for (int number = 0; number < made; number++) kill(ids[number], SIGKILL);
        reap_all();
    }
}

void threads()
{
    limit(RLIMIT_NPROC, 60);
    become_user();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    static pthread_barrier_t all_there;
    pthread_barrier_init(&all_there, nullptr, 60);
    const auto body = [](void*) -> void* {
        pthread_barrier_wait(&all_there);
        return nullptr;
    };
    std::vector<pthread_t> made;
    pthread_t thread;
    int error = 0;
    while (made.size() < 100 && (error = pthread_create(&thread, &attributes, body, nullptr)) == 0)
        made.push_back(thread);
    HOLDS(made.size() == 59 && error == EAGAIN);
    pthread_barrier_wait(&all_there);
    for (const pthread_t one : made) pthread_join(one, nullptr);
}

// --- Descriptors.

void descriptors()
{
    limit(RLIMIT_NOFILE, 64);
    int descriptor = 0;
    while (descriptor >= 0) descriptor = open("/dev/null", O_RDONLY);
    HOLDS(errno == EMFILE);
    FAILS(dup(0), EMFILE);
    FAILS(dup2(0, 64), EBADF);
    FAILS(fcntl(0, F_DUPFD, 10), EMFILE);
    FAILS(fcntl(0, F_DUPFD, 64), EINVAL);
    FAILS(epoll_create1(0), EMFILE);
    FAILS(eventfd(0, 0), EMFILE);
    FAILS(timerfd_create(CLOCK_MONOTONIC, 0), EMFILE);
    FAILS(memfd_create("m", 0), EMFILE);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    FAILS(syscall(SYS_pidfd_open, getpid(), 0), EMFILE);
    // One place is not enough for two, and none is lost.
    close(63);
    int two[2];
    for (int round = 0; round < 5; round++) {
        FAILS(pipe(two), EMFILE);
        FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, two), EMFILE);
    }
    IS(open("/dev/null", O_RDONLY), 63);
    OK(dup2(0, 62));
}

// A message of one byte that carries descriptors, and has room for as many.
template <std::size_t count>
struct Letter {
    explicit Letter(const int (&sent)[count])
    {
        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof sent);
        std::memcpy(CMSG_DATA(header), sent, sizeof sent);
    }
    Letter(const Letter&) = delete;

    alignas(cmsghdr) char control[CMSG_SPACE(count * sizeof(int))] = {};
    char byte = 0;
    iovec vector{&byte, 1};
    msghdr message{};
};

// Descriptors that arrive where there is no place.
void passed_descriptors()
{
    int pair[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    limit(RLIMIT_NOFILE, 32);
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
    Letter letter({0, 1});
    msghdr& message = letter.message;
    IS(sendmsg(pair[0], &message, 0), 1);
    close(31);
    message.msg_controllen = sizeof letter.control;
    IS(recvmsg(pair[1], &message, 0), 1);
    HOLDS(message.msg_flags & MSG_CTRUNC);
    HOLDS(message.msg_controllen == CMSG_LEN(sizeof(int)) || message.msg_controllen == CMSG_SPACE(sizeof(int)));
    FAILS(dup(0), EMFILE);
}

// --- Memory.

void address_space()
{
    limit(RLIMIT_AS, 64 << 20);
    int count = 0;
    while (mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) count++;
    HOLDS(errno == ENOMEM && count > 40 && count < 64);
    FAILS(reinterpret_cast<long>(sbrk(8 << 20)), ENOMEM);
    void* here = mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (here != MAP_FAILED) HOLDS(mremap(here, page, 8 << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
}

void locked_memory()
{
    limit(RLIMIT_MEMLOCK, 8 * page);
    become_user();
    void* memory = mmap(nullptr, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(mlock(memory, 8 * page));
    FAILS(mlock(memory, 9 * page), ENOMEM);
    FAILS(mlockall(MCL_CURRENT), ENOMEM);
    HOLDS(mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED &&
          errno == EAGAIN);
    OK(munlock(memory, 8 * page));
    OK(mlock(memory, page));
}

// vm.max_map_count.
void areas()
{
    constexpr int most = 65530;
    char* memory = static_cast<char*>(
        mmap(nullptr, (most + 100) * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    int made = 0;
    while (made < most && mprotect(memory + 2 * made * page, page, PROT_NONE) == 0 && 2 * made < most + 98) made++;
    HOLDS(errno == ENOMEM && made > most / 2 - 100 && made <= most / 2);
    FAILS(munmap(memory + (2 * made + 5) * page, page), ENOMEM);
    OK(munmap(memory, (most + 100) * page));
    OK(reinterpret_cast<long>(mmap(nullptr, page, PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
}

void nonsense_sizes()
{
    for (const std::size_t size : {SIZE_MAX, SIZE_MAX / 2, std::size_t{1} << 47}) {
        HOLDS(mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
        HOLDS(std::malloc(size - 64) == nullptr);
    }
    const int file = memfd_create("m", 0);
    FAILS(ftruncate(file, -1), EINVAL);
    HOLDS(pwrite(file, "", 1, LLONG_MAX) == -1);
    FAILS(fallocate(file, 0, LLONG_MAX - 10, 100), EFBIG);
    OK(ftruncate(file, 1L << 40));  // with nothing in it
    close(file);
}

// --- Objects with a count of their own.

void timers_and_signals()
{
    limit(RLIMIT_SIGPENDING, 50);
    become_user();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    std::vector<int> timers;
    for (int id; syscall(SYS_timer_create, CLOCK_MONOTONIC, nullptr, &id) == 0; timers.push_back(id)) {
    }
    HOLDS(errno == EAGAIN && timers.size() == 50);
    const sigval value{};
    sigqueue(getpid(), SIGRTMIN, value);  // may have a place that is always there
    FAILS(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
    OK(kill(getpid(), SIGRTMIN));  // this one goes without its details
    for (const int id : timers) OK(syscall(SYS_timer_delete, id));
    int queued = 0;
    while (queued < 100 && sigqueue(getpid(), SIGRTMIN, value) == 0) queued++;
    HOLDS(errno == EAGAIN && queued >= 49 && queued <= 51);
    const timespec none{};
    while (sigtimedwait(&all, nullptr, &none) > 0) {
    }
}

void message_queues()
{
    limit(RLIMIT_MSGQUEUE, 100'000);
    become_user();
    int made = 0;
    mq_attr attributes{};
    attributes.mq_maxmsg = 10;
    attributes.mq_msgsize = 1024;
    const auto name = [](int number) { return "/exhaustion" + std::to_string(number); };
    while (made < 100 && mq_open(name(made).c_str(), O_CREAT | O_RDWR, 0600, &attributes) >= 0) made++;
    HOLDS(errno == EMFILE && made > 5 && made < 11);
    while (made > 0) OK(mq_unlink(name(--made).c_str()));
    attributes.mq_maxmsg = 1 << 30;
    FAILS(mq_open("/exhaustion", O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
}

void shared_segments()
{
    std::vector<int> ids;
    for (int id; ids.size() < 5000 && (id = shmget(IPC_PRIVATE, 1, 0600)) >= 0;) ids.push_back(id);
    HOLDS(errno == ENOSPC && ids.size() >= 4000);
    for (const int id : ids) OK(shmctl(id, IPC_RMID, nullptr));
    FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    const int large = shmget(IPC_PRIVATE, SIZE_MAX / 4, 0600);
    HOLDS(large >= 0 || errno == ENOMEM || errno == EINVAL || errno == ENOSPC);
    if (large >= 0) shmctl(large, IPC_RMID, nullptr);
}

void nested_event_polls()
{
    int inner = epoll_create1(0);
    const int innermost = inner;
    epoll_event event{};
    int depth = 0;
    for (; depth < 20; depth++) {
        const int outer = epoll_create1(0);
        if (epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) < 0) break;
        inner = outer;
    }
    HOLDS(errno == ELOOP && depth >= 4 && depth <= 5);
    FAILS(epoll_ctl(innermost, EPOLL_CTL_ADD, inner, &event), ELOOP);
    FAILS(epoll_ctl(inner, EPOLL_CTL_ADD, inner, &event), EINVAL);
}

// --- Files.

void full_file_system()
{
    OK(mkdir("full", 0700));
    OK(mount("none", "full", "tmpfs", 0, "size=1M,nr_inodes=20"));
    OK(chdir("full"));
    const std::string piece(64 << 10, 'x');
    for (int round = 0; round < 3; round++) {
        const int file = open("file", O_RDWR | O_CREAT, 0600);
        std::size_t total = 0;
        for (ssize_t wrote; (wrote = write(file, piece.data(), piece.size())) > 0;)
            total += static_cast<std::size_t>(wrote);
        HOLDS(errno == ENOSPC && total == 1 << 20);
        FAILS(fallocate(file, 0, 2 << 20, page), ENOSPC);
        OK(ftruncate(file, 4 << 20));
        // A page that there is no room for.
        IS(child::run([&] {
               auto* mapped = static_cast<volatile char*>(mmap(nullptr, 4 << 20, PROT_WRITE, MAP_SHARED, file, 0));
               mapped[3 << 20] = 1;
           }),
           128 + SIGBUS);
        close(file);
        OK(unlink("file"));
        int made = 0;
        while (made < 100 && close(open(std::to_string(made).c_str(), O_CREAT | O_WRONLY, 0600)) == 0) made++;
        HOLDS(made > 10 && made < 20);
        FAILS(mkdir("directory", 0700), ENOSPC);
        FAILS(symlink("target", "link"), ENOSPC);
        FAILS(mknod("fifo", S_IFIFO | 0600, 0), ENOSPC);
        while (made > 0) OK(unlink(std::to_string(--made).c_str()));
    }
    OK(chdir(".."));
    OK(umount("full"));
    OK(rmdir("full"));
}

void names()
{
    const std::string longest(255, 'n');
    OK(close(open(longest.c_str(), O_CREAT | O_WRONLY, 0600)));
    FAILS(open((longest + "n").c_str(), O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
    FAILS(mkdir((longest + "n").c_str(), 0700), ENAMETOOLONG);
    OK(unlink(longest.c_str()));
    std::string path = "/tmp";
    while (path.size() < 4095) path += "/";
    OK(access(path.c_str(), F_OK));
    FAILS(access((path + "/").c_str(), F_OK), ENAMETOOLONG);
    FAILS(symlink((path + "/").c_str(), "long"), ENAMETOOLONG);
    OK(symlink("loop", "loop"));
    FAILS(open("loop", O_RDONLY), ELOOP);
    FAILS(open("loop/file", O_RDONLY), ELOOP);
    OK(unlink("loop"));
    OK(close(open("chain0", O_CREAT | O_WRONLY, 0600)));
    const auto chain = [](int number) { return "chain" + std::to_string(number); };
    for (int number = 1; number <= 41; number++) OK(symlink(chain(number - 1).c_str(), chain(number).c_str()));
    OK(access("chain40", F_OK));
    FAILS(access("chain41", F_OK), ELOOP);
    for (int number = 0; number <= 41; number++) OK(unlink(chain(number).c_str()));
}

void arguments()
{
    const auto execute = [](const std::vector<char*>& list) { return execv("/nothing/there", list.data()); };
    const auto run = [](const std::vector<char*>& list) { return execv("/proc/self/exe", list.data()); };
    std::string large(128 << 10, 'a');
    FAILS(run({large.data(), nullptr}), E2BIG);
    FAILS(execute({large.data(), nullptr}), ENOENT);
    large.resize(100 << 10);
    std::vector<char*> many(100, large.data());
    many.push_back(nullptr);
    FAILS(run(many), E2BIG);
    char empty[1] = "";
    std::vector<char*> countless(3 << 20, empty);
    countless.push_back(nullptr);
    FAILS(run(countless), E2BIG);
}

// --- Depth.

void deep_directories()
{
    OK(mkdir("deep", 0700));
    OK(mount("none", "deep", "tmpfs", 0, nullptr));
    const int start = open(".", O_RDONLY);
    OK(chdir("deep"));
    int depth = 0;
    while (depth < 20'000 && mkdir("d", 0700) == 0 && chdir("d") == 0) depth++;
    IS(depth, 20'000);
    char place[PATH_MAX];
    FAILS(syscall(SYS_getcwd, place, sizeof place), ENAMETOOLONG);
    OK(fchdir(start));
    // All at once.
    OK(umount("deep"));
    OK(rmdir("deep"));
    close(start);
}

// Sends `passed` over `socket`.
bool pass(int socket, int passed)
{
    const Letter letter({passed});
    return sendmsg(socket, &letter.message, MSG_DONTWAIT) == 1;
}

// A socket in a message to a socket in a message ...
void deep_passing()
{
    int inner[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, inner));
    for (int depth = 0; depth < 5'000; depth++) {
        int outer[2];
        OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, outer));
        const bool passed = pass(outer[0], inner[1]);
        HOLDS(passed || errno == ETOOMANYREFS);
        close(inner[0]);
        close(inner[1]);
        inner[0] = outer[0];
        inner[1] = outer[1];
    }
    close(inner[0]);
    close(inner[1]);
}

// More descriptors on their way than one may have open.
void passing_without_receiver()
{
    become_user();
    limit(RLIMIT_NOFILE, 64);
    int pair[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    int count = 0;
    for (; count < 1'000; count++) {
        int other[2];
        OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, other));
        const bool passed = pass(other[0], pair[0]) && pass(pair[0], other[1]);
        const int error = errno;
        close(other[0]);
        close(other[1]);
        if (passed) continue;
        HOLDS(error == ETOOMANYREFS || error == EAGAIN);
        break;
    }
    HOLDS(count > 0 && count < 200);
}

// Sockets that hold only each other: collected, or refused when there are as many as one may have open.
void cycles()
{
    become_user();
    for (int count = 0; count < 2'000; count++) {
        int pair[2];
        OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        const bool passed = pass(pair[0], pair[0]) && pass(pair[0], pair[1]);
        HOLDS(passed || errno == ETOOMANYREFS);
        close(pair[0]);
        close(pair[1]);
    }
}

// The part works in a child. Once caches are warm it takes nothing with it.
void part(const char* name, void (*body)())
{
    IS(child::run(body, 60), 0);
    const long before_kb = machine_memory::free_kb();
    const int status = child::run(body, 60);
    if (status != 0) check::failed(__LINE__, name, status);
    machine_memory::expect_given_back(name, before_kb);
}
#define PART(name) part(#name, name)

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    char place[] = "/tmp/exhaustion-XXXXXX";
    HOLDS(mkdtemp(place));
    OK(chdir(place));
    PART(processes);
    PART(threads);
    PART(descriptors);
    PART(passed_descriptors);
    PART(address_space);
    PART(locked_memory);
    PART(areas);
    PART(nonsense_sizes);
    PART(timers_and_signals);
    PART(message_queues);
    PART(shared_segments);
    PART(nested_event_polls);
    PART(full_file_system);
    PART(names);
    PART(arguments);
    PART(deep_directories);
    PART(deep_passing);
    PART(passing_without_receiver);
    PART(cycles);
    return check::result();
}
