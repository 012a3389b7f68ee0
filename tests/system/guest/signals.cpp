// Signals, case by case, against what their manual pages say. Prints what is
// wrong; silent and 0 when all is right. Also right on Linux: run it there to
// check the checks.
#include "check.hpp"

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <iterator>
#include <mqueue.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

volatile int hits = 0;
siginfo_t last;
int order[16];
int taken = 0;

void note(int signal, siginfo_t* info, void*)
{
    hits = hits + 1;
    last = *info;
    if (taken < static_cast<int>(std::size(order)))
        order[taken++] = (signal - SIGRTMIN) * 100 + info->si_value.sival_int;
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*), int flags = 0)
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    OK(sigaction(signal, &action, nullptr));
}

sigset_t set_of(std::initializer_list<int> signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    return set;
}

// Blocks signals for a scope.
class Blocked {
public:
    explicit Blocked(const sigset_t& set) { OK(sigprocmask(SIG_BLOCK, &set, &old_)); }
    ~Blocked() { OK(sigprocmask(SIG_SETMASK, &old_, nullptr)); }
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;

private:
    sigset_t old_{};
};

void sleep_us(long microseconds)
{
    const timespec time{microseconds / 1'000'000, microseconds % 1'000'000 * 1000};
    nanosleep(&time, nullptr);
}

template <typename Body>
int status_of(Body body)
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    IS(waitpid(child, &status, 0), child);
    return status;
}

bool killed_by(int status, int signal) { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }

// --- Sending and masks.

void sending()
{
    handle(SIGUSR1, note);
    hits = 0;
    OK(raise(SIGUSR1));
    IS(hits, 1);
    IS(last.si_code, SI_TKILL);
    IS(last.si_pid, getpid());
    OK(kill(getpid(), SIGUSR1));
    IS(hits, 2);
    IS(last.si_code, SI_USER);
    OK(kill(getpid(), 0));
    FAILS(kill(getpid(), 65), EINVAL);
    FAILS(kill(999'999, 0), ESRCH);
    struct sigaction action {};
    FAILS(sigaction(SIGKILL, &action, nullptr), EINVAL);
    FAILS(sigaction(65, &action, nullptr), EINVAL);
    // Flags that no kernel knows do not come back.
    constexpr int unsupported = 0x400;
    action.sa_handler = SIG_IGN;
    action.sa_flags = SA_RESTART | unsupported;
    OK(sigaction(SIGUSR2, &action, nullptr));
    OK(sigaction(SIGUSR2, nullptr, &action));
    IS(action.sa_flags & (SA_RESTART | unsupported), SA_RESTART);
    signal(SIGUSR2, SIG_DFL);
}

void masks()
{
    handle(SIGUSR1, note);
    hits = 0;
    {
        const Blocked blocked(set_of({SIGUSR1}));
        raise(SIGUSR1);
        raise(SIGUSR1);  // a standard signal is pending once
        IS(hits, 0);
        sigset_t pending;
        OK(sigpending(&pending));
        IS(sigismember(&pending, SIGUSR1), 1);
    }
    IS(hits, 1);
    {
        const Blocked blocked(set_of({SIGUSR1}));
        raise(SIGUSR1);
        std::signal(SIGUSR1, SIG_IGN);  // discards what is pending
        sigset_t pending;
        OK(sigpending(&pending));
        IS(sigismember(&pending, SIGUSR1), 0);
    }
}

void queues()
{
    handle(SIGRTMIN, note);
    handle(SIGRTMIN + 1, note);
    taken = 0;
    {
        const Blocked blocked(set_of({SIGRTMIN, SIGRTMIN + 1}));
        for (int index = 0; index < 3; index++) {
            OK(sigqueue(getpid(), SIGRTMIN + 1, sigval{.sival_int = index}));
            OK(sigqueue(getpid(), SIGRTMIN, sigval{.sival_int = index}));
        }
    }
    // The lower number is taken first, so its handler is the one that is
    // interrupted at once.
    const int wanted[] = {100, 101, 102, 0, 1, 2};
    IS(taken, 6);
    IS(std::memcmp(order, wanted, sizeof wanted), 0);

    rlimit limit;
    OK(getrlimit(RLIMIT_SIGPENDING, &limit));
    const rlimit few{5, limit.rlim_max};
    OK(setrlimit(RLIMIT_SIGPENDING, &few));
    int sent = 0;
    {
        const Blocked blocked(set_of({SIGRTMIN}));
        while (sent < 100 && sigqueue(getpid(), SIGRTMIN, sigval{}) == 0) sent++;
        HOLDS(sent < 100 && errno == EAGAIN);
        hits = 0;
    }
    IS(hits, sent);
    OK(setrlimit(RLIMIT_SIGPENDING, &limit));
}

volatile int depth = 0, deepest = 0;

void nest(int signal)
{
    depth = depth + 1;
    if (depth > deepest) deepest = depth;
    if (depth < 3) raise(signal);
    depth = depth - 1;
}

void flags()
{
    handle(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction action {};
    OK(sigaction(SIGUSR1, nullptr, &action));
    HOLDS(action.sa_handler == SIG_DFL);
    action.sa_handler = nest;
    action.sa_flags = SA_NODEFER;
    OK(sigaction(SIGUSR1, &action, nullptr));
    raise(SIGUSR1);
    IS(deepest, 3);
}

// --- Frames.

void spoil_registers(int) { asm volatile("pxor %%xmm7, %%xmm7\n fldz\n fstp %%st(0)" ::: "xmm7", "st"); }

void registers()
{
    std::signal(SIGUSR2, spoil_registers);
    double values[2] = {1.25, -7.5};
    for (int round = 0; round < 20; round++) {
        long result = 0;
        asm volatile("movupd (%1), %%xmm7\n syscall\n movupd %%xmm7, (%1)"
                     : "=a"(result)
                     : "r"(values), "a"(SYS_tgkill), "D"(getpid()), "S"(gettid()), "d"(SIGUSR2)
                     : "rcx", "r11", "memory", "xmm7");
        IS(result, 0);
    }
    HOLDS(values[0] == 1.25 && values[1] == -7.5);
}

char alternate[64 * 1024];
volatile bool on_alternate = false, says_so = false;

void look_at_stack(int)
{
    const char here = 0;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    stack_t stack;
    sigaltstack(nullptr, &stack);
    says_so = stack.ss_flags & SS_ONSTACK;
}

void alternate_stack()
{
    const stack_t stack{alternate, 0, sizeof alternate};
    OK(sigaltstack(&stack, nullptr));
    struct sigaction action {};
    action.sa_handler = look_at_stack;
    action.sa_flags = SA_ONSTACK;
    OK(sigaction(SIGUSR2, &action, nullptr));
    raise(SIGUSR2);
    HOLDS(on_alternate && says_so);
    stack_t now;
    OK(sigaltstack(nullptr, &now));
    HOLDS(now.ss_sp == alternate && now.ss_flags == 0);
    const stack_t small{alternate, 0, 100};
    FAILS(sigaltstack(&small, nullptr), ENOMEM);
}

void* volatile nowhere = reinterpret_cast<void*>(0x1230);
sigjmp_buf back;
void* volatile fault_address;
volatile int fault_code;

void leave_fault(int signal, siginfo_t* info, void*)
{
    fault_address = info->si_addr;
    fault_code = info->si_code;
    siglongjmp(back, signal);
}

volatile bool deeper = true;

int descend(volatile char* above)
{
    volatile char here[4096];
    here[0] = above[0];
    return deeper ? descend(here) + here[1] : 0;
}

template <typename Body>
int fault_of(Body body)
{
    const int signal = sigsetjmp(back, 1);
    if (signal == 0) body();
    return signal;
}

void faults()
{
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) handle(signal, leave_fault, SA_ONSTACK);
    IS(fault_of([] { *static_cast<volatile char*>(nowhere) = 1; }), SIGSEGV);
    HOLDS(fault_address == nowhere && fault_code == SEGV_MAPERR);
    auto* page = static_cast<volatile char*>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    IS(fault_of([&] { *page = 1; }), SIGSEGV);
    HOLDS(fault_address == page && fault_code == SEGV_ACCERR);
    IS(fault_of([] { asm volatile("xor %%ecx, %%ecx\n idivl %%ecx" ::: "eax", "ecx", "edx"); }), SIGFPE);
    IS(fault_code, FPE_INTDIV);
    IS(fault_of([] { asm volatile("ud2"); }), SIGILL);
    IS(fault_of([] { asm volatile("int3"); }), SIGTRAP);
    IS(fault_of([] { asm volatile("hlt"); }), SIGSEGV);
    IS(fault_of([] { asm volatile("jmp *%0" ::"r"(0xffff'8000'0000'0000ul)); }), SIGSEGV);
    IS(fault_of([] { asm volatile("jmp *%0" ::"r"(0x8000'0000'0000'0000ul)); }), SIGSEGV);
    const int file = memfd_create("short", 0);
    OK(ftruncate(file, 100));
    auto* mapped = static_cast<volatile char*>(mmap(nullptr, 8192, PROT_READ, MAP_SHARED, file, 0));
    IS(fault_of([&] { (void)mapped[5000]; }), SIGBUS);
    IS(fault_code, BUS_ADRERR);
    close(file);
    volatile char top = 0;
    IS(fault_of([&] { descend(&top); }), SIGSEGV);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) std::signal(signal, SIG_DFL);
}

// What a handler writes into its frame can't hurt the kernel: each case ends in
// one of the two ways.
int spoiling = 0;

void spoil_frame(int, siginfo_t*, void* context)
{
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    auto* state = reinterpret_cast<char*>(machine.fpregs);
    switch (spoiling) {
    case 0:
        machine.gregs[REG_RIP] = static_cast<greg_t>(0x8000'0000'0000'0000);
        break;
    case 1:
        machine.gregs[REG_RIP] = static_cast<greg_t>(0xffff'ffff'8100'0000);
        break;
    case 2:
        machine.gregs[REG_CSGSFS] = 0;
        break;
    case 3:
        std::memset(state, 0xff, 464);
        break;
    case 4:
        std::memset(state + 512, 0xff, 64);
        break;
    case 5:
        machine.fpregs = reinterpret_cast<fpregset_t>(0x1001);
        break;
    case 6:
        machine.fpregs = reinterpret_cast<fpregset_t>(0xffff'ffff'8100'0000);
        break;
    default:
        machine.fpregs = nullptr;
        break;
    }
}

void bad_frames()
{
    for (spoiling = 0; spoiling < 8; spoiling++) {
        const int status = status_of([] {
            handle(SIGUSR1, spoil_frame);
            raise(SIGUSR1);
        });
        HOLDS(killed_by(status, SIGSEGV) || (spoiling >= 2 && status == 0));
    }
    HOLDS(killed_by(status_of([] { syscall(SYS_rt_sigreturn); }), SIGSEGV));
    HOLDS(killed_by(status_of([] {
                        std::signal(SIGSEGV, SIG_IGN);  // doesn't help
                        *static_cast<volatile char*>(nowhere) = 1;
                    }),
                    SIGSEGV));
}

// --- Ends, stops, children.

void* wait_forever(void*)
{
    while (true) pause();
}

void start_threads(int count)
{
    for (int index = 0; index < count; index++) {
        pthread_t thread;
        pthread_create(&thread, nullptr, wait_forever, nullptr);
    }
}

void ends()
{
    const int killed = status_of([] {
        start_threads(4);
        sleep_us(2000);
        kill(getpid(), SIGKILL);
        wait_forever(nullptr);
    });
    HOLDS(killed_by(killed, SIGKILL));
    const int exited = status_of([] {
        start_threads(4);
        sleep_us(2000);
        exit(7);
    });
    HOLDS(WIFEXITED(exited) && WEXITSTATUS(exited) == 7);
    sigset_t all;
    sigfillset(&all);
    pid_t stubborn = 0;
    {
        const Blocked blocked(all);
        stubborn = fork();
        if (stubborn == 0) wait_forever(nullptr);
    }
    OK(kill(stubborn, SIGTERM));
    sleep_us(1000);
    IS(waitpid(stubborn, nullptr, WNOHANG), 0);
    OK(kill(stubborn, SIGKILL));
    int status = 0;
    IS(waitpid(stubborn, &status, 0), stubborn);
    HOLDS(killed_by(status, SIGKILL));
}

void stops(int threads)
{
    handle(SIGCHLD, note, SA_RESTART);
    hits = 0;
    const pid_t child = fork();
    if (child == 0) {
        start_threads(threads);
        while (true) sleep_us(500);
    }
    OK(setpgid(child, child));  // not orphaned: its parent is in another group of the session
    sleep_us(3000);
    int status = 0;
    OK(kill(child, SIGSTOP));
    IS(waitpid(child, &status, WUNTRACED), child);
    HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    HOLDS(hits == 1 && last.si_code == CLD_STOPPED && last.si_status == SIGSTOP);
    OK(kill(child, SIGCONT));
    IS(waitpid(child, &status, WCONTINUED), child);
    HOLDS(WIFCONTINUED(status));
    while (hits < 2)  // the parent is told by the child as it goes on
        sleep_us(100);
    IS(last.si_code, CLD_CONTINUED);
    OK(kill(child, SIGTSTP));
    IS(waitpid(child, &status, WUNTRACED), child);
    HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    OK(kill(child, SIGKILL));
    IS(waitpid(child, &status, 0), child);
    HOLDS(killed_by(status, SIGKILL));
    HOLDS(last.si_code == CLD_KILLED && last.si_status == SIGKILL && last.si_pid == child);
    std::signal(SIGCHLD, SIG_DFL);
}

void no_zombies()
{
    std::signal(SIGCHLD, SIG_IGN);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    FAILS(waitpid(child, nullptr, 0), ECHILD);  // after the child's end
    std::signal(SIGCHLD, SIG_DFL);
}

// --- Waits and restarts.

pthread_t waiting_thread;

void* send_soon(void* signal)
{
    sleep_us(3000);
    pthread_kill(waiting_thread, static_cast<int>(reinterpret_cast<intptr_t>(signal)));
    return nullptr;
}

// A thread that sends `signal` to this one in a while.
class Sender {
public:
    explicit Sender(int signal)
    {
        waiting_thread = pthread_self();
        pthread_create(&thread_, nullptr, send_soon, reinterpret_cast<void*>(intptr_t{signal}));
    }
    ~Sender() { pthread_join(thread_, nullptr); }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

private:
    pthread_t thread_{};
};

void restarts()
{
    int ends[2];
    OK(pipe(ends));
    char byte = 0;
    handle(SIGUSR1, note);
    hits = 0;
    {
        const Sender sender(SIGUSR1);
        FAILS(read(ends[0], &byte, 1), EINTR);
        IS(hits, 1);
    }
    handle(SIGUSR1, note, SA_RESTART);
    const pid_t writer = fork();
    if (writer == 0) {
        sleep_us(10'000);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    {
        const Sender sender(SIGUSR1);
        IS(read(ends[0], &byte, 1), 1);
        HOLDS(byte == 'x' && hits == 2);
    }
    IS(waitpid(writer, nullptr, 0), writer);
    // Sleeps are not restarted by handlers, but by stops.
    const timespec whole{0, 20'000'000};
    timespec rest{};
    {
        const Sender sender(SIGUSR1);
        FAILS(nanosleep(&whole, &rest), EINTR);
        HOLDS(rest.tv_nsec > 1'000'000 && rest.tv_nsec < 20'000'000);
    }
    const pid_t sleeper = fork();
    if (sleeper == 0) {
        const timespec time{0, 30'000'000};
        _exit(nanosleep(&time, nullptr) == 0 ? 0 : 1);
    }
    sleep_us(5000);
    int status = 0;
    OK(kill(sleeper, SIGSTOP));
    IS(waitpid(sleeper, &status, WUNTRACED), sleeper);
    OK(kill(sleeper, SIGCONT));
    IS(waitpid(sleeper, &status, 0), sleeper);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    close(ends[1]);
}

void waits()
{
    const Blocked blocked(set_of({SIGUSR1, SIGRTMIN}));
    handle(SIGUSR1, note);
    hits = 0;
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    FAILS(sigsuspend(&none), EINTR);
    IS(hits, 1);
    sigset_t now;
    OK(sigprocmask(SIG_BLOCK, nullptr, &now));
    IS(sigismember(&now, SIGUSR1), 1);

    const sigset_t wanted = set_of({SIGUSR1, SIGRTMIN});
    siginfo_t info;
    const timespec at_once{0, 0}, soon{0, 2'000'000};
    FAILS(sigtimedwait(&wanted, &info, &at_once), EAGAIN);
    FAILS(sigtimedwait(&wanted, &info, &soon), EAGAIN);
    {
        const Sender sender(SIGRTMIN);
        IS(sigwaitinfo(&wanted, &info), SIGRTMIN);
    }
    OK(sigqueue(getpid(), SIGRTMIN, sigval{.sival_int = 77}));
    IS(sigwaitinfo(&wanted, &info), SIGRTMIN);
    HOLDS(info.si_value.sival_int == 77 && info.si_code == SI_QUEUE);
    IS(pthread_sigqueue(pthread_self(), SIGRTMIN, sigval{.sival_int = 78}), 0);
    IS(sigwaitinfo(&wanted, &info), SIGRTMIN);
    HOLDS(info.si_value.sival_int == 78 && info.si_code == SI_QUEUE);
    FAILS(syscall(SYS_rt_tgsigqueueinfo, getpid(), 999'999, SIGRTMIN, &info), ESRCH);
    handle(SIGUSR2, note);
    const Sender sender(SIGUSR2);
    FAILS(sigwaitinfo(&wanted, &info), EINTR);
}

// Numbers that a program may give and that are no signals: nothing is sent.
void no_signals()
{
    const int odd = status_of([] {
        const long id = syscall(SYS_clone, 200, nullptr, nullptr, nullptr, nullptr);  // its end "sends" 200
        if (id == 0) _exit(0);
        IS(waitpid(static_cast<pid_t>(id), nullptr, __WALL), id);
        const mqd_t queue = mq_open("/no-signals", O_RDWR | O_CREAT, 0600, nullptr);
        sigevent none{};
        none.sigev_notify = SIGEV_SIGNAL;
        OK(mq_notify(queue, &none));
        OK(mq_send(queue, "m", 1, 0));
        OK(mq_unlink("/no-signals"));
        sigset_t pending;
        OK(sigpending(&pending));
        HOLDS(sigisemptyset(&pending));
        _exit(check::result());
    });
    IS(odd, 0);
}

// A blocked signal is taken by the thread that waits for it, at whatever step of the call it comes: its time sweeps
// over the call.
void arrivals()
{
    const sigset_t wanted = set_of({SIGALRM});
    const Blocked blocked(wanted);
    timer_t timer;
    OK(timer_create(CLOCK_MONOTONIC, nullptr, &timer));
    for (long ns = 1; ns < 20'000; ns += 7) {
        const itimerspec once = {{0, 0}, {0, ns}};
        OK(timer_settime(timer, 0, &once, nullptr));
        IS(sigwaitinfo(&wanted, nullptr), SIGALRM);
    }
    OK(timer_delete(timer));
}

}  // namespace

int main()
{
    sending();
    no_signals();
    masks();
    queues();
    flags();
    registers();
    alternate_stack();
    faults();
    bad_frames();
    ends();
    stops(0);
    stops(3);
    no_zombies();
    restarts();
    waits();
    arrivals();
    return check::result();
}
