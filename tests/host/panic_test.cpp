// Shows that a panic's addresses get names and source lines from the image's symbols: this test
// program is the image.
#include "console_log.hpp"
#include "panic.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace takt {

namespace {

[[gnu::noinline]] int landmark(int value)
{
    asm volatile("" : "+r"(value));
    return value;
}

}  // namespace

TEST(Panic, AddressesGetNames)
{
    const auto address = reinterpret_cast<uint64_t>(&landmark);
    const std::string line = fmt::format("  [<{:016x}>] somewhere\n", address);
    const std::string text = explain_panic("TAKT PANIC: no reason\n" + line, "/proc/self/exe");
    EXPECT_TRUE(text.starts_with("TAKT PANIC: no reason\n  [<")) << text;
    EXPECT_NE(text.find("landmark(int)+0x0"), std::string::npos) << text;
    EXPECT_NE(text.find("panic_test.cpp:"), std::string::npos) << text;
    EXPECT_EQ(landmark(1), 1);
}

TEST(Panic, ImagesWithoutSymbolsChangeNothing)
{
    const std::string text = "TAKT PANIC\n  [<ffffffff80123456>] f+1\n";
    EXPECT_EQ(explain_panic(text, "/etc/passwd"), text);
    EXPECT_EQ(explain_panic(text, "/no/such/image"), text);
}

TEST(ConsoleLog, FindsThePanicInAnyPieces)
{
    const std::string text = "booting\r\nTAKT PANIC: x\r\n  at y\r\n";
    for (size_t piece = 1; piece < text.size(); ++piece) {
        ConsoleLog log;
        for (size_t at = 0; at < text.size(); at += piece) log.feed(std::string_view(text).substr(at, piece));
        EXPECT_EQ(log.panic(), "TAKT PANIC: x\n  at y\n");
    }
    ConsoleLog quiet;
    quiet.feed("all is well\n");
    EXPECT_FALSE(quiet.has_panic());
    EXPECT_EQ(quiet.last(3), "all is well");
}

}  // namespace takt
