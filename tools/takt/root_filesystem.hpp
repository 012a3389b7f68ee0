// The root file system that every program finds: busybox, the C library, rt-tests, and init.
#pragma once

#include "file_tree.hpp"

#include <string>
#include <vector>

namespace takt {

// The standard root file system with `packages` (and what they depend on) in it. Made of Debian
// packages; nothing is installed on the host.
FileTree root_filesystem(const std::vector<std::string>& packages);

}  // namespace takt
