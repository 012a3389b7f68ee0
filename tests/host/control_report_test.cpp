// Shows that init's report is understood however the stream is cut into pieces, and that what is
// not complete or not known changes nothing.
#include "control_report.hpp"

#include <gtest/gtest.h>

namespace takt {

TEST(ControlReport, AnyPiecesMakeTheSameReport)
{
    const std::string text = "boot 1000\nkernel 6.1 #1 SMP\nclock 500 2000\nstart 3000\n"
                             "stdin 0\nstdin 512\nexit 7 9000\nclock 1500 4000\n";
    for (size_t piece = 1; piece <= text.size(); ++piece) {
        ControlReport report;
        for (size_t at = 0; at < text.size(); at += piece) report.feed(std::string_view(text).substr(at, piece));
        EXPECT_EQ(report.boot_tsc, 1000U);
        EXPECT_EQ(report.kernel, "6.1 #1 SMP");
        EXPECT_EQ(report.start_tsc, 3000U);
        EXPECT_EQ(report.end_tsc, 9000U);
        EXPECT_EQ(report.stdin_bytes, 512U);
        EXPECT_EQ(report.exit_code, 7);
        EXPECT_FALSE(report.signal);
        EXPECT_DOUBLE_EQ(report.ns_per_tick(false), 0.5);
        EXPECT_DOUBLE_EQ(report.ns_per_tick(true), 1);
    }
}

TEST(ControlReport, HalfALineSaysNothing)
{
    ControlReport report;
    report.feed("exit 0");
    EXPECT_FALSE(report.program_ended());
    report.feed("\nnonsense\nsignal\nsignal x 5\n");
    EXPECT_FALSE(report.program_ended());
    report.feed("signal 9 77\n");
    EXPECT_EQ(report.signal, 9);
    EXPECT_TRUE(report.program_ended());
    EXPECT_DOUBLE_EQ(report.ns_per_tick(false), 0);
}

}  // namespace takt
