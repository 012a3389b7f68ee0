#include "panic.hpp"

#include "symbolizer.hpp"

#include <regex>
#include <sstream>

namespace takt {

std::string explain_panic(const std::string& text, const fs::path& kernel_image)
{
    static const std::regex address("\\[<([0-9a-fA-F]{16})>\\]");
    const Symbolizer symbolizer(kernel_image);
    std::istringstream lines(text);
    std::string explained;
    for (std::string line; std::getline(lines, line);) {
        explained += line;
        for (auto match = std::sregex_iterator(line.begin(), line.end(), address); match != std::sregex_iterator();
             ++match) {
            const std::string name = symbolizer.name(std::stoull((*match)[1], nullptr, 16));
            if (!name.empty()) explained += "  " + name;
        }
        explained += '\n';
    }
    return explained;
}

}  // namespace takt
