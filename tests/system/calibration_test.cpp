// Shows that the simulated machine's cost model is calibrated: fitted on one path (timer wake-up), it tells within a
// quarter how many instructions five others take on a PC. Both sides are exact and repeat (-icount, no seed).
#include "support/takt_runner.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace takt::test {
namespace {

constexpr const char* fitted = "timer wake-up";

std::map<std::string, double> counted_on_a_pc()
{
    std::map<std::string, double> counts;
    const Outcome outcome = run({guest_program("paths")}, {"--icount"});
    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);)
        if (const auto colon = line.find(": "); colon != std::string::npos)
            counts[line.substr(0, colon)] = std::strtod(line.c_str() + colon + 2, nullptr);
    return counts;
}

TEST(Calibration, PredictsFivePathsFromOne)
{
    const std::map<std::string, double> counted = counted_on_a_pc();
    const Outcome outcome = takt({"sim", "--scenario", "paths", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    const nlohmann::json predicted = nlohmann::json::parse(outcome.output).at("instructions");
    EXPECT_EQ(predicted.size(), 6u);
    ASSERT_EQ(counted.size(), predicted.size());
    for (const auto& [name, instructions] : predicted.items()) {
        ASSERT_TRUE(counted.contains(name)) << name;
        const double ratio = instructions.get<double>() / counted.at(name);
        EXPECT_NEAR(ratio, 1, name == fitted ? 0.02 : 0.25)
            << name << ": " << instructions << " for " << counted.at(name);
    }
}

}  // namespace
}  // namespace takt::test
