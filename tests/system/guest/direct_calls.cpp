// The calls that today's C library replaces by newer ones, made directly: what they answer, and that they refuse what
// their manual pages say. Prints what is wrong; silent and 0 when all is right. Needs a directory on tmpfs to work in
// (the first argument). Also right on Linux: run it there to check the checks.
#include "check.hpp"

#include <asm/prctl.h>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

namespace {

struct stat status_of(const char* name)
{
    struct stat answer {};
    OK(stat(name, &answer));
    return answer;
}

// --- Files by name.

void opening()
{
    const int made = static_cast<int>(syscall(SYS_creat, "file", 0640));
    OK(made);
    IS(fcntl(made, F_GETFL) & O_ACCMODE, O_WRONLY);
    IS(status_of("file").st_mode, S_IFREG | 0640);
    const iovec pieces[] = {{const_cast<char*>("one "), 4}, {const_cast<char*>("two"), 3}};
    IS(syscall(SYS_writev, made, pieces, 2), 7);
    FAILS(syscall(SYS_writev, made, pieces, -1), EINVAL);
    OK(close(made));
    FAILS(syscall(SYS_open, "file", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(syscall(SYS_open, "none", O_RDONLY), ENOENT);
    const int file = static_cast<int>(syscall(SYS_open, "file", O_RDONLY));
    OK(file);
    char text[8] = {};
    IS(read(file, text, sizeof text), 7);
    HOLDS(std::string_view(text) == "one two");
    OK(syscall(SYS_fdatasync, file));
    FAILS(syscall(SYS_fdatasync, 999), EBADF);
    struct stat answer {};
    OK(syscall(SYS_fstat, file, &answer));
    IS(answer.st_size, 7);
    FAILS(syscall(SYS_fstat, 999, &answer), EBADF);
    FAILS(syscall(SYS_fstat, file, 8), EFAULT);
    OK(close(file));
    // Emptied.
    OK(close(static_cast<int>(syscall(SYS_creat, "file", 0))));
    IS(status_of("file").st_size, 0);
}

void looking()
{
    OK(symlink("file", "link"));
    struct stat answer {};
    OK(syscall(SYS_stat, "link", &answer));
    HOLDS(S_ISREG(answer.st_mode));
    OK(syscall(SYS_lstat, "link", &answer));
    HOLDS(S_ISLNK(answer.st_mode) && answer.st_size == 4);
    FAILS(syscall(SYS_stat, "none", &answer), ENOENT);
    FAILS(syscall(SYS_lstat, "file/x", &answer), ENOTDIR);
    OK(syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0));
    HOLDS(S_ISFIFO(status_of("fifo").st_mode));
    FAILS(syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0), EEXIST);
    OK(unlink("link"));
    OK(unlink("fifo"));
}

void reading_directories()
{
    OK(mkdir("directory", 0700));
    OK(close(open("directory/entry", O_CREAT | O_WRONLY, 0600)));
    const int directory = open("directory", O_RDONLY | O_DIRECTORY);
    alignas(8) char records[512];
    const long got = syscall(SYS_getdents, directory, records, sizeof records);
    HOLDS(got > 0);
    int found = 0, entries = 0;
    for (long at = 0; at < got;) {
        std::uint16_t length = 0;
        std::memcpy(&length, records + at + 16, sizeof length);
        // The kind stands in the record's last byte.
        if (std::string_view(records + at + 18) == "entry" && records[at + length - 1] == 8) found++;
        entries++;
        at += length;
    }
    IS(found, 1);
    IS(entries, 3);
    IS(syscall(SYS_getdents, directory, records, sizeof records), 0);
    IS(lseek(directory, 0, SEEK_SET), 0);
    FAILS(syscall(SYS_getdents, directory, records, 4), EINVAL);
    OK(close(directory));
    OK(unlink("directory/entry"));
    OK(rmdir("directory"));
}

void times()
{
    const utimbuf seconds{1000, 2000};
    OK(syscall(SYS_utime, "file", &seconds));
    IS(status_of("file").st_atime, 1000);
    IS(status_of("file").st_mtime, 2000);
    const timeval both[2] = {{3000, 5}, {4000, 6}};
    OK(syscall(SYS_utimes, "file", both));
    IS(status_of("file").st_atim.tv_nsec, 5000);
    IS(status_of("file").st_mtime, 4000);
    const int here = open(".", O_RDONLY | O_DIRECTORY);
    const timeval again[2] = {{5000, 0}, {6000, 0}};
    OK(syscall(SYS_futimesat, here, "file", again));
    IS(status_of("file").st_atime, 5000);
    const timeval bad[2] = {{0, 1'000'000}, {0, 0}};
    FAILS(syscall(SYS_utimes, "file", bad), EINVAL);
    FAILS(syscall(SYS_futimesat, here, "none", again), ENOENT);
    FAILS(syscall(SYS_utime, "none", &seconds), ENOENT);
    OK(syscall(SYS_utime, "file", nullptr));
    HOLDS(status_of("file").st_mtime > 100'000'000);
    OK(close(here));
}

// --- Events.

void events()
{
    int ends[2];
    OK(syscall(SYS_pipe, ends));
    FAILS(syscall(SYS_pipe, 8), EFAULT);
    IS(fcntl(ends[0], F_GETFD), 0);
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(ends[0], &readable);
    FD_SET(ends[1], &writable);
    timeval soon{0, 2000};
    IS(syscall(SYS_select, ends[1] + 1, &readable, &writable, nullptr, &soon), 1);
    HOLDS(!FD_ISSET(ends[0], &readable) && FD_ISSET(ends[1], &writable));
    FD_SET(ends[0], &readable);
    IS(syscall(SYS_select, ends[0] + 1, &readable, nullptr, nullptr, &soon), 0);
    HOLDS(soon.tv_sec == 0 && soon.tv_usec == 0);  // the time that is left
    timeval bad{-1, 0};
    FAILS(syscall(SYS_select, 0, nullptr, nullptr, nullptr, &bad), EINVAL);

    const int events = static_cast<int>(syscall(SYS_epoll_create, 1));
    OK(events);
    FAILS(syscall(SYS_epoll_create, 0), EINVAL);
    epoll_event event{EPOLLOUT, {.u64 = 77}};
    OK(epoll_ctl(events, EPOLL_CTL_ADD, ends[1], &event));
    event = {};
    IS(syscall(SYS_epoll_wait, events, &event, 1, -1), 1);
    HOLDS(event.events == EPOLLOUT && event.data.u64 == 77);
    OK(close(events));
    OK(close(ends[0]));
    OK(close(ends[1]));

    const int counter = static_cast<int>(syscall(SYS_eventfd, 3));
    std::uint64_t value = 0;
    IS(read(counter, &value, sizeof value), sizeof value);
    IS(value, 3);
    OK(close(counter));

    const std::uint64_t wanted = 1ul << (SIGUSR1 - 1);
    OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &wanted, nullptr, sizeof wanted));
    const int signals = static_cast<int>(syscall(SYS_signalfd, -1, &wanted, sizeof wanted));
    OK(signals);
    OK(syscall(SYS_tkill, gettid(), SIGUSR1));
    std::uint32_t record[32] = {};
    IS(read(signals, record, sizeof record), sizeof record);
    IS(record[0], SIGUSR1);
    FAILS(syscall(SYS_tkill, 999'999, 0), ESRCH);
    FAILS(syscall(SYS_tkill, -1, 0), EINVAL);
    OK(close(signals));
}

// --- Processes and times.

void processes()
{
    const long child = syscall(SYS_fork);
    if (child == 0) syscall(SYS_exit, 5);
    int status = 0;
    IS(syscall(SYS_wait4, child, &status, 0, nullptr), child);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    static int word = 1;
    IS(syscall(SYS_set_tid_address, &word), gettid());
    unsigned long base = 0, first = 0;
    OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
    asm("mov %%fs:0, %0" : "=r"(first));  // the thread's block begins with its own address
    IS(base, first);
    FAILS(syscall(SYS_arch_prctl, ARCH_SET_FS, ~0ul), EPERM);
    FAILS(syscall(SYS_arch_prctl, 1, 0), EINVAL);
    rlimit limit{};
    OK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &limit));
    HOLDS(limit.rlim_cur > 3 && limit.rlim_cur <= limit.rlim_max);
    const rlimit lower{limit.rlim_cur - 1, limit.rlim_max}, wrong{2, 1};
    OK(syscall(SYS_setrlimit, RLIMIT_NOFILE, &lower));
    rlimit now{};
    OK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &now));
    IS(now.rlim_cur, lower.rlim_cur);
    FAILS(syscall(SYS_setrlimit, RLIMIT_NOFILE, &wrong), EINVAL);
    FAILS(syscall(SYS_getrlimit, 99, &now), EINVAL);
}

void clocks()
{
    timespec wall{};
    OK(clock_gettime(CLOCK_REALTIME, &wall));
    timeval day{};
    OK(syscall(SYS_gettimeofday, &day, nullptr));
    HOLDS(day.tv_sec - wall.tv_sec <= 1 && day.tv_usec < 1'000'000);
    std::int64_t seconds = 0;
    const long answer = syscall(SYS_time, &seconds);
    HOLDS(answer == seconds && answer - wall.tv_sec <= 1);
    FAILS(syscall(SYS_time, 8), EFAULT);
    timespec before{}, after{};
    OK(clock_gettime(CLOCK_MONOTONIC, &before));
    const timespec some{0, 2'000'000}, bad{0, 1'000'000'000};
    OK(syscall(SYS_nanosleep, &some, nullptr));
    OK(clock_gettime(CLOCK_MONOTONIC, &after));
    HOLDS((after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec >= 2'000'000);
    FAILS(syscall(SYS_nanosleep, &bad, nullptr), EINVAL);
}

}  // namespace

int main(int count, char** arguments)
{
    if (count != 2 || chdir(arguments[1]) < 0) return 2;
    opening();
    looking();
    reading_directories();
    times();
    events();
    processes();
    clocks();
    OK(unlink("file"));
    return check::result();
}
