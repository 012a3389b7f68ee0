// Names for addresses in a kernel image.
#pragma once

#include "host_files.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

class Symbolizer {
public:
    // An image without symbols, or one that is no ELF file, names nothing.
    explicit Symbolizer(const fs::path& image);
    ~Symbolizer();
    Symbolizer(const Symbolizer&) = delete;
    Symbolizer& operator=(const Symbolizer&) = delete;

    // "function+0x12 (file:line)", demangled, as much of it as is known; empty if nothing is.
    std::string name(uint64_t address) const;
    // The functions that the instruction belongs to: inlined ones first, each before the one that it is inlined in,
    // without namespaces and classes; at last the symbol's own name.
    std::vector<std::string> functions(uint64_t address) const;
    // Of a symbol; nothing if there is none of that name.
    std::optional<uint64_t> address(const std::string& symbol) const;

private:
    struct Image;
    std::unique_ptr<Image> image_;
};

}  // namespace takt
