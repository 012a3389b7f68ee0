// Finds shared libraries as the dynamic linker does (ld.so(8)), without running it: an untrusted
// program's interpreter is a program too.
#pragma once

#include "elf_file.hpp"

#include <map>
#include <string>
#include <vector>

namespace takt {

struct FoundLibrary {
    std::string name;                 // as it is asked for
    fs::path path;                    // absolute, on the host
    bool standard_directory = false;  // found where every dynamic linker looks without being told
};

class LibrarySearch {
public:
    // `configuration` names the directories beyond the standard ones, as /etc/ld.so.conf does.
    explicit LibrarySearch(const fs::path& configuration = "/etc/ld.so.conf");

    // Every library that the program at `path` loads at its start, directly or not. Throws Failure
    // naming the first one that is nowhere.
    std::vector<FoundLibrary> libraries_of(const fs::path& path);

private:
    struct Loaded {
        fs::path path;
        ElfFile elf;
        const Loaded* loader = nullptr;
    };

    FoundLibrary find(const std::string& name, const Loaded& wanting) const;
    static std::vector<std::string> search_path(const Loaded& wanting);
    void read_configuration(const fs::path& file, int depth);

    std::vector<fs::path> configured_;
};

}  // namespace takt
