// Shows that files and folders of the host come along with --add, to the place that is asked for
// or to the one they have here, and that then relative names mean the same there as here.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace takt::test {

TEST(Add, FilesAndFoldersComeAlong)
{
    const std::string directory = scratch_directory("add");
    std::filesystem::create_directories(directory + "/folder/deep");
    write_file(directory + "/note.txt", "a note\n");
    write_file(directory + "/folder/deep/file", "deep\n");
    write_file(directory + "/script.sh", "#!/bin/sh\ncat note.txt \"$@\"\n", 0755);
    std::filesystem::create_symlink("deep/file", directory + "/folder/link");
    std::filesystem::current_path(directory);
    expect_output({"./script.sh", "/data/folder/link", "/etc/renamed"}, "a note\ndeep\na note\n",
                  {{"--add", "note.txt", "--add", "folder:/data/folder", "--add", "note.txt:/etc/renamed"}});
}

TEST(Add, LargeFilesKeepTheirBytes)
{
    const std::string directory = scratch_directory("add_large");
    std::string bytes;
    for (unsigned i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i * 7919) + "\n";
    write_file(directory + "/large", bytes);
    const Outcome here = call({"md5sum", directory + "/large"});
    const Outcome there = run({"md5sum", directory + "/large"}, {"--add", directory + "/large"});
    EXPECT_EQ(here.output, there.output) << there.command << '\n' << there.errors;
}

}  // namespace takt::test
