// Shows that the libraries found are those that the dynamic linker itself would load: for a
// program of ours with a RUNPATH chain, and for some of the system's.
#include "failure.hpp"
#include "library_search.hpp"
#include "process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <unistd.h>

namespace takt {

namespace {

// What the dynamic linker says: only for programs that are trusted, as these are.
std::set<std::string> loaded_by_linker(const fs::path& program)
{
    const std::string text = capture_or_fail("ldd", {"ldd", program.string()});
    std::set<std::string> paths;
    const std::regex pattern("=> (/[^ ]+) ");
    for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator(); ++match)
        paths.insert(fs::canonical((*match)[1].str()).string());
    return paths;
}

std::set<std::string> found(const fs::path& program)
{
    std::set<std::string> paths;
    for (const FoundLibrary& library : LibrarySearch().libraries_of(program))
        paths.insert(fs::canonical(library.path).string());
    std::erase_if(paths, [](const std::string& path) {
        return path.find("/ld-linux") != std::string::npos;  // ldd shows it without an arrow
    });
    return paths;
}

}  // namespace

TEST(LibrarySearch, RunPathIsFollowed)
{
    const fs::path program = fs::path(TAKT_FIXTURE) / "fixture-program";
    const std::set<std::string> libraries = found(program);
    EXPECT_EQ(libraries, loaded_by_linker(program));
    const auto has = [&](const std::string& name) {
        return std::ranges::any_of(libraries, [&](const auto& path) { return path.ends_with(name); });
    };
    EXPECT_TRUE(has("/outer/libfixture-outer.so"));
    EXPECT_TRUE(has("/outer/inner/libfixture-inner.so"));
}

TEST(LibrarySearch, AgreesWithTheLinker)
{
    for (const char* program : {"/usr/bin/cmake", "/usr/bin/qemu-system-x86_64", "/bin/ls"})
        EXPECT_EQ(found(program), loaded_by_linker(program)) << program;
}

TEST(LibrarySearch, MissingLibraryIsNamed)
{
    const fs::path directory = fs::temp_directory_path() / fmt::format("takt-search-{}", getpid());
    fs::create_directories(directory);
    fs::copy_file(fs::path(TAKT_FIXTURE) / "fixture-program", directory / "program");
    try {
        LibrarySearch().libraries_of(directory / "program");
        ADD_FAILURE() << "found a library that is not there";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit_status(), exit_cannot_execute);
        EXPECT_NE(std::string(failure.what()).find("libfixture-outer.so"), std::string::npos);
    }
    fs::remove_all(directory);
}

}  // namespace takt
