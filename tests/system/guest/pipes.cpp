// Pipes, FIFOs, poll(2), select(2), eventfd, timerfd, signalfd and epoll, case
// by case. Prints what is wrong; silent and 0 when all is right. Also right on
// Linux: run it there to check the checks.
#include "check.hpp"
#include "thread.hpp"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

char* volatile nowhere = reinterpret_cast<char*>(8);  // no memory there
char page[4096];
char many[1 << 17];

short ready(int descriptor, short events)
{
    pollfd one{descriptor, events, 0};
    return poll(&one, 1, 0) < 0 ? -1 : one.revents;
}

void sleep_ms(long milliseconds)
{
    const timespec time{0, milliseconds * 1'000'000};
    nanosleep(&time, nullptr);
}

// --- Pipes.

void pipe_basics()
{
    int ends[2];
    OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    IS(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    char byte = 0;
    FAILS(read(ends[0], &byte, 1), EAGAIN);
    IS(ready(ends[0], POLLIN), 0);
    IS(ready(ends[1], POLLOUT), POLLOUT);
    IS(write(ends[1], "abc", 3), 3);
    int queued = 0;
    OK(ioctl(ends[0], FIONREAD, &queued));
    IS(queued, 3);
    IS(ready(ends[0], POLLIN), POLLIN);
    char text[8];
    IS(read(ends[0], text, 2), 2);
    HOLDS(std::memcmp(text, "ab", 2) == 0);
    IS(read(ends[0], text, 8), 1);
    HOLDS(text[0] == 'c');
    FAILS(read(ends[1], text, 1), EBADF);
    FAILS(write(ends[0], text, 1), EBADF);
    FAILS(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    struct stat about;
    OK(fstat(ends[0], &about));
    HOLDS(S_ISFIFO(about.st_mode));
    FAILS(write(ends[1], nowhere, 1), EFAULT);
    OK(close(ends[1]));
    IS(ready(ends[0], POLLIN), POLLHUP);
    IS(read(ends[0], text, 1), 0);
    OK(close(ends[0]));
    FAILS(pipe2(ends, 0x7), EINVAL);
    FAILS(pipe(reinterpret_cast<int*>(nowhere)), EFAULT);
}

void pipe_full()
{
    int ends[2];
    OK(pipe2(ends, O_NONBLOCK));
    IS(fcntl(ends[1], F_GETPIPE_SZ), 65536);
    IS(write(ends[1], many, sizeof many), 65536);
    FAILS(write(ends[1], page, 1), EAGAIN);
    IS(ready(ends[1], POLLOUT), 0);
    IS(read(ends[0], page, 4096), 4096);
    IS(ready(ends[1], POLLOUT), POLLOUT);
    // Atomic: all of 4096 bytes, or nothing.
    IS(write(ends[1], page, 100), 100);
    FAILS(write(ends[1], page, 4096), EAGAIN);
    IS(write(ends[1], page, 3996), 3996);
    FAILS(fcntl(ends[1], F_SETPIPE_SZ, 4096), EBUSY);
    IS(fcntl(ends[1], F_SETPIPE_SZ, 100'000), 131072);
    IS(write(ends[1], many, sizeof many), 65536);
    OK(close(ends[0]));
    signal(SIGPIPE, SIG_IGN);
    FAILS(write(ends[1], page, 1), EPIPE);
    IS(ready(ends[1], POLLOUT) & POLLERR, POLLERR);
    OK(close(ends[1]));
}

void pipe_signal()
{
    int ends[2];
    OK(pipe(ends));
    OK(close(ends[0]));
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        _exit(static_cast<int>(write(ends[1], "x", 1)));
    }
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    OK(close(ends[1]));
}

void pipe_packets()
{
    int ends[2];
    OK(pipe2(ends, O_DIRECT | O_NONBLOCK));
    IS(write(ends[1], "first", 5), 5);
    IS(write(ends[1], "second", 6), 6);
    char text[16];
    IS(read(ends[0], text, 2), 2);
    IS(read(ends[0], text, sizeof text), 6);
    HOLDS(std::memcmp(text, "second", 6) == 0);
    FAILS(read(ends[0], text, 1), EAGAIN);
    OK(close(ends[0]));
    OK(close(ends[1]));
}

void* write_much(void* end)
{
    IS(write(*static_cast<int*>(end), many, sizeof many), sizeof many);
    return nullptr;
}

void pipe_blocks()
{
    int ends[2];
    OK(pipe(ends));
    for (std::size_t index = 0; index < sizeof many; index++) many[index] = static_cast<char>(index * 7 / 3);
    {
        Thread writer(write_much, &ends[1]);
        std::size_t total = 0;
        bool same = true;
        while (total < sizeof many) {
            const ssize_t got = read(ends[0], page, 1000);
            if (got <= 0) break;
            same = same && std::memcmp(page, many + total, static_cast<std::size_t>(got)) == 0;
            total += static_cast<std::size_t>(got);
        }
        IS(total, sizeof many);
        HOLDS(same);
    }
    OK(close(ends[0]));
    OK(close(ends[1]));
}

void* open_writer(void* path)
{
    const int end = open(static_cast<const char*>(path), O_WRONLY);
    OK(end);
    IS(write(end, "hi", 2), 2);
    OK(close(end));
    return nullptr;
}

void fifos()
{
    char path[] = "/tmp/takt-fifo-XXXXXX";
    HOLDS(mkdtemp(path) == path);
    OK(chdir(path));
    char name[] = "fifo";
    OK(mkfifo(name, 0600));
    FAILS(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
    const int early = open(name, O_RDONLY | O_NONBLOCK);
    OK(early);
    IS(ready(early, POLLIN), 0);  // no writer came yet: no hangup
    char text[4];
    IS(read(early, text, 4), 0);
    const int writer = open(name, O_WRONLY | O_NONBLOCK);
    OK(writer);
    FAILS(read(early, text, 4), EAGAIN);
    OK(close(writer));
    IS(ready(early, POLLIN), POLLHUP);
    OK(close(early));
    {
        Thread thread(open_writer, name);
        const int reader = open(name, O_RDONLY);
        OK(reader);
        IS(read(reader, text, 4), 2);
        IS(read(reader, text, 4), 0);
        OK(close(reader));
    }
    const int both = open(name, O_RDWR);
    OK(both);
    IS(write(both, "x", 1), 1);
    IS(read(both, text, 1), 1);
    OK(close(both));
    OK(unlink(name));
    OK(chdir("/"));
    OK(rmdir(path));
}

// --- poll and select.

void* write_later(void* end)
{
    sleep_ms(20);
    IS(write(*static_cast<int*>(end), "x", 1), 1);
    return nullptr;
}

void polls()
{
    int ends[2];
    OK(pipe(ends));
    pollfd three[3] = {{ends[0], POLLIN, 7}, {-1, POLLIN, 7}, {999, POLLIN, 7}};
    IS(poll(three, 3, 1000), 1);
    IS(three[0].revents, 0);
    IS(three[1].revents, 0);
    IS(three[2].revents, POLLNVAL);
    IS(poll(three, 1, 5), 0);
    IS(poll(nullptr, 0, 5), 0);
    FAILS(poll(reinterpret_cast<pollfd*>(nowhere), 1, 0), EFAULT);
    FAILS(poll(reinterpret_cast<pollfd*>(nowhere), 1u << 30, 0), EINVAL);
    {
        Thread thread(write_later, &ends[1]);
        IS(poll(three, 1, -1), 1);
        IS(three[0].revents, POLLIN);
    }
    IS(read(ends[0], page, 1), 1);
    {
        Thread thread(write_later, &ends[1]);
        fd_set in, out;
        FD_ZERO(&in);
        FD_ZERO(&out);
        FD_SET(ends[0], &in);
        timeval limit{5, 0};
        IS(select(ends[0] + 1, &in, &out, nullptr, &limit), 1);
        HOLDS(FD_ISSET(ends[0], &in));
        HOLDS(limit.tv_sec < 5);  // what is left
        FD_SET(ends[1], &out);
        IS(select(ends[1] + 1, &in, &out, nullptr, nullptr), 2);
    }
    IS(read(ends[0], page, 1), 1);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    timeval none{0, 0};
    IS(select(ends[0] + 1, &in, nullptr, nullptr, &none), 0);
    HOLDS(!FD_ISSET(ends[0], &in));
    timeval wrong{-1, 0};
    FAILS(select(1, nullptr, nullptr, nullptr, &wrong), EINVAL);
    FAILS(select(-1, nullptr, nullptr, nullptr, &none), EINVAL);
    OK(close(ends[0]));
    FD_SET(ends[0], &in);
    FAILS(select(ends[0] + 1, &in, nullptr, nullptr, &none), EBADF);
    OK(close(ends[1]));
}

volatile sig_atomic_t handled = 0;
void handle(int) { handled = handled + 1; }

// SIGIO (fcntl(2), O_ASYNC) is refused, or it comes.
void input_signals()
{
    int ends[2];
    OK(pipe(ends));
    signal(SIGIO, handle);
    handled = 0;
    OK(fcntl(ends[0], F_SETOWN, getpid()));
    if (fcntl(ends[0], F_SETFL, O_ASYNC) == 0) {
        IS(write(ends[1], "x", 1), 1);
        IS(handled, 1);
    } else {
        HOLDS(errno == EINVAL);
    }
    close(ends[0]);
    close(ends[1]);
    signal(SIGIO, SIG_DFL);
}

void poll_signals()
{
    struct sigaction action {};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    OK(sigaction(SIGUSR1, &action, nullptr));
    sigset_t blocked, old, empty;
    sigemptyset(&empty);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, &blocked, &old));
    OK(raise(SIGUSR1));
    handled = 0;
    const timespec soon{1, 0};
    FAILS(ppoll(nullptr, 0, &soon, &empty),
          EINTR);  // delivered under the mask of the call
    IS(handled, 1);
    OK(raise(SIGUSR1));
    FAILS(pselect(0, nullptr, nullptr, nullptr, &soon, &empty), EINTR);
    IS(handled, 2);
    const int all = epoll_create1(0);
    epoll_event event;
    OK(raise(SIGUSR1));
    FAILS(epoll_pwait(all, &event, 1, 1000, &empty), EINTR);
    IS(handled, 3);
    OK(raise(SIGUSR1));
    FAILS(epoll_pwait2(all, &event, 1, &soon, &empty), EINTR);
    IS(handled, 4);
    OK(close(all));
    OK(sigprocmask(SIG_SETMASK, &old, nullptr));
}

// --- eventfd.

void* add_later(void* counter)
{
    sleep_ms(20);
    OK(eventfd_write(*static_cast<int*>(counter), 5));
    return nullptr;
}

void eventfds()
{
    int counter = eventfd(3, EFD_NONBLOCK);
    OK(counter);
    eventfd_t value = 0;
    IS(ready(counter, POLLIN | POLLOUT), POLLIN | POLLOUT);
    OK(eventfd_read(counter, &value));
    IS(value, 3);
    FAILS(eventfd_read(counter, &value), EAGAIN);
    FAILS(read(counter, &value, 4), EINVAL);
    value = ~0ull;
    FAILS(write(counter, &value, 8), EINVAL);
    OK(eventfd_write(counter, ~0ull - 1));
    FAILS(eventfd_write(counter, 1), EAGAIN);
    IS(ready(counter, POLLIN | POLLOUT), POLLIN);
    OK(close(counter));
    counter = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    OK(eventfd_read(counter, &value));
    IS(value, 1);
    OK(eventfd_read(counter, &value));
    FAILS(eventfd_read(counter, &value), EAGAIN);
    OK(close(counter));
    counter = eventfd(0, 0);
    {
        Thread thread(add_later, &counter);
        OK(eventfd_read(counter, &value));
        IS(value, 5);
    }
    OK(close(counter));
    FAILS(eventfd(0, 0x40), EINVAL);
}

// --- timerfd.

void timerfds()
{
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    OK(timer);
    std::uint64_t count = 0;
    FAILS(read(timer, &count, 8), EAGAIN);
    itimerspec setting{{0, 5'000'000}, {0, 5'000'000}}, now{};
    OK(timerfd_settime(timer, 0, &setting, nullptr));
    OK(timerfd_gettime(timer, &now));
    HOLDS(now.it_interval.tv_nsec == 5'000'000 && now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 5'000'000);
    IS(ready(timer, POLLIN), 0);
    pollfd one{timer, POLLIN, 0};
    IS(poll(&one, 1, 1000), 1);
    sleep_ms(12);
    IS(read(timer, &count, 8), 8);
    HOLDS(count >= 3);
    setting = {{0, 0}, {0, 1}};
    OK(timerfd_settime(timer, 0, &setting, &now));
    IS(now.it_interval.tv_nsec, 5'000'000);
    IS(poll(&one, 1, 1000), 1);
    OK(timerfd_gettime(timer, &now));
    IS(now.it_value.tv_nsec, 0);
    IS(read(timer, &count, 8), 8);
    IS(count, 1);
    FAILS(read(timer, &count, 7), EINVAL);
    setting = {{0, 0}, {0, 1'000'000'000}};
    FAILS(timerfd_settime(timer, 0, &setting, nullptr), EINVAL);
    OK(close(timer));
    // A blocked reader, an absolute wall-clock time.
    const int wall = timerfd_create(CLOCK_REALTIME, 0);
    OK(wall);
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    setting = {{0, 0}, {time.tv_sec, time.tv_nsec}};
    setting.it_value.tv_nsec += 10'000'000;
    if (setting.it_value.tv_nsec >= 1'000'000'000) {
        setting.it_value.tv_sec++;
        setting.it_value.tv_nsec -= 1'000'000'000;
    }
    OK(timerfd_settime(wall, TFD_TIMER_ABSTIME, &setting, nullptr));
    IS(read(wall, &count, 8), 8);
    IS(count, 1);
    clock_gettime(CLOCK_REALTIME, &time);
    HOLDS(time.tv_sec > setting.it_value.tv_sec ||
          (time.tv_sec == setting.it_value.tv_sec && time.tv_nsec >= setting.it_value.tv_nsec));
    OK(close(wall));
    FAILS(timerfd_create(77, 0), EINVAL);
    FAILS(timerfd_gettime(0, &now), EINVAL);
}

// --- signalfd.

void signalfds()
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    OK(sigprocmask(SIG_BLOCK, &set, &old));
    const int signals = signalfd(-1, &set, SFD_NONBLOCK);
    OK(signals);
    signalfd_siginfo info[3];
    FAILS(read(signals, info, sizeof info), EAGAIN);
    FAILS(read(signals, info, 10), EINVAL);
    IS(ready(signals, POLLIN), 0);
    OK(raise(SIGUSR2));
    sigval value{};
    value.sival_int = 42;
    OK(sigqueue(getpid(), SIGRTMIN, value));
    IS(ready(signals, POLLIN), POLLIN);
    IS(read(signals, info, sizeof info), 2 * sizeof info[0]);
    IS(info[0].ssi_signo, SIGUSR2);
    IS(info[0].ssi_pid, getpid());
    IS(info[1].ssi_signo, SIGRTMIN);
    IS(info[1].ssi_int, 42);
    IS(info[1].ssi_code, SI_QUEUE);
    sigemptyset(&set);
    IS(signalfd(signals, &set, 0), signals);
    OK(raise(SIGUSR2));
    FAILS(read(signals, info, sizeof info), EAGAIN);
    sigaddset(&set, SIGUSR2);
    IS(signalfd(signals, &set, 0), signals);
    IS(read(signals, info, sizeof info), sizeof info[0]);
    // Through epoll.
    const int all = epoll_create1(0);
    epoll_event event{EPOLLIN, {.u32 = 9}};
    OK(epoll_ctl(all, EPOLL_CTL_ADD, signals, &event));
    IS(epoll_wait(all, &event, 1, 0), 0);
    OK(raise(SIGUSR2));
    IS(epoll_wait(all, &event, 1, 1000), 1);
    IS(read(signals, info, sizeof info), sizeof info[0]);
    OK(close(all));
    OK(close(signals));
    OK(sigprocmask(SIG_SETMASK, &old, nullptr));
}

// --- epoll.

void epolls()
{
    int ends[2];
    OK(pipe(ends));
    const int all = epoll_create1(EPOLL_CLOEXEC);
    OK(all);
    epoll_event event{EPOLLIN, {.u64 = 77}}, got[4];
    OK(epoll_ctl(all, EPOLL_CTL_ADD, ends[0], &event));
    FAILS(epoll_ctl(all, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
    FAILS(epoll_ctl(all, EPOLL_CTL_ADD, all, &event), EINVAL);
    FAILS(epoll_ctl(all, EPOLL_CTL_DEL, ends[1], &event), ENOENT);
    FAILS(epoll_ctl(all, EPOLL_CTL_MOD, 999, &event), EBADF);
    FAILS(epoll_ctl(0, EPOLL_CTL_ADD, ends[0], &event), EINVAL);
    FAILS(epoll_wait(all, got, 0, 0), EINVAL);
    IS(epoll_wait(all, got, 4, 0), 0);
    IS(epoll_wait(all, got, 4, 5), 0);
    const timespec never{0, -1};
    FAILS(epoll_pwait2(all, got, 4, &never, nullptr), EINVAL);
    // Level-triggered: as long as it is readable.
    IS(write(ends[1], "xy", 2), 2);
    IS(epoll_wait(all, got, 4, 0), 1);
    IS(got[0].data.u64, 77);
    IS(got[0].events, EPOLLIN);
    IS(epoll_wait(all, got, 4, -1), 1);
    IS(read(ends[0], page, 2), 2);
    IS(epoll_wait(all, got, 4, 0), 0);
    IS(ready(all, POLLIN), 0);
    // Edge-triggered: once for each write.
    event.events = EPOLLIN | EPOLLET;
    OK(epoll_ctl(all, EPOLL_CTL_MOD, ends[0], &event));
    IS(write(ends[1], "x", 1), 1);
    IS(ready(all, POLLIN), POLLIN);
    IS(epoll_wait(all, got, 4, 0), 1);
    IS(epoll_wait(all, got, 4, 0), 0);
    IS(write(ends[1], "x", 1), 1);
    IS(epoll_wait(all, got, 4, 0), 1);
    // One shot: until it is modified.
    event.events = EPOLLIN | EPOLLONESHOT;
    OK(epoll_ctl(all, EPOLL_CTL_MOD, ends[0], &event));
    IS(epoll_wait(all, got, 4, 0), 1);
    IS(epoll_wait(all, got, 4, 0), 0);
    OK(epoll_ctl(all, EPOLL_CTL_MOD, ends[0], &event));
    IS(epoll_wait(all, got, 4, 0), 1);
    IS(read(ends[0], page, 9), 2);
    // A writer in another thread, several files, one result at a time.
    event = {EPOLLOUT, {.u64 = 78}};
    OK(epoll_ctl(all, EPOLL_CTL_ADD, ends[1], &event));
    event = {EPOLLIN, {.u64 = 77}};
    OK(epoll_ctl(all, EPOLL_CTL_MOD, ends[0], &event));
    IS(epoll_wait(all, got, 4, 0), 1);
    IS(write(ends[1], "x", 1), 1);
    IS(epoll_wait(all, got, 4, 0), 2);
    IS(epoll_wait(all, got, 1, 0), 1);
    const std::uint64_t first = got[0].data.u64;
    IS(epoll_wait(all, got, 1, 0), 1);
    HOLDS(got[0].data.u64 != first);  // they take turns
    OK(epoll_ctl(all, EPOLL_CTL_DEL, ends[1], nullptr));
    IS(read(ends[0], page, 9), 1);
    {
        Thread thread(write_later, &ends[1]);
        IS(epoll_wait(all, got, 4, -1), 1);
    }
    // Closing the file takes it out, a duplicate keeps it in.
    const int copy = dup(ends[0]);
    OK(close(ends[0]));
    IS(epoll_wait(all, got, 4, 0), 1);
    OK(close(copy));
    IS(epoll_wait(all, got, 4, 0), 0);
    OK(close(ends[1]));
    OK(close(all));
    const int directory = open("/", O_RDONLY);
    const int other = epoll_create1(0);
    FAILS(epoll_ctl(other, EPOLL_CTL_ADD, directory, &event), EPERM);
    OK(close(directory));
    OK(close(other));
}

void nested_epolls()
{
    int ends[2];
    OK(pipe(ends));
    const int inner = epoll_create1(0), outer = epoll_create1(0);
    epoll_event event{EPOLLIN, {.u64 = 1}}, got;
    OK(epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &event));
    OK(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    FAILS(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
    IS(epoll_wait(outer, &got, 1, 0), 0);
    {
        Thread thread(write_later, &ends[1]);
        IS(epoll_wait(outer, &got, 1, -1), 1);
    }
    IS(epoll_wait(inner, &got, 1, 0), 1);
    IS(read(ends[0], page, 1), 1);
    IS(epoll_wait(outer, &got, 1, 0), 0);
    OK(close(ends[0]));
    OK(close(ends[1]));
    OK(close(inner));
    OK(close(outer));
    // At most five above one another.
    int chain[8];
    for (int& one : chain) OK(one = epoll_create1(0));
    int linked = 0;
    while (linked < 7 && epoll_ctl(chain[linked + 1], EPOLL_CTL_ADD, chain[linked], &event) == 0) linked++;
    HOLDS(linked >= 4 && linked <= 5);
    HOLDS(errno == ELOOP || errno == EINVAL);
    for (const int one : chain) OK(close(one));
}

}  // namespace

int main()
{
    pipe_basics();
    pipe_full();
    pipe_signal();
    pipe_packets();
    pipe_blocks();
    fifos();
    polls();
    input_signals();
    poll_signals();
    eventfds();
    timerfds();
    signalfds();
    epolls();
    nested_epolls();
    return check::result();
}
