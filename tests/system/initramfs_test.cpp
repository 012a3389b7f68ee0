// Shows what becomes of an initramfs that is damaged: the kernel boots with the entries before the damage, or says that
// it has no init and gives up; nothing else ever comes of it.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

namespace takt::test {

namespace {

std::string read_file(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A small archive whose init does not end well: what counts is whether it is found.
std::string make_archive(const std::string& directory)
{
    write_file(directory + "/init", "#!/nothing/there\n", 0755);
    write_file(directory + "/data", std::string(10'000, 'd'));
    EXPECT_EQ(
        call({"sh", "-c", "cd " + directory + " && printf 'init\\ndata\\n' | cpio -o -H newc -F ../small.cpio"}).status,
        0);
    return read_file(directory + "/../small.cpio");
}

// Boots it; the last thing that the kernel has to say.
void expect_no_init(const std::string& what, const std::string& archive)
{
    const std::string path = scratch_directory("initramfs_boot") + "/archive";
    write_file(path, archive);
    const Outcome outcome = takt({"run", "--timeout", "300", "--initrd", path});
    SCOPED_TRACE(what + ": " + outcome.command);
    EXPECT_EQ(outcome.status, 125);
    EXPECT_NE(outcome.errors.find("No working init found"), std::string::npos) << outcome.errors;
}

std::string compressed(const std::string& archive)
{
    const std::string directory = scratch_directory("initramfs_gzip");
    write_file(directory + "/archive", archive);
    EXPECT_EQ(call({"gzip", "-9", "-n", directory + "/archive"}).status, 0);
    return read_file(directory + "/archive.gz");
}

}  // namespace

TEST(Initramfs, DamageLeavesWhatCameBefore)
{
    const std::string archive = make_archive(scratch_directory("initramfs/tree"));
    ASSERT_GT(archive.size(), 10'000U);
    expect_no_init("whole", archive);
    expect_no_init("one byte", archive.substr(0, 1));
    expect_no_init("half a header", archive.substr(0, 60));
    expect_no_init("half of the data", archive.substr(0, archive.size() / 2));
    std::string changed = archive;
    changed.replace(6 + 8 * 6, 8, "FFFFFFFF");  // the first file's size
    expect_no_init("endless file", changed);
    changed = archive;
    changed.replace(6 + 8 * 11, 8, "FFFFFFFF");  // the length of its name
    expect_no_init("endless name", changed);
    changed = archive;
    changed.replace(6 + 8 * 11, 8, "00000000");
    expect_no_init("no name", changed);
    changed = archive;
    changed.replace(6, 8, "ZZZZZZZZ");
    expect_no_init("no number", changed);
}

TEST(Initramfs, DamagedCompressionIsNoticed)
{
    const std::string archive = compressed(make_archive(scratch_directory("initramfs/tree")));
    expect_no_init("whole", archive);
    expect_no_init("a header alone", archive.substr(0, 10));
    expect_no_init("half", archive.substr(0, archive.size() / 2));
    expect_no_init("without its end", archive.substr(0, archive.size() - 8));
    std::mt19937 random(1);
    for (int count = 0; count < 4; count++) {
        std::string changed = archive;
        for (int change = 0; change < 3; change++)
            changed[10 + random() % (changed.size() - 10)] = static_cast<char>(random());
        expect_no_init("seed 1, number " + std::to_string(count), changed);
    }
    std::string noise(50'000, 0);
    for (char& byte : noise) byte = static_cast<char>(random());
    expect_no_init("noise", noise);
    expect_no_init("noise as gzip", archive.substr(0, 10) + noise);
}

}  // namespace takt::test
