// Puts the user's programs and files into the machine's file tree.
#pragma once

#include "file_tree.hpp"
#include "library_search.hpp"

#include <string>

namespace takt {

// Where a program's name without a slash is looked up in the machine, and its PATH there.
extern const char* const guest_path;

class Packer {
public:
    explicit Packer(FileTree& tree) : tree_(tree) {}

    // Sees to it that the program is in the tree, with its interpreter and libraries, and returns
    // its path there: a name is looked up in the tree first, then on the host's PATH; a path is
    // the host's. Failure: 127 if there is none, 126 if it is not executable here.
    std::string add_program(const std::string& program);

    // --add HOST[:GUEST]: copies a file or a folder; without GUEST to the same absolute path as
    // on the host. Programs among the files get their libraries too.
    void add_file(const std::string& argument);

private:
    std::string find_in_tree(const std::string& name) const;
    void pack(const std::string& guest, const fs::path& host);
    void pack_script(const fs::path& script);
    void pack_libraries(const fs::path& host, const ElfFile& elf);
    void pack_library(const FoundLibrary& library);

    FileTree& tree_;
    LibrarySearch search_;
};

}  // namespace takt
