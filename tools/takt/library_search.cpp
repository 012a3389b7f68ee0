#include "library_search.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <glob.h>
#include <set>
#include <sstream>

namespace takt {

namespace {

constexpr std::array standard_directories = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"};

bool is_usable(const fs::path& path)
{
    std::error_code error;
    return fs::is_regular_file(path, error) && read_elf(path).kind == ElfKind::x86_64;
}

void replace_all(std::string& text, const std::string& what, const std::string& with)
{
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
        text.replace(at, what.size(), with);
}

std::string expanded(std::string directory, const fs::path& origin)
{
    for (const char* name : {"$ORIGIN", "${ORIGIN}"}) replace_all(directory, name, origin.string());
    for (const char* name : {"$LIB", "${LIB}"}) replace_all(directory, name, "lib/x86_64-linux-gnu");
    for (const char* name : {"$PLATFORM", "${PLATFORM}"}) replace_all(directory, name, "x86_64");
    return directory;
}

}  // namespace

LibrarySearch::LibrarySearch(const fs::path& configuration) { read_configuration(configuration, 0); }

void LibrarySearch::read_configuration(const fs::path& file, int depth)
{
    constexpr int deepest_include = 10;
    if (depth > deepest_include || !fs::is_regular_file(file)) return;
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line);) {
        line.erase(std::min(line.find('#'), line.size()));
        std::istringstream words(line);
        std::string word;
        if (!(words >> word)) continue;
        if (word != "include") {
            configured_.emplace_back(word);
            continue;
        }
        while (words >> word) {
            const fs::path pattern = file.parent_path() / word;
            glob_t matches{};
            if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
                for (size_t i = 0; i < matches.gl_pathc; ++i) read_configuration(matches.gl_pathv[i], depth + 1);
            }
            globfree(&matches);
        }
    }
}

// DT_RPATH of the object and of those that loaded it counts only where the object itself has no
// DT_RUNPATH; DT_RUNPATH counts for the object's own needs alone.
std::vector<std::string> LibrarySearch::search_path(const Loaded& wanting)
{
    std::vector<std::string> directories;
    const auto append = [&](const Loaded& object, const std::vector<std::string>& from) {
        for (const std::string& directory : from) directories.push_back(expanded(directory, object.path.parent_path()));
    };
    if (!wanting.elf.runpath.empty()) {
        append(wanting, wanting.elf.runpath);
        return directories;
    }
    for (const Loaded* object = &wanting; object != nullptr; object = object->loader) {
        if (object->elf.runpath.empty()) append(*object, object->elf.rpath);
    }
    return directories;
}

FoundLibrary LibrarySearch::find(const std::string& name, const Loaded& wanting) const
{
    if (name.find('/') != std::string::npos) {
        const fs::path path = fs::absolute(expanded(name, wanting.path.parent_path()));
        if (is_usable(path)) return {name, path.lexically_normal(), true};
    } else {
        for (const std::string& directory : search_path(wanting)) {
            if (is_usable(fs::path(directory) / name))
                return {name, fs::absolute(fs::path(directory) / name).lexically_normal(), true};
        }
        for (const char* directory : standard_directories) {
            if (is_usable(fs::path(directory) / name)) return {name, fs::path(directory) / name, true};
        }
        for (const fs::path& directory : configured_) {
            if (is_usable(directory / name)) return {name, directory / name, false};
        }
    }
    throw Failure(exit_cannot_execute,
                  "{} needs the shared library {}, which is nowhere on this machine; install it, "
                  "or add the package that has it with --package",
                  wanting.path.string(), name);
}

std::vector<FoundLibrary> LibrarySearch::libraries_of(const fs::path& path)
{
    std::deque<Loaded> loaded;  // breadth first, as ld.so; a deque keeps its elements in place
    loaded.push_back({fs::canonical(path), read_elf(path), nullptr});
    std::set<std::string> known;
    std::vector<FoundLibrary> found;
    for (size_t i = 0; i < loaded.size(); ++i) {
        for (const std::string& name : loaded[i].elf.needed) {
            if (!known.insert(name).second) continue;
            FoundLibrary library = find(name, loaded[i]);
            ElfFile elf = read_elf(library.path);
            if (!elf.soname.empty()) known.insert(elf.soname);
            loaded.push_back({library.path, std::move(elf), &loaded[i]});
            found.push_back(std::move(library));
        }
    }
    return found;
}

}  // namespace takt
