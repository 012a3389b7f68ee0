#include <abi/elf.hpp>
#include <arch/sim/user_mode.hpp>
#include <sim/archive.hpp>
#include <stdio.h>
#include <string.h>

namespace takt::sim {
namespace {

constexpr u64 image_start = page_floor(machine::text_start) - page_size;  // the headers' page comes first

// A program of one segment; the text itself is the host's.
std::vector<u8> make_executable(u64 entry)
{
    abi::ElfHeader header{};
    const u8 identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    memcpy(header.identification, identification, sizeof identification);
    header.type = abi::elf_executable;
    header.machine = machine::elf_machine;
    header.version = 1;
    header.entry = entry;
    header.program_headers = sizeof header;
    header.header_size = sizeof header;
    header.program_header_size = sizeof(abi::ElfProgramHeader);
    header.program_header_count = 1;
    abi::ElfProgramHeader text{};
    text.type = abi::elf_load;
    text.flags = abi::elf_read | abi::elf_execute;
    text.virtual_address = image_start;
    text.file_size = sizeof header + sizeof text;
    text.memory_size = machine::text_end - image_start;
    text.alignment = page_size;
    std::vector<u8> bytes(text.file_size);
    memcpy(bytes.data(), &header, sizeof header);
    memcpy(bytes.data() + sizeof header, &text, sizeof text);
    return bytes;
}

void pad(std::vector<u8>& archive) { archive.resize((archive.size() + 3) & ~usize{3}); }

void add_entry(std::vector<u8>& archive, u32 inode, u32 mode, const std::string& path, const std::vector<u8>& data)
{
    char header[111];
    snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode, mode, 0, 0, 1,
             0, static_cast<u32>(data.size()), 0, 0, 0, 0, static_cast<u32>(path.size() + 1), 0);
    archive.insert(archive.end(), header, header + 110);
    archive.insert(archive.end(), path.begin(), path.end());
    archive.push_back(0);
    pad(archive);
    archive.insert(archive.end(), data.begin(), data.end());
    pad(archive);
}

}  // namespace

std::vector<u8> make_archive(const std::vector<ArchivedProgram>& programs)
{
    constexpr u32 directory = 0040755, program_file = 0100755;
    std::vector<u8> archive;
    u32 inode = 1;
    for (const char* path : {"bin", "dev", "proc", "tmp"}) add_entry(archive, inode++, directory, path, {});
    for (const ArchivedProgram& program : programs)
        add_entry(archive, inode++, program_file, program.path, make_executable(program.entry));
    add_entry(archive, 0, 0, "TRAILER!!!", {});
    return archive;
}

}  // namespace takt::sim
