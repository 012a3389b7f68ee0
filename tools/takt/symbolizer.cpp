#include "symbolizer.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
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

std::vector<std::string> Symbolizer::functions(uint64_t address) const
{
    std::vector<std::string> names;
    if (image_->module == nullptr) return names;
    Dwarf_Addr bias = 0;
    if (Dwarf_Die* unit = dwfl_module_addrdie(image_->module, address, &bias)) {
        Dwarf_Die* scopes = nullptr;
        if (dwarf_getscopes(unit, address - bias, &scopes) > 0) {
            Dwarf_Die innermost = scopes[0];
            std::free(scopes);
            scopes = nullptr;
            const int count = dwarf_getscopes_die(&innermost, &scopes);
            for (int index = 0; index < count; ++index) {
                const int tag = dwarf_tag(&scopes[index]);
                if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
                if (const char* name = dwarf_diename(&scopes[index])) names.emplace_back(name);
            }
        }
        std::free(scopes);
    }
    if (const char* symbol = dwfl_module_addrname(image_->module, address)) names.push_back(demangled(symbol));
    return names;
}

std::optional<uint64_t> Symbolizer::address(const std::string& symbol) const
{
    const int count = image_->module == nullptr ? 0 : dwfl_module_getsymtab(image_->module);
    for (int index = 0; index < count; ++index) {
        GElf_Sym entry;
        const char* name = dwfl_module_getsym(image_->module, index, &entry, nullptr);
        if (name != nullptr && symbol == name) return entry.st_value;
    }
    return std::nullopt;
}

}  // namespace takt
