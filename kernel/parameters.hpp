// The kernel's command line (kernel-parameters.txt conventions: name, name=value, "quoted values", "--" ends it).
#pragma once

#include <kernel/base/types.hpp>
#include <string_view>

namespace takt {

// Value of the last `name=value`, or empty.
std::string_view parameter(std::string_view name);
// `name` alone or `name=...` is there.
bool has_parameter(std::string_view name);

}  // namespace takt
