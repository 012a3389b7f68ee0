// Builds the kernel and the host side.
#pragma once

#include "process.hpp"

#include <string>
#include <vector>

namespace takt {

const std::vector<std::string>& preemption_models();

// Failure (usage) for a model that is none.
void check_model(const std::string& model);

// Brings the kernel image up to date and returns its path. Quick when nothing changed. The
// environment variable TAKT_KERNEL names another image (Linux's, say) to use as it is.
fs::path kernel_image(const std::string& model);

// Builds the kernel even if TAKT_KERNEL is set.
fs::path build_kernel(const std::string& model);

// Brings the tool and the tests up to date; or a program of theirs that is only built when asked for.
void build_host(const std::string& target = {});

void clean();

}  // namespace takt
