// Every system call that the kernel has, with pointers that are none. abi/system_calls.def says which parameters are
// pointers; each in turn becomes bad in every way there is while the others are good. Prints what is wrong; silent and
// 0 when all is right. Also right on Linux: run it there to check the checks.
//
// A new call needs nothing here, unless other arguments than zeros, files and buffers are needed to get so far as to
// look at the pointer: then a row in `arguments`. What does not answer EFAULT for good reason has a row in `elsewhere`.
//
// With an argument, prints every answer instead: `bad_pointers list`, to compare two kernels.
#include "check.hpp"
#include "child.hpp"
#include "system_calls.hpp"

#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <fnmatch.h>
#include <iterator>
#include <linux/capability.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>

namespace {

// --- Bad pointers.

constexpr std::size_t page = 4096;
constexpr Word user_end = 0x7ffffffff000;

enum class Badness {
    always,     // no access is possible
    beginning,  // the first bytes are good
    reading,    // it can be read
    null,
};

struct BadPointer {
    const char* name;
    Badness badness;
    Word value;
};

char* map(std::size_t pages, int rights)
{
    void* memory = mmap(nullptr, pages * page, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    HOLDS(memory != MAP_FAILED);
    return static_cast<char*>(memory);
}

std::vector<BadPointer> bad_pointers()
{
    char* half = map(2, PROT_READ | PROT_WRITE);
    munmap(half + page, page);
    std::memset(half, 'a', page);
    char* gone = map(1, PROT_READ);
    munmap(gone, page);
    const auto word = [](const void* pointer) { return reinterpret_cast<Word>(pointer); };
    return {
        {"unmapped", Badness::always, word(gone)},
        {"no rights", Badness::always, word(map(1, PROT_NONE))},
        {"end of user space", Badness::always, user_end},
        {"below the hole", Badness::always, 0x7ffffffffff8},
        {"not canonical", Badness::always, 0x800000000000},
        {"not canonical, negative", Badness::always, 0x8000000000000000},
        {"kernel's direct map", Badness::always, 0xffff800000000000},
        {"kernel's image", Badness::always, 0xffffffff80000000},
        {"last bytes", Badness::always, ~Word{3}},
        {"null", Badness::null, 0},
        {"half", Badness::beginning, word(half + page - 2)},
        {"read-only", Badness::reading, word(map(1, PROT_READ))},
    };
}

// --- Good arguments.

struct Rule {
    const char* call;  // patterns
    const char* parameter;
    Word value;
};

struct Content {
    const char* call;
    const char* parameter;
    std::string bytes;
};

template <typename T>
std::string bytes_of(const T& value)
{
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

class Arguments {
public:
    Arguments()
    {
        for (char*& buffer : buffers_) buffer = map(1, PROT_READ | PROT_WRITE);
        make_objects();
    }

    ~Arguments();
    void refill(const Call& call);
    Word good(const Call& call, std::size_t index)
    {
        const Parameter& parameter = call.parameters[index];
        if (parameter.is_pointer()) {
            fill(call, parameter, buffers_[index]);
            return reinterpret_cast<Word>(buffers_[index]);
        }
        for (const Rule& rule : rules_)
            if (fnmatch(rule.call, call.name.c_str(), 0) == 0 &&
                fnmatch(rule.parameter, parameter.name.c_str(), 0) == 0)
                return rule.value;
        return 0;
    }

private:
    static Word fd(int descriptor) { return static_cast<Word>(descriptor); }

    void make_objects();
    void make_rules();
    void make_contents();

    void fill(const Call& call, const Parameter& parameter, char* buffer)
    {
        std::memset(buffer, 0, page);
        if (parameter.is_string()) std::strcpy(buffer, "file");
        for (const Content& content : contents_)
            if (fnmatch(content.call, call.name.c_str(), 0) == 0 &&
                fnmatch(content.parameter, parameter.name.c_str(), 0) == 0)
                return static_cast<void>(std::memcpy(buffer, content.bytes.data(), content.bytes.size()));
    }

    int make_socket(int type, const sockaddr_un* address)
    {
        const int made = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
        if (address) {
            unlink(address->sun_path);
            OK(bind(made, reinterpret_cast<const sockaddr*>(address), sizeof *address));
        }
        return made;
    }

    Word file_ = 0, other_file_ = 0, directory_ = 0, poll_ = 0;
    int stream_[2], datagram_[2], listener_ = 0, receiver_ = 0;
    sockaddr_un stream_address_{.sun_family = AF_UNIX, .sun_path = {}};
    sockaddr_un datagram_address_{.sun_family = AF_UNIX, .sun_path = {}};
    int queue_ = 0, messages_ = 0, semaphores_ = 0, segment_ = 0, timer_ = 0;
    char* buffers_[6] = {};
    std::vector<Rule> rules_;
    std::vector<Content> contents_;
};

void Arguments::make_objects()
{
    const int file = open("file", O_RDWR | O_CREAT | O_NONBLOCK, 0644);
    const std::string data(page, 'd');
    IS(write(file, data.data(), data.size()), data.size());
    lseek(file, 0, SEEK_SET);
    file_ = fd(file);
    other_file_ = fd(open("other", O_RDWR | O_CREAT, 0644));
    directory_ = fd(open(".", O_RDONLY | O_DIRECTORY));
    symlink("file", "link");

    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, stream_));
    OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, datagram_));
    std::strcpy(stream_address_.sun_path, "stream");
    std::strcpy(datagram_address_.sun_path, "datagram");
    listener_ = make_socket(SOCK_STREAM, &stream_address_);
    OK(listen(listener_, 5));
    receiver_ = make_socket(SOCK_DGRAM, &datagram_address_);
    OK(connect(datagram_[1], reinterpret_cast<sockaddr*>(&datagram_address_), sizeof(sockaddr_un)));
    poll_ = fd(epoll_create1(0));
    epoll_event event{};
    event.events = EPOLLOUT;
    OK(epoll_ctl(static_cast<int>(poll_), EPOLL_CTL_ADD, stream_[0], &event));

    mq_attr attributes{};
    attributes.mq_maxmsg = 4;
    attributes.mq_msgsize = 64;
    queue_ = mq_open("/queue", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
    OK(queue_);
    messages_ = msgget(IPC_PRIVATE, 0600);
    semaphores_ = semget(IPC_PRIVATE, 1, 0600);
    segment_ = shmget(IPC_PRIVATE, page, 0600);
    sigevent none{};
    none.sigev_notify = SIGEV_NONE;
    OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &timer_));

    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    sigprocmask(SIG_BLOCK, &user, nullptr);
    make_rules();
    make_contents();
}

Arguments::~Arguments()
{
    mq_unlink("/queue");
    msgctl(messages_, IPC_RMID, nullptr);
    semctl(semaphores_, 0, IPC_RMID);
    shmctl(segment_, IPC_RMID, nullptr);
}

// What a call takes away is there again for the next.
void Arguments::refill(const Call& call)
{
    const struct {
        long type;
        char text[8];
    } message{1, "m"};
    const bool accepts = call.name.starts_with("accept");
    if (accepts) {
        const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(client, reinterpret_cast<sockaddr*>(&stream_address_), sizeof stream_address_);
        close(client);
    }
    if (call.name.starts_with("wait") && fork() == 0) _exit(0);
    if (call.name.starts_with("recv")) send(datagram_[1], "12345678", 8, 0);
    if (call.name.starts_with("send") || call.name == "write") {
        char sink[page];
        while (recv(stream_[1], sink, sizeof sink, 0) > 0 || recv(receiver_, sink, sizeof sink, 0) > 0) {
        }
    }
    if (call.name == "rt_sigtimedwait") raise(SIGUSR1);
    if (call.name == "mq_timedreceive") mq_send(queue_, "m", 1, 0);
    if (call.name == "mq_timedsend") {
        char sink[64];
        mq_receive(queue_, sink, sizeof sink, nullptr);
    }
    if (call.name == "msgrcv") msgsnd(messages_, &message, sizeof message.text, IPC_NOWAIT);
    lseek(static_cast<int>(file_), 0, SEEK_SET);
    lseek(static_cast<int>(directory_), 0, SEEK_SET);
}

void Arguments::make_rules()
{
    const auto here = static_cast<Word>(AT_FDCWD);
    const Word pid_file = fd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
    const Word timer_file = fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    rules_ = {
        // Objects.
        {"getdents*", "descriptor", directory_},
        {"epoll_ctl", "operation", EPOLL_CTL_ADD},
        {"epoll_ctl", "descriptor", fd(stream_[1])},
        {"epoll_*", "instance", poll_},
        {"accept*", "descriptor", fd(listener_)},
        {"connect", "descriptor", fd(make_socket(SOCK_STREAM, nullptr))},
        {"bind", "descriptor", fd(make_socket(SOCK_STREAM, nullptr))},
        {"sendto", "descriptor", fd(make_socket(SOCK_DGRAM, nullptr))},
        {"send*", "descriptor", fd(stream_[0])},
        {"recv*", "descriptor", fd(receiver_)},
        {"*sock*", "descriptor", fd(stream_[0])},
        {"getpeername", "descriptor", fd(stream_[0])},
        {"timerfd*", "descriptor", timer_file},
        {"signalfd*", "descriptor", ~Word{0}},
        {"mq_*", "descriptor", fd(queue_)},
        {"pidfd_send_signal", "descriptor", pid_file},
        {"copy_file_range", "to", other_file_},
        {"sendfile", "to", fd(stream_[0])},
        {"*", "descriptor", file_},
        {"*", "from", file_},
        {"*", "directory", here},
        {"*", "*_directory", here},
        {"msg*", "id", fd(messages_)},
        {"shm*", "id", fd(segment_)},
        {"sem*", "id", fd(semaphores_)},
        {"timer_*", "id", fd(timer_)},
        {"wait*", "id", ~Word{0}},
        {"mincore", "address", reinterpret_cast<Word>(buffers_[0])},
        // What is asked for.
        {"socketpair", "family", AF_UNIX},
        {"socketpair", "type", SOCK_STREAM},
        {"*sockopt", "level", SOL_SOCKET},
        {"setsockopt", "name", SO_PASSCRED},
        {"getsockopt", "name", SO_TYPE},
        {"msgctl", "command", IPC_STAT},
        {"shmctl", "command", IPC_STAT},
        {"waitid", "options", WEXITED},
        {"clock_settime", "clock", CLOCK_REALTIME},
        {"clock_adjtime", "clock", CLOCK_REALTIME},
        {"*", "clock", CLOCK_MONOTONIC},
        {"*", "resource", 7},
        {"rt_sigaction", "signal", SIGUSR1},
        {"rt_sigprocmask", "how", SIG_SETMASK},
        {"syslog", "action", 3},
        {"rt_*queueinfo", "process", fd(getpid())},
        {"rt_*queueinfo", "thread", fd(getpid())},
        // Sizes.
        {"*", "*set_size", 8},
        {"*", "mask_size", 8},
        {"sched_*affinity", "size", 8},
        {"sched_getattr", "size", 48},
        {"set_robust_list", "size", 24},
        {"mq_timedsend", "bytes", 8},
        {"msgsnd", "bytes", 8},
        {"setsockopt", "length", sizeof(int)},
        {"bind", "length", sizeof(sockaddr_un)},
        {"connect", "length", sizeof(sockaddr_un)},
        {"sendto", "address_length", sizeof(sockaddr_un)},
        {"get_mempolicy", "bits", 1024},
        {"*", "bits", 64},
        {"*select*", "count", 4},
        {"read", "count", 64},
        {"pread64", "count", 64},
        {"write", "count", 64},
        {"pwrite64", "count", 64},
        {"getrandom", "count", 64},
        {"sendfile", "count", 64},
        {"*", "count", 1},
        {"*", "capacity", 64},
        {"*", "size", 64},
        {"*", "bytes", 64},
        {"*", "length", 64},
    };
}

void Arguments::make_contents()
{
    sockaddr_un fresh = stream_address_;
    std::strcpy(fresh.sun_path, "fresh");
    sigevent quiet{};
    quiet.sigev_notify = SIGEV_NONE;
    const __user_cap_header_struct capabilities{_LINUX_CAPABILITY_VERSION_3, 0};
    const unsigned attributes_size = 48;
    stack_t stack{};
    stack.ss_sp = buffers_[5];
    stack.ss_size = page;
    const Word user_signal = Word{1} << (SIGUSR1 - 1);
    contents_ = {
        {"bind", "address", bytes_of(fresh)},
        {"connect", "address", bytes_of(stream_address_)},
        {"sendto", "address", bytes_of(datagram_address_)},
        {"timer_create", "event", bytes_of(quiet)},
        {"mq_notify", "event", bytes_of(quiet)},
        {"cap*", "header", bytes_of(capabilities)},
        {"sched_setattr", "attributes", bytes_of(attributes_size)},
        {"mq_open", "name", "/queue"},
        {"mq_unlink", "name", "/none"},
        {"*xattr", "name", "user.test"},
        {"getsockopt", "length", bytes_of(4)},
        {"get*name", "length", bytes_of(64)},
        {"accept*", "length", bytes_of(64)},
        {"recvfrom", "address_length", bytes_of(64)},
        {"msgsnd", "message", bytes_of(1L)},
        {"readlink*", "path", "link"},
        {"exec*", "path", "/proc/self/exe"},
        {"rt_sigtimedwait", "set", bytes_of(user_signal)},
        {"sigaltstack", "stack", bytes_of(stack)},
        {"pivot_root", "new_root", "."},
        {"*mount*", "target", "."},
    };
}

// --- What is expected.

// The pointer is not looked at, or not by what the good arguments ask for.
constexpr std::string_view elsewhere[] = {
    "clone.stack",
    "clone.*_tid",
    "set_tid_address.address",
    "set_robust_list.head",  // later, or never
    "shmat.address",
    "shmdt.address",
    "syslog.buffer",  // a place; nothing may be there
    "nanosleep.remaining",
    "clock_nanosleep.remaining",  // only when interrupted
    "recvfrom.address",
    "getgroups.list",  // nothing is copied
    "pivot_root.put_old",
    "reboot.argument",  // other arguments come first
    "*getxattr.value",
    "*listxattr.list",  // there may be no attributes
};

// Null means that something is not wanted, or is an error of its own.
constexpr std::string_view optional[] = {
    "rt_sigaction.*",
    "rt_sigprocmask.*",
    "*select*.*",
    "setitimer.*",
    "sendfile.offset",
    "accept*.address",
    "sendto.address",
    "exec*.arguments",
    "exec*.environment",
    "wait*.*",
    "gettimeofday.*",
    "settimeofday.*",
    "times.times",
    "capget.data",
    "rt_sigtimedwait.info",
    "rt_sigtimedwait.timeout",
    "sigaltstack.*",
    "utime*.times",
    "futimesat.times",
    "sched_setparam.*",
    "sched_getparam.*",
    "sched_setscheduler.*",
    "sched_setattr.*",
    "sched_getattr.*",
    "time.seconds",
    "semtimedop.timeout",
    "timer_create.event",
    "timer_settime.*",
    "clock_getres.*",
    "*_mempolicy.*",
    "mq_open.attributes",
    "mq_timed*.timeout",
    "mq_timedreceive.priority",
    "mq_notify.event",
    "mq_getsetattr.*",
    "ppoll.timeout",
    "*poll*.mask",
    "epoll_pwait2.timeout",
    "timerfd_settime.old",
    "recvmmsg.timeout",
    "prlimit64.*",
    "getcpu.*",
    "copy_file_range.*",
    "pidfd_send_signal.info",
    "futex_waitv.*",
};

// As much as there is, or less than half.
constexpr std::string_view partial[] = {
    "read.*",           "write.*",         "pread64.*",        "pwrite64.*",
    "mincore.answer",   "accept*.address", "get*name.address", "mq_timedreceive.message",
    "getrandom.buffer", "recvfrom.data",
};

// Written to by what the good arguments ask for.
constexpr std::string_view outputs[] = {
    "read.buffer",
    "pread64.buffer",
    "*stat*.answer",
    "*poll.descriptors",
    "rt_sigaction.old_action",
    "rt_sigprocmask.old_set",
    "pipe*.descriptors",
    "*select*.*able",
    "*select*.exceptional",
    "mincore.answer",
    "shmctl.buffer",
    "msgctl.buffer",
    "getitimer.now",
    "setitimer.old",
    "sendfile.offset",
    "accept*.*",
    "recvfrom.data",
    "recvfrom.address_length",
    "recvmsg.message",
    "getsockname.*",
    "getpeername.*",
    "socketpair.descriptors",
    "getsockopt.*",
    "wait4.*",
    "waitid.*",
    "uname.name",
    "msgrcv.message",
    "getdents*.buffer",
    "getcwd.buffer",
    "readlink*.buffer",
    "gettimeofday.*",
    "getrlimit.limit",
    "getrusage.usage",
    "sysinfo.info",
    "times.times",
    "getres*.*",
    "capget.*",
    "capset.header",
    "rt_sigpending.set",
    "rt_sigtimedwait.info",
    "sigaltstack.old_stack",
    "sched_getparam.priority",
    "sched_rr_get_interval.interval",
    "adjtimex.state",
    "clock_adjtime.state",
    "time.seconds",
    "sched_getaffinity.mask",
    "timer_create.id",
    "timer*_settime.old",
    "timer*_gettime.now",
    "clock_gettime.time",
    "clock_getres.resolution",
    "epoll_*wait*.events",
    "get_mempolicy.*",
    "mq_timedreceive.*e",
    "mq_timedreceive.priority",
    "mq_getsetattr.old",
    "get_robust_list.*",
    "recvmmsg.*",
    "sendmmsg.messages",
    "prlimit64.old",
    "getcpu.*",
    "sched_getattr.attributes",
    "getrandom.buffer",
    "copy_file_range.*_offset",
};

template <std::size_t count>
bool is_one_of(const std::string_view (&patterns)[count], const std::string& name)
{
    return std::any_of(std::begin(patterns), std::end(patterns),
                       [&](std::string_view pattern) { return fnmatch(pattern.data(), name.c_str(), 0) == 0; });
}

bool must_fail(const std::string& name, Badness badness)
{
    if (is_one_of(elsewhere, name)) return false;
    switch (badness) {
    case Badness::always:
        return true;
    case Badness::null:
        return !is_one_of(optional, name);
    case Badness::beginning:
        return !is_one_of(partial, name);
    case Badness::reading:
        return is_one_of(outputs, name);
    }
    return true;
}

// --- The calls.

bool list = false;

void try_one(Arguments& arguments, const Call& call, std::size_t which, const BadPointer& pointer)
{
    Word words[6] = {};
    for (std::size_t index = 0; index < call.parameters.size(); index++) words[index] = arguments.good(call, index);
    words[which] = pointer.value;
    long result = -EINTR;
    for (int attempt = 0; attempt < 3 && result == -EINTR; attempt++) {
        arguments.refill(call);
        const pid_t self = getpid();
        result = raw(call.number, words);
        if (getpid() != self) _exit(0);
    }
    const std::string name = call.name + "." + call.parameters[which].name;
    if (list)
        std::printf("%s: %s: %ld\n", name.c_str(), pointer.name, std::min(result, 1L));
    else if (result != -EFAULT && must_fail(name, pointer.badness))
        check::failed(__LINE__, (name + ": " + pointer.name).c_str(), result);
}

void nothing(int) {}

void try_call(const Call& call)
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    setpgid(0, 0);
    struct sigaction action {};
    action.sa_handler = nothing;
    sigaction(SIGALRM, &action, nullptr);
    Arguments arguments;
    const std::vector<BadPointer> pointers = bad_pointers();
    const itimerval often{{0, 10'000}, {0, 10'000}};
    if (!call.name.starts_with("exec")) setitimer(ITIMER_REAL, &often, nullptr);
    for (const BadPointer& pointer : pointers)
        for (std::size_t which = 0; which < call.parameters.size(); which++)
            if (call.parameters[which].is_pointer()) try_one(arguments, call, which, pointer);
}

}  // namespace

int main(int count, char** words)
{
    if (count == 0 || !*words[0]) return 0;  // what execve(2) with nothing bad in it starts
    list = count > 1;
    char place[] = "/tmp/bad-pointers-XXXXXX";
    HOLDS(mkdtemp(place));
    OK(chdir(place));
    for (const Call& call : all_calls()) {
        bool any = false;
        for (const Parameter& parameter : call.parameters) any = any || parameter.is_pointer();
        if (!any) continue;
        const int status = child::run([&] { try_call(call); });
        if (status != 0) check::failed(__LINE__, call.name.c_str(), status);
    }
    return check::result();
}
