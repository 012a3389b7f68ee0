// What the dynamic linker reads of an ELF file, read without running anything.
#pragma once

#include "host_files.hpp"

#include <optional>
#include <string>
#include <vector>

namespace takt {

enum class ElfKind {
    not_elf,
    x86_64,
    other_machine,  // an ELF file, but for another processor or word size
};

struct ElfFile {
    ElfKind kind = ElfKind::not_elf;
    std::string machine;      // for messages: "32-bit x86", "AArch64", ...
    bool executable = false;  // ET_EXEC or ET_DYN
    std::string interpreter;  // empty: static
    std::string soname;
    std::vector<std::string> needed;
    std::vector<std::string> rpath;    // as written, $ORIGIN not expanded
    std::vector<std::string> runpath;  // the same; if there is one, rpath is ignored
};

// Throws Failure if the file cannot be read; a damaged ELF file is `not_elf`.
ElfFile read_elf(const fs::path& path);

}  // namespace takt
