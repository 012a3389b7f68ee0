// Shows that the archive is what its readers expect: GNU cpio finds every name, type, mode and byte
// in it, the bytes of large files begin at page boundaries, and no name is longer than Linux takes.
#include "cpio.hpp"
#include "process.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

namespace takt {

namespace {

std::string archive_of(const FileTree& tree)
{
    const Descriptor file = memory_file("archive");
    write_cpio(tree, file.get());
    return read_all(file.get());
}

uint64_t field(const std::string& archive, size_t entry, size_t index)
{
    return std::stoull(archive.substr(entry + 6 + 8 * index, 8), nullptr, 16);
}

struct Entry {
    std::string name;
    uint64_t name_size = 0;
    uint64_t mode = 0;
    uint64_t size = 0;
    uint64_t data_at = 0;
};

std::vector<Entry> entries_of(const std::string& archive)
{
    std::vector<Entry> entries;
    const auto aligned = [](uint64_t value) { return (value + 3) / 4 * 4; };
    for (uint64_t at = 0;;) {
        EXPECT_EQ(archive.substr(at, 6), "070701");
        Entry entry;
        entry.mode = field(archive, at, 1);
        entry.size = field(archive, at, 6);
        entry.name_size = field(archive, at, 11);
        entry.name = archive.substr(at + 110, entry.name_size).c_str();
        entry.data_at = aligned(at + 110 + entry.name_size);
        if (entry.name == "TRAILER!!!") return entries;
        at = aligned(entry.data_at + entry.size);
        entries.push_back(std::move(entry));
    }
}

}  // namespace

TEST(Cpio, LargeFilesBeginAtPages)
{
    FileTree tree;
    // Every way that a file can lie to the page before it.
    for (unsigned i = 0; i < 600; ++i) {
        tree.add_text(fmt::format("/d/{:04}-small", i), std::string(i * 7, 's'));
        tree.add_text(fmt::format("/d/{:04}-large", i), std::string(4097 + i % 50 * 3, 'l'));
    }
    const std::string archive = archive_of(tree);
    unsigned large = 0;
    for (const Entry& entry : entries_of(archive)) {
        EXPECT_LE(entry.name_size, 4096U);
        if (entry.size <= 4096) continue;
        ++large;
        EXPECT_EQ(entry.data_at % 4096, 0U) << entry.name;
        EXPECT_EQ(archive[entry.data_at], entry.name.ends_with("small") ? 's' : 'l');
    }
    EXPECT_GE(large, 600U);
}

TEST(Cpio, SameTreeSameBytes)
{
    FileTree one;
    one.add_text("/b", "2");
    one.add_text("/a/x", "1");
    FileTree other;
    other.add_text("/a/x", "1");
    other.add_text("/b", "2");
    EXPECT_EQ(archive_of(one), archive_of(other));
}

TEST(Cpio, OtherReadersAgree)
{
    FileTree tree;
    tree.add_text("/bin/tool", std::string(10000, 'x'), 0755);
    tree.add_text("/etc/empty", "");
    tree.add_symlink("/sbin", "bin");
    tree.add_character_device("/dev/null", 0666, 1, 3);
    const fs::path file = fs::temp_directory_path() / fmt::format("takt-cpio-{}", getpid());
    write_text(file, archive_of(tree));
    const std::string listing = capture_or_fail("cpio", {"cpio", "-itv", "-F", file.string()}, {.merge_errors = true});
    fs::remove(file);
    EXPECT_NE(listing.find("-rwxr-xr-x   1 root     root        10000"), std::string::npos) << listing;
    EXPECT_NE(listing.find("bin/tool"), std::string::npos) << listing;
    EXPECT_NE(listing.find("sbin -> bin"), std::string::npos) << listing;
    EXPECT_NE(listing.find("crw-rw-rw-   1 root     root       1,   3"), std::string::npos) << listing;
}

}  // namespace takt
