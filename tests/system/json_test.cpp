// Shows the machine-readable result: it is valid JSON of the stated schema, tells how the program
// ended, and on the deterministic machine its virtual times are exact and the same every time.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace takt::test {

using Json = nlohmann::json;

TEST(RunJson, FollowsTheOutput)
{
    const Outcome outcome = run({"sh", "-c", "echo text; exit 3"}, {"--icount", "--json", "-"});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 3);
    ASSERT_TRUE(outcome.output.starts_with("text\n")) << outcome.output << outcome.errors;
    const Json json = Json::parse(outcome.output.substr(5));
    EXPECT_EQ(json.at("schema"), "takt.run");
    EXPECT_EQ(json.at("version"), 1);
    EXPECT_EQ(json.at("exit_status"), 3);
    EXPECT_TRUE(json.at("signal").is_null());
    EXPECT_TRUE(json.at("error").is_null());
    EXPECT_EQ(json.at("cpus"), 1);
    EXPECT_EQ(json.at("memory"), "1G");
    EXPECT_EQ(json.at("accel"), "tcg");
    EXPECT_EQ(json.at("icount"), true);
    EXPECT_GT(json.at("virtual_ns").get<long>(), 0);
    EXPECT_GT(json.at("boot_ns").get<long>(), 0);
    EXPECT_GT(json.at("wall_s").get<double>(), 0);
    EXPECT_FALSE(json.at("kernel_version").get<std::string>().empty());
    Json again = Json::parse(run({"sh", "-c", "echo text; exit 3"}, {"--icount", "--json", "-"}).output.substr(5));
    again["wall_s"] = json.at("wall_s");
    EXPECT_EQ(again, json);
}

TEST(RunJson, SaysTheSignal)
{
    const std::string file = scratch_directory("json") + "/result.json";
    const Outcome outcome = run({guest_program("ending"), "-15"}, {"--json", file});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 143);
    const Json json = Json::parse(call({"cat", file}).output);
    EXPECT_EQ(json.at("signal"), 15);
    EXPECT_EQ(json.at("exit_status"), 143);
    EXPECT_GT(json.at("virtual_ns").get<long>(), 0);
}

TEST(RunJson, SaysWhatTaktRefuses)
{
    const std::string file = scratch_directory("json_refused") + "/result.json";
    const Outcome outcome = run({"no-such-program"}, {"--json", file});
    EXPECT_EQ(outcome.status, 127) << outcome.command;
    const Json json = Json::parse(call({"cat", file}).output);
    EXPECT_EQ(json.at("exit_status"), 127);
    EXPECT_NE(json.at("error").get<std::string>().find("no-such-program"), std::string::npos);
    EXPECT_TRUE(json.at("virtual_ns").is_null());
}

}  // namespace takt::test
