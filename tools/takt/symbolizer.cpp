#include "symbolizer.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>

namespace takt {

struct Symbolizer::Image {
    Dwfl_Callbacks callbacks{};
    Dwfl* session = nullptr;
    Dwfl_Module* module = nullptr;
};

namespace {

std::string demangled(const char* symbol)
{
    int status = 0;
    char* readable = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    std::string name = status == 0 ? readable : symbol;
    std::free(readable);
    return name;
}

}  // namespace

Symbolizer::Symbolizer(const fs::path& image) : image_(std::make_unique<Image>())
{
    image_->callbacks.find_elf = dwfl_build_id_find_elf;
    image_->callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    image_->callbacks.section_address = dwfl_offline_section_address;
    image_->session = dwfl_begin(&image_->callbacks);
    if (image_->session == nullptr) return;
    image_->module = dwfl_report_offline(image_->session, "kernel", image.c_str(), -1);
    dwfl_report_end(image_->session, nullptr, nullptr);
}

Symbolizer::~Symbolizer()
{
    if (image_->session != nullptr) dwfl_end(image_->session);
}

std::string Symbolizer::name(uint64_t address) const
{
    if (image_->module == nullptr) return {};
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* function = dwfl_module_addrinfo(image_->module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    std::string text;
    if (function != nullptr) text = fmt::format("{}+{:#x}", demangled(function), offset);
    int line = 0;
    const char* file = nullptr;
    // A return address: the call is the instruction before it.
    if (Dwfl_Line* place = dwfl_module_getsrc(image_->module, offset > 0 ? address - 1 : address))
        file = dwfl_lineinfo(place, nullptr, &line, nullptr, nullptr, nullptr);
    if (file != nullptr) {
        const std::string source = source_directory().string() + "/";
        const std::string_view path = file;
        const std::string_view shown = path.starts_with(source) ? path.substr(source.size()) : path;
        text += fmt::format("{}({}:{})", text.empty() ? "" : " ", shown, line);
    }
    return text;
}

}  // namespace takt
