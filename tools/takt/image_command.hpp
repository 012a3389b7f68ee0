// `takt image`: a disc image that boots Takt on a PC with a BIOS.
#pragma once

#include <string>
#include <vector>

namespace takt {

struct ImageOptions {
    std::string output = "takt.iso";
    std::string model = "full";
    std::string append;
    std::vector<std::string> added;
    std::vector<std::string> packages;
    std::vector<std::string> program;  // none: a shell on the serial console
};

int image_command(const ImageOptions& options);

}  // namespace takt
