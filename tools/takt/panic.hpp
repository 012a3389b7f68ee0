// Makes a kernel's panic readable.
#pragma once

#include "host_files.hpp"

#include <string>

namespace takt {

// The panic's text with a name behind every address written as [<ffffffff80123456>].
std::string explain_panic(const std::string& text, const fs::path& kernel_image);

}  // namespace takt
