// Shows that paths are placed as a running system would see them: through symbolic links, with the
// directories above made, and never over a directory that has something in it.
#include "failure.hpp"
#include "file_tree.hpp"

#include <gtest/gtest.h>

namespace takt {

TEST(FileTree, LinksLeadOn)
{
    FileTree tree;
    tree.add_directory("/usr/lib");
    tree.add_symlink("/lib", "usr/lib");
    tree.add_symlink("/abs", "/lib/../lib");
    tree.add_text("/lib/x/a", "1");
    tree.add_text("/abs/b", "2");
    EXPECT_TRUE(tree.nodes().contains("usr/lib/x/a"));
    EXPECT_TRUE(tree.nodes().contains("usr/lib/b"));
    EXPECT_EQ(tree.find_path("/abs/x/a"), "/usr/lib/x/a");
    EXPECT_EQ(tree.find("/lib/x")->type, NodeType::directory);
    EXPECT_EQ(tree.find("/lib/none"), nullptr);
    EXPECT_EQ(tree.find_path("/none"), "");
}

TEST(FileTree, ReplacesFilesButNoDirectory)
{
    FileTree tree;
    tree.add_text("/a", "old");
    tree.add_text("/a", "newer");
    EXPECT_EQ(tree.find("/a")->text, "newer");
    EXPECT_EQ(tree.find("/a")->size, 5U);
    tree.add_text("/d/inside", "");
    EXPECT_THROW(tree.add_text("/d", "file"), Failure);
    EXPECT_THROW(tree.add_file("/d", "/etc/passwd"), Failure);
    EXPECT_THROW(tree.add_text("/a/below", ""), Failure);
}

TEST(FileTree, CirclesAreAnError)
{
    FileTree tree;
    tree.add_symlink("/one", "two");
    tree.add_symlink("/two", "one");
    EXPECT_THROW(tree.add_text("/one/x", ""), Failure);
}

}  // namespace takt
