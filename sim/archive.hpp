// The first file system of a simulated machine: an archive with a program for each name.
#pragma once

#include <kernel/base/types.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace takt::sim {

// A file in the archive: an executable that begins at an address of the programs' text.
struct ArchivedProgram {
    std::string path;  // "init", "bin/name"
    u64 entry;
};

// In the format of an initramfs (cpio's newc).
std::vector<u8> make_archive(const std::vector<ArchivedProgram>& programs);

}  // namespace takt::sim
