// Shows that a package's needs are followed as Debian means them: of alternatives the first, of
// names without a package the first that provides one, in circles, and without the packages that
// only serve installation.
#include "debian_packages.hpp"

#include <gtest/gtest.h>

namespace takt {

using Names = std::vector<std::string>;

TEST(DependencyClosure, FollowsChoices)
{
    const std::string apt = "top\n"
                            "  PreDepends: libc6\n"
                            " |Depends: first\n"
                            "  Depends: second\n"
                            "  Depends: <virtual>\n"
                            "    provider\n"
                            "    other-provider\n"
                            "  Depends: debconf\n"
                            "libc6\n"
                            "  Depends: libgcc-s1\n"
                            "libgcc-s1\n"
                            "  Depends: libc6\n"
                            "first\n"
                            "second\n"
                            "provider\n"
                            "other-provider\n"
                            "debconf\n"
                            "<virtual>\n";
    EXPECT_EQ(dependency_closure(apt, "top"), (Names{"first", "libc6", "libgcc-s1", "provider", "top"}));
}

TEST(DependencyClosure, UnknownPackageHasNone)
{
    EXPECT_TRUE(dependency_closure("N: Unable to locate package top\n", "top").empty());
}

}  // namespace takt
