// Names for addresses in a kernel image.
#pragma once

#include "host_files.hpp"

#include <cstdint>
#include <memory>
#include <string>

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

private:
    struct Image;
    std::unique_ptr<Image> image_;
};

}  // namespace takt
