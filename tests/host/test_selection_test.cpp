// Shows which tests a name on takt's command line means.
#include "failure.hpp"
#include "test_command.hpp"

#include <gtest/gtest.h>

namespace takt {

using Names = std::vector<std::string>;

TEST(TestSelection, NamesBeginningsAndGlobs)
{
    const Names tests = {"host.cpio", "system.add", "system.add_more", "unit.sync.pi_mutex"};
    EXPECT_EQ(select_tests(tests, {}), tests);
    EXPECT_EQ(select_tests(tests, {"system.add"}), Names{"system.add"});
    EXPECT_EQ(select_tests(tests, {"system"}), (Names{"system.add", "system.add_more"}));
    EXPECT_EQ(select_tests(tests, {"*.pi_*", "host"}), (Names{"host.cpio", "unit.sync.pi_mutex"}));
    EXPECT_THROW(select_tests(tests, {"host", "nothing"}), Failure);
}

}  // namespace takt
