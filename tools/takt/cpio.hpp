// Writes an initramfs: the "newc" cpio format (Linux: Documentation/driver-api/early-userspace/
// buffer-format.rst).
#pragma once

#include "file_tree.hpp"

namespace takt {

// Writes the whole tree to an open file, from its current position, which has to be 0.
//
// The same tree gives the same bytes: entries sorted, owner 0, one fixed time, no host inode
// numbers. The bytes of every file larger than a page begin at a multiple of 4096 in the archive
// (the name is padded with NULs, which the format allows), so that a kernel can use the pages
// where they are.
void write_cpio(const FileTree& tree, int file);

}  // namespace takt
