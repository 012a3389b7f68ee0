#include "elf_file.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <memory>

namespace takt {

namespace {

struct CloseElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, CloseElf>;

std::string machine_name(const GElf_Ehdr& header)
{
    const bool narrow = header.e_ident[EI_CLASS] == ELFCLASS32;
    switch (header.e_machine) {
    case EM_386:
        return "32-bit x86";
    case EM_X86_64:
        return narrow ? "x32" : "x86-64";
    case EM_AARCH64:
        return "AArch64";
    case EM_ARM:
        return "32-bit ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC";
    case EM_S390:
        return "S/390";
    default:
        return fmt::format("ELF machine {}", header.e_machine);
    }
}

// The bytes of the file that a virtual address range is loaded from; nothing if none are.
std::string_view bytes_at(Elf* elf, GElf_Addr address, std::optional<size_t> wanted)
{
    size_t count = 0;
    elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; ++i) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, int(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
        if (address < segment.p_vaddr || address >= segment.p_vaddr + segment.p_filesz) continue;
        const GElf_Xword within = address - segment.p_vaddr;
        const size_t size = wanted.value_or(segment.p_filesz - within);
        Elf_Data* data = elf_getdata_rawchunk(elf, int64_t(segment.p_offset + within), size, ELF_T_BYTE);
        if (data == nullptr) return {};
        return {static_cast<const char*>(data->d_buf), data->d_size};
    }
    return {};
}

std::vector<std::string> split_path(const std::string& text)
{
    std::vector<std::string> parts;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(':', at), text.size());
        if (end > at) parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

void read_dynamic(Elf* elf, const GElf_Phdr& segment, ElfFile& file)
{
    Elf_Data* data = elf_getdata_rawchunk(elf, int64_t(segment.p_offset), segment.p_filesz, ELF_T_DYN);
    if (data == nullptr) return;
    const int count = int(segment.p_filesz / gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT));
    std::string_view strings;
    GElf_Dyn entry;
    for (int i = 0; i < count && gelf_getdyn(data, i, &entry) != nullptr; ++i) {
        if (entry.d_tag == DT_STRTAB) strings = bytes_at(elf, entry.d_un.d_ptr, std::nullopt);
    }
    const auto string_at = [&](GElf_Xword offset) -> std::string {
        if (offset >= strings.size()) return {};
        const std::string_view rest = strings.substr(offset);
        return std::string(rest.substr(0, rest.find('\0')));
    };
    for (int i = 0; i < count && gelf_getdyn(data, i, &entry) != nullptr; ++i) {
        if (entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_NEEDED)
            file.needed.push_back(string_at(entry.d_un.d_val));
        else if (entry.d_tag == DT_SONAME)
            file.soname = string_at(entry.d_un.d_val);
        else if (entry.d_tag == DT_RPATH)
            file.rpath = split_path(string_at(entry.d_un.d_val));
        else if (entry.d_tag == DT_RUNPATH)
            file.runpath = split_path(string_at(entry.d_un.d_val));
    }
}

}  // namespace

ElfFile read_elf(const fs::path& path)
{
    const Descriptor descriptor = open_file(path, O_RDONLY);
    elf_version(EV_CURRENT);
    const ElfHandle elf(elf_begin(descriptor.get(), ELF_C_READ_MMAP, nullptr));
    ElfFile file;
    GElf_Ehdr header;
    if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) return file;
    file.machine = machine_name(header);
    if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64) {
        file.kind = ElfKind::other_machine;
        return file;
    }
    file.kind = ElfKind::x86_64;
    file.executable = header.e_type == ET_EXEC || header.e_type == ET_DYN;
    size_t count = 0;
    elf_getphdrnum(elf.get(), &count);
    for (size_t i = 0; i < count; ++i) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf.get(), int(i), &segment) == nullptr) break;
        if (segment.p_type == PT_INTERP) {
            const std::string_view text = bytes_at(elf.get(), segment.p_vaddr, segment.p_filesz);
            file.interpreter = std::string(text.substr(0, text.find('\0')));
        } else if (segment.p_type == PT_DYNAMIC) {
            read_dynamic(elf.get(), segment, file);
        }
    }
    return file;
}

}  // namespace takt
