// Shows that Debian's tools that look at a system work on this one, unmodified: procps, the tools of util-linux that
// schedule, strace; and that busybox's do. Their answers are checked against each other and against what was asked for.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace takt::test {

namespace {

bool has(const std::string& text, const std::string& pattern)
{
    return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript | std::regex::multiline));
}

std::string output_of(const std::string& script, const std::string& cpus)
{
    const Outcome outcome =
        run({"sh", "-c", script}, {"--cpus", cpus, "--package", "procps", "--package", "ncurses-base", "--package",
                                   "util-linux", "--package", "strace"});
    EXPECT_EQ(outcome.status, 0) << outcome.command << '\n' << outcome.errors;
    return outcome.output;
}

}  // namespace

TEST(Tools, Procps)
{
    for (const std::string cpus : {"1", "4"}) {
        const std::string text = output_of("/usr/bin/chrt -f 10 sleep 1000 & /bin/ps -eLo pid,cls,rtprio,stat,comm; "
                                           "/bin/ps aux; /usr/bin/top -b -n1 -w 120; /usr/bin/free -b; "
                                           "/usr/bin/vmstat; /usr/bin/uptime; /usr/bin/pgrep -x sleep; "
                                           "kill $!; wait $!; echo ended with $?",
                                           cpus);
        SCOPED_TRACE(text);
        EXPECT_TRUE(has(text, R"(^ *1  TS +- +S\S* +init$)"));
        EXPECT_TRUE(has(text, R"(^ *\d+  FF +99 +S\S* +timers/0$)"));
        EXPECT_TRUE(has(text, R"(^ *\d+  FF +10 +S\S* +(sleep|chrt)$)"));
        EXPECT_TRUE(has(text, R"(^root +1 +\d+\.\d +0\.\d +\d+ +\d+ \? +S +\S+ +\d+:\d\d /init$)"));
        EXPECT_TRUE(has(text, R"(^Tasks: +\d+ total, +[1-9]\d* running, +\d+ sleeping, +0 stopped, +0 zombie$)"));
        EXPECT_TRUE(has(text, R"(^%Cpu\(s\): *\d+\.\d us, *\d+\.\d sy, +0\.0 ni, *\d+\.\d id, )"));
        EXPECT_TRUE(has(text, R"(^Mem: +\d+ +\d+ +\d+ +\d+ +\d+ +\d+$)"));
        EXPECT_TRUE(has(text, R"(load average: \d+\.\d\d, \d+\.\d\d, \d+\.\d\d$)"));
        EXPECT_TRUE(has(text, R"(^ended with 143$)"));
    }
}

TEST(Tools, Scheduling)
{
    for (const std::string cpus : {"1", "4"}) {
        const std::string text = output_of("/usr/bin/chrt -f -p 20 $$; /usr/bin/chrt -p $$; /usr/bin/chrt -r 7 "
                                           "/usr/bin/chrt -p 0; /usr/bin/chrt -b 0 /usr/bin/chrt -p 0; "
                                           "/usr/bin/chrt -d --sched-runtime 1000000 --sched-deadline 5000000 "
                                           "--sched-period 5000000 0 true 2>&1; echo deadline $?; "
                                           "/usr/bin/taskset -p $$; /usr/bin/taskset -c 0 nproc; "
                                           "/usr/bin/taskset -c 1000 true 2>&1; echo nowhere $?",
                                           cpus);
        SCOPED_TRACE(text);
        EXPECT_TRUE(has(text, "scheduling policy: SCHED_FIFO\n.*scheduling priority: 20\n"));
        EXPECT_TRUE(has(text, "scheduling policy: SCHED_RR\n.*scheduling priority: 7\n"));
        EXPECT_TRUE(has(text, "scheduling policy: SCHED_BATCH\n.*scheduling priority: 0\n"));
        EXPECT_TRUE(has(text, "Invalid argument\ndeadline 1\n"));
        EXPECT_TRUE(has(text, cpus == "1" ? "affinity mask: 1\n1\n" : "affinity mask: f\n1\n"));
        EXPECT_TRUE(has(text, "Invalid argument\nnowhere 1\n"));
    }
}

// strace counts the calls that a program makes and the time that the kernel spends on them.
TEST(Tools, Strace)
{
    for (const std::string cpus : {"1", "4"}) {
        const std::string text = output_of("strace -c dd if=/dev/zero of=/dev/null bs=16k count=500 2>&1; "
                                           "strace -f -e trace=wait4,exit_group sh -c '(exit 3); exit 4' 2>&1; "
                                           "echo status $?",
                                           cpus);
        SCOPED_TRACE(text);
        EXPECT_TRUE(has(text, R"(^ *\d+\.\d\d +0\.0*[1-9]\d* +\d+ +50\d +read$)"));
        EXPECT_TRUE(has(text, R"(wait4.*\[\{WIFEXITED\(s\) && WEXITSTATUS\(s\) == 3\}\], )"));
        EXPECT_TRUE(has(text, R"(\+\+\+ exited with 4 \+\+\+)"));
        EXPECT_TRUE(has(text, "^status 4$"));
    }
}

TEST(Tools, Busybox)
{
    for (const std::string cpus : {"1", "4"}) {
        const Outcome outcome = run({"sh", "-c",
                                     "ps; top -b -n1; mount; find /usr/bin -name taskset; "
                                     "dd if=/dev/zero of=/tmp/z bs=4k count=3 2>&1; wc -c < /tmp/z; "
                                     "sleep 1000 & kill -9 $!; wait $!; echo ended with $?"},
                                    {"--cpus", cpus});
        const std::string& text = outcome.output;
        SCOPED_TRACE(outcome.command + '\n' + text);
        EXPECT_EQ(outcome.status, 0) << outcome.errors;
        EXPECT_TRUE(has(text, R"(^ +1 root +/init$)"));
        EXPECT_TRUE(has(text, R"(^ *\d+ root +\[timers/0\]$)"));
        EXPECT_TRUE(has(text, R"(^CPU: +\d+% usr +\d+% sys +0% nic +\d+% idle )"));
        EXPECT_TRUE(has(text, R"(^proc on /proc type proc \(rw,)"));
        EXPECT_TRUE(has(text, "^/usr/bin/taskset$"));
        EXPECT_TRUE(has(text, "^3\\+0 records in\n3\\+0 records out\n12288$"));
        EXPECT_TRUE(has(text, "^ended with 137$"));
    }
}

}  // namespace takt::test
