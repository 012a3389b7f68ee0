// Who a process is and what machine it runs on: names of the machine, ids, groups, capabilities, priorities of input
// and output, and what a process may stop to share. Prints what is wrong; silent and 0 when all is right. Needs root,
// and renames its machine. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <csignal>
#include <cstdint>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string_view>
#include <sys/fsuid.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void names()
{
    utsname name{};
    OK(uname(&name));
    HOLDS(std::string_view(name.sysname) == "Linux" && std::string_view(name.machine) == "x86_64");
    FAILS(syscall(SYS_uname, 8), EFAULT);
    OK(sethostname("other", 5));
    OK(setdomainname("elsewhere", 9));
    OK(uname(&name));
    HOLDS(std::string_view(name.nodename) == "other");
    HOLDS(std::string_view(name.domainname) == "elsewhere");
    char host[16] = {};
    OK(gethostname(host, sizeof host));
    HOLDS(std::string_view(host) == "other");
    FAILS(syscall(SYS_sethostname, "x", -1), EINVAL);
    FAILS(syscall(SYS_setdomainname, "x", 65), EINVAL);
    IS(child::run([] {
           OK(setuid(1000));
           FAILS(sethostname("x", 1), EPERM);
           FAILS(setdomainname("x", 1), EPERM);
       }),
       0);
}

void system_wide()
{
    struct sysinfo info {};
    OK(sysinfo(&info));
    HOLDS(info.uptime > 0 && info.procs > 0 && info.mem_unit == 1);
    HOLDS(info.freeram > 0 && info.freeram < info.totalram);
    FAILS(syscall(SYS_sysinfo, 8), EFAULT);
    // The log's size, then its text.
    const int size = klogctl(10, nullptr, 0);
    HOLDS(size > 0);
    char text[256] = {};
    const int got = klogctl(3, text, sizeof text);
    HOLDS(got > 0 && got <= static_cast<int>(sizeof text));
    FAILS(klogctl(99, text, 1), EINVAL);
    FAILS(klogctl(3, text, -1), EINVAL);
    // The end of the machine wants its magic numbers and the right.
    FAILS(syscall(SYS_reboot, 1, 2, 3, nullptr), EINVAL);
    FAILS(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x77777777, nullptr), EINVAL);
    OK(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, nullptr));  // Ctrl-Alt-Del is a signal to init
    IS(child::run([] {
           OK(setuid(1000));
           FAILS(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, nullptr), EPERM);
           FAILS(vhangup(), EPERM);
           FAILS(klogctl(5, nullptr, 0), EPERM);
           FAILS(syscall(SYS_pivot_root, "/", "/"), EPERM);
       }),
       0);
    IS(child::run([] {
           OK(setsid());
           OK(vhangup());  // of no terminal
       }),
       0);
    FAILS(syscall(SYS_pivot_root, "/none", "/none"), ENOENT);
    FAILS(syscall(SYS_pivot_root, "/proc/version", "/"), ENOTDIR);
}

void groups()
{
    IS(child::run([] {
           OK(setregid(30, 31));
           IS(getgid(), 30);
           IS(getegid(), 31);
           gid_t real = 0, effective = 0, saved = 0;
           OK(getresgid(&real, &effective, &saved));
           HOLDS(real == 30 && effective == 31 && saved == 31);
           FAILS(syscall(SYS_getresgid, 8, &effective, &saved), EFAULT);
           OK(setgid(32));
           HOLDS(getgid() == 32 && getegid() == 32);
           const gid_t list[] = {7, 5, 6};
           OK(setgroups(3, list));
           gid_t now[3] = {};
           IS(getgroups(0, nullptr), 3);
           FAILS(getgroups(2, now), EINVAL);
           FAILS(syscall(SYS_getgroups, -1, now), EINVAL);
           IS(getgroups(3, now), 3);
           HOLDS(now[0] == 5 && now[1] == 6 && now[2] == 7);  // kept in order
           OK(setreuid(40, 41));
           IS(geteuid(), 41);
           FAILS(setregid(99, 99), EPERM);
           FAILS(setgroups(0, nullptr), EPERM);
       }),
       0);
}

// The ids that files are looked at with; both calls answer with the one before.
void file_ids()
{
    IS(child::run([] {
           OK(mkdir("/tmp/private", 0700));
           IS(setfsgid(20), 0);
           IS(setfsgid(static_cast<gid_t>(-1)), 20);
           IS(setfsuid(20), 0);
           IS(setfsuid(static_cast<uid_t>(-1)), 20);
           FAILS(chdir("/tmp/private"), EACCES);
           IS(setfsuid(0), 20);
           OK(chdir("/tmp/private"));
           OK(rmdir("/tmp/private"));
       }),
       0);
}

void capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    OK(syscall(SYS_capget, &header, data));
    HOLDS(data[0].effective & 1u << CAP_SETUID && data[0].permitted & 1u << CAP_KILL);
    header.pid = 999'999;
    FAILS(syscall(SYS_capget, &header, data), ESRCH);
    header = {12345, 0};
    FAILS(syscall(SYS_capget, &header, data), EINVAL);
    IS(header.version, _LINUX_CAPABILITY_VERSION_3);
    IS(child::run([&] {
           header = {_LINUX_CAPABILITY_VERSION_3, 0};
           data[0].effective &= ~(1u << CAP_SYS_ADMIN);
           data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
           OK(syscall(SYS_capset, &header, data));
           FAILS(sethostname("x", 1), EPERM);
           data[0].permitted |= 1u << CAP_SYS_ADMIN;
           FAILS(syscall(SYS_capset, &header, data), EPERM);
           header.pid = 1;
           FAILS(syscall(SYS_capset, &header, data), EPERM);
       }),
       0);
}

void choices()
{
    const int before = personality(0xffffffff);
    OK(before);
    IS(personality(static_cast<unsigned>(before) | ADDR_NO_RANDOMIZE), before);
    IS(personality(0xffffffff), before | ADDR_NO_RANDOMIZE);
    OK(personality(static_cast<unsigned>(before)));

    constexpr int of_process = 1, best_effort_3 = 2 << 13 | 3;
    OK(syscall(SYS_ioprio_set, of_process, 0, best_effort_3));
    IS(syscall(SYS_ioprio_get, of_process, 0), best_effort_3);
    FAILS(syscall(SYS_ioprio_set, of_process, 0, 7 << 13), EINVAL);
    FAILS(syscall(SYS_ioprio_set, 99, 0, best_effort_3), EINVAL);
    FAILS(syscall(SYS_ioprio_get, of_process, 999'999), ESRCH);
    FAILS(syscall(SYS_ioprio_get, 99, 0), EINVAL);
}

void sharing()
{
    FAILS(unshare(1), EINVAL);
    // A child that shares this process's working directory, unshares it, then moves: this one stays.
    alignas(16) static char stack[16384];
    OK(chdir("/tmp"));
    const pid_t child = clone([](void*) { return unshare(CLONE_FS) < 0 ? 1 : chdir("/proc"); }, stack + sizeof stack,
                              CLONE_FS | SIGCHLD, nullptr);
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    IS(status, 0);
    char here[64] = {};
    OK(syscall(SYS_getcwd, here, sizeof here));
    HOLDS(std::string_view(here) == "/tmp");
}

void used_time()
{
    tms before{}, after{};
    const clock_t begin = times(&before);
    HOLDS(begin > 0);
    do OK(times(&after));
    while (after.tms_utime + after.tms_stime == before.tms_utime + before.tms_stime);
    HOLDS(times(nullptr) >= begin);
    FAILS(syscall(SYS_times, 8), EFAULT);
}

}  // namespace

int main()
{
    names();
    system_wide();
    groups();
    file_ids();
    capabilities();
    choices();
    sharing();
    used_time();
    return check::result();
}
