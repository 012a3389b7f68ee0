// System calls with random arguments: children of a user without rights make some hundred each, of all calls that
// abi/system_calls.def has, with bad pointers, good ones, descriptors of all kinds, edges of number ranges. They may
// fail, crash and hang as they like; nothing else may notice. The arguments are the first seed (default 1) and the
// number of children. Prints what is wrong; silent and 0 when all is right.
#include "check.hpp"
#include "child.hpp"
#include "system_calls.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <iterator>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

namespace {

constexpr int calls_of_a_child = 300;
constexpr uid_t user = 4321;
constexpr std::size_t page = 4096;

// xorshift64*.
class Random {
public:
    explicit Random(Word seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
    Word next()
    {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }
    Word below(Word limit) { return next() % limit; }
    template <typename T, std::size_t count>
    T of(const T (&choices)[count])
    {
        return choices[below(count)];
    }

private:
    Word state_;
};

// These end or leave the program, or wait for what never comes.
bool is_left_out(const std::string& name)
{
    for (const char* other : {"exit", "exit_group", "pause", "rt_sigsuspend", "rt_sigreturn", "vfork"})
        if (name == other) return true;
    return false;
}

class Arguments {
public:
    explicit Arguments(Random& random) : random_(random)
    {
        memory_ =
            static_cast<char*>(mmap(nullptr, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (std::size_t index = 0; index < 16 * page; index++) memory_[index] = static_cast<char>(random_.next());
        std::strcpy(memory_, "file");
        mprotect(memory_ + 4 * page, page, PROT_READ);
        mprotect(memory_ + 5 * page, page, PROT_NONE);
        munmap(memory_ + 7 * page, page);
        int pair[2];
        (void)!open("file", O_RDWR | O_CREAT | O_NONBLOCK, 0600);
        (void)!open(".", O_RDONLY | O_DIRECTORY);
        (void)!open("/dev/zero", O_RDWR);
        (void)!open("/proc/self/mem", O_RDWR);
        (void)!open("/proc/self/maps", O_RDONLY);
        (void)!pipe2(pair, O_NONBLOCK);
        (void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
        (void)!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
        (void)!epoll_create1(0);
        (void)!eventfd(3, EFD_NONBLOCK);
        (void)!timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        (void)!memfd_create("memory", 0);
        (void)!posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
        (void)!syscall(SYS_pidfd_open, getpid(), 0);
    }

    Word make(const Parameter& parameter)
    {
        const Word kind = random_.below(16);
        if (parameter.is_string() && kind < 6) return reinterpret_cast<Word>(memory_);
        if (parameter.is_pointer() || parameter.type == "UserAddress") return kind < 10 ? good_pointer() : any();
        if (parameter.type == "Fd") return kind < 14 ? random_.below(24) : any();
        if (parameter.type == "Pid") return kind < 8 ? 0 : random_.below(4) == 0 ? any() : Word(getpid());
        if (parameter.type == "SignalNumber") return random_.below(66);
        return kind < 10 ? small() : any();
    }

private:
    Word good_pointer() { return reinterpret_cast<Word>(memory_) + random_.below(16 * page); }
    Word small() { return random_.below(2) ? random_.below(8) : Word{1} << random_.below(20); }
    Word any()
    {
        switch (random_.below(6)) {
        case 0:
            return random_.next();
        case 1:
            return Word{1} << random_.below(64);
        case 2:
            return (Word{1} << random_.below(64)) - 1;
        case 3:
            return -random_.below(200);
        case 4:
            return (reinterpret_cast<Word>(memory_) & ~(page - 1)) + page * random_.below(20);
        default: {
            static constexpr Word edges[] = {0,
                                             0x7ffffffff000,
                                             0x7fffffffeffc,
                                             0x800000000000,
                                             0x8000000000000000,
                                             0xffff800000000000,
                                             0xffffffff80000000,
                                             0xfffffffffffff000,
                                             0x7fffffff,
                                             0x80000000,
                                             0xffffffff,
                                             0x7fffffffffffffff};
            return random_.of(edges) + random_.below(2) * random_.below(9);
        }
        }
    }

    Random& random_;
    char* memory_;
};

void nothing(int) {}

// Whatever the last call did to them: what waits is interrupted.
void arm_alarm()
{
    struct sigaction action {};
    action.sa_handler = nothing;
    sigaction(SIGALRM, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const itimerval often{{0, 3'000}, {0, 3'000}};
    setitimer(ITIMER_REAL, &often, nullptr);
}

void limit(int resource, rlim_t value)
{
    const rlimit both{value, value};
    OK(setrlimit(static_cast<__rlimit_resource>(resource), &both));
}

void call_at_random(Word seed, const std::vector<Call>& calls)
{
    limit(RLIMIT_NPROC, 60);
    limit(RLIMIT_AS, 256 << 20);
    limit(RLIMIT_FSIZE, 1 << 20);
    limit(RLIMIT_NOFILE, 64);
    limit(RLIMIT_MSGQUEUE, 64 << 10);
    OK(setresgid(user, user, user));
    OK(setresuid(user, user, user));
    const int sink = open("/dev/null", O_RDWR);
    for (const int standard : {0, 1, 2}) dup2(sink, standard);
    const pid_t self = getpid();
    Random random(seed);
    Arguments arguments(random);
    for (int count = 0; count < calls_of_a_child; count++) {
        const Call& call = calls[random.below(calls.size())];
        Word words[6] = {};
        for (std::size_t index = 0; index < call.parameters.size(); index++)
            words[index] = arguments.make(call.parameters[index]);
        if (is_left_out(call.name)) continue;
        arm_alarm();
        raw(call.number, words);
        if (getpid() != self || syscall(SYS_gettid) != self) syscall(SYS_exit, 0);
    }
    _exit(0);
}

// What children left behind of processes and shared memory.
void clean_up()
{
    child::run([] {
        OK(setresuid(user, user, user));
        kill(-1, SIGKILL);
    });
    shmid_ds segment;
    const int highest = shmctl(0, SHM_INFO, &segment);
    for (int index = 0; index <= highest; index++)
        if (const int id = shmctl(index, SHM_STAT, &segment); id >= 0) shmctl(id, IPC_RMID, nullptr);
}

}  // namespace

int main(int count, char** words)
{
    if (count == 0 || !*words[0]) return 0;  // what a random execve(2) may start
    const Word first = count > 1 ? std::strtoul(words[1], nullptr, 0) : 1;
    const Word children = count > 2 ? std::strtoul(words[2], nullptr, 0) : 40;
    char place[] = "/tmp/fuzz-XXXXXX";
    HOLDS(mkdtemp(place));
    OK(chown(place, user, user));
    OK(chdir(place));
    struct stat root_before, root_after;
    OK(stat("/", &root_before));
    const std::vector<Call> calls = all_calls();
    for (Word seed = first; seed < first + children; seed++) {
        std::vector<char> guard(64 * page, static_cast<char>(seed));
        // Any end is good, and so is none: it may have stopped itself.
        child::run([&] { call_at_random(seed, calls); }, 3);
        clean_up();
        if (!std::all_of(guard.begin(), guard.end(), [&](char byte) { return byte == static_cast<char>(seed); }))
            check::failed(__LINE__, "the parent's memory changed; seed", static_cast<long>(seed));
    }
    OK(stat("/", &root_after));
    HOLDS(root_before.st_ino == root_after.st_ino && root_before.st_mode == root_after.st_mode);
    IS(child::run([] { _exit(42); }), 42);
    return check::result();
}
