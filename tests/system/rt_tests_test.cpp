// Shows that the programs of Debian's rt-tests run unmodified to their normal end and give their own verdict: each
// one's exit status and the form of its report, on one CPU, where the deterministic machine fixes the figures too, and
// on four.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <vector>

namespace takt::test {

namespace {

struct Program {
    std::string command;
    std::string status;  // a regular expression, too
    std::string report;  // a regular expression that is found in what it prints
};

const std::string latencies = R"(Min: *\d+ Act: *\d+ Avg: *\d+ Max: *\d+\n)";
const std::string pair = R"(#1 -> #0, Min *\d+, Cur *\d+, Avg *\d+, Max *\d+\n)";

std::vector<Program> programs(const std::string& cpus)
{
    return {
        {"cyclictest -q -t 4 -p 90 -i 500 -l 50", "0",
         R"(T: 0 \( *\d+\) P:90 I:500 C: *50 )" + latencies + R"((T: [123] \( *\d+\) P:90 I:\d+ C: *\d+ )" + latencies +
             "){3}"},
        {"cyclictest -q -S -m -p 90 -h 3 -l 20", "0",
         R"(# Histogram\n(00000\d( \d{6}|\t\d{6}){)" + cpus + R"(}\n){3}# Total:( \d{9}){)" + cpus +
             R"(}\n# Min Latencies:( \d{5,}){)" + cpus + "}\n"},
        {"cyclictest -v -l 3", "0", R"(( +0: +\d: +\d+\n){3})"},
        {"cyclictest -q -p 90 -l 9 --json=/tmp/json >/tmp/text && cat /tmp/json", "0",
         R"("num_threads": 1,[\s\S]*"cycles": 9,)"},
        {"cyclictest -q -x -p 90 -l 20", "0", R"(T: 0 \( *\d+\) P:90 I:1000 C: *20 )"},
        {"ptsematest -q -a -t 1 -p 90 -i 500 -l 20", "0", "Cycles 20\n" + pair},
        {"pmqtest -q -a -t 1 -p 90 -i 500 -l 20", "0", R"(TO 0, Cycles \d+\n)" + pair},
        {"svsematest -q -a -t 1 -p 90 -i 500 -l 20", "0", "Cycles 20\n" + pair},
        {"svsematest -q -f -a -t 1 -p 90 -i 500 -l 20", "0", "Cycles 20\n" + pair},
        {"sigwaittest -q -a -t 1 -p 90 -i 500 -l 20", "0", "Cycles 20\n" + pair},
        {"sigwaittest -q -f -a -t 1 -p 90 -i 500 -l 20", "0", "Cycles 20\n" + pair},
        {"signaltest -q -t 2 -p 90 -l 20", "0", R"((T: [01] \( *\d+\) P:90 C: *20 )" + latencies + "){2}"},
        {"pi_stress -q --duration=1", "0", R"(Total inversion performed: [1-9]\d*\n)"},
        {"rt-migrate-test -q -l 2", "0", R"(Parent pid: \d+\n( Task \d \(prio \d\) \(pid \d+\):\n( .*\n){4}\n){2,})"},
        {"ssdd -q -f 4 -i 50", "0", "All tests PASSED.\n"},
        {"hackbench -g 1 -l 10", "0", R"(process mode.*\n.*\nTime: \d+\.\d+\n)"},
        {"hackbench -T -p -g 1 -l 10", "0", R"(threaded mode.*\n.*\nTime: \d+\.\d+\n)"},
        {"oslat -q -D 1 -b 8", "0", R"(Maximum:\t( \d+){)" + cpus + R"(} \(us\)\n)"},
        {"queuelat -m 20000 -c 100 -p 10 -f 1000 -t 1", "0", R"(Avg loop processing time: \d+\n)"},
    };
}

std::string script_of(const std::vector<Program>& list)
{
    std::string script;
    for (const Program& program : list) script += "(" + program.command + ") 2>&1; echo \"== $? ==\"\n";
    return script;
}

void check(const std::vector<Program>& list, const Outcome& outcome)
{
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    std::string rest = outcome.output;
    for (const Program& program : list) {
        const std::regex end(R"(== (\d+) ==\n)");
        std::smatch match;
        ASSERT_TRUE(std::regex_search(rest, match, end)) << program.command << " did not end:\n" << rest;
        const std::string printed = match.prefix();
        EXPECT_TRUE(std::regex_match(match[1].str(), std::regex(program.status))) << program.command << '\n' << printed;
        EXPECT_TRUE(std::regex_search(printed, std::regex(program.report))) << program.command << '\n' << printed;
        rest = match.suffix();
    }
}

}  // namespace

TEST(RtTests, OnOneCpu)
{
    std::vector<Program> list = programs("1");
    // There is no SCHED_DEADLINE: said clearly; the status depends on which of its threads comes first, and on a host
    // that is busy it gives up before it asks.
    list.push_back({"cyclicdeadline -i 10000 -D 1", "0|1", "Invalid argument"});
    list.push_back({"pip_stress", "0", "Successfully used priority inheritance to handle an inversion\n"});
    const std::string script = script_of(list);
    check(list, run({"sh", "-c", script}, {"--icount"}));
}

TEST(RtTests, OnFourCpus)
{
    const std::vector<Program> list = programs("4");
    const std::string script = script_of(list);
    check(list, run({"sh", "-c", script}, {"--cpus", "4"}));
}

// What it takes for its key is the program that the environment names, as a shell sets it.
TEST(RtTests, WithoutAShell)
{
    const Outcome outcome = run({"svsematest", "-q", "-a", "-t", "1", "-p", "90", "-l", "5"}, {"--icount"});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_TRUE(std::regex_search(outcome.output, std::regex("Cycles 5\n" + pair))) << outcome.output;
}

}  // namespace takt::test
