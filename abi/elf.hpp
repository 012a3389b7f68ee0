// Executable files: ELF-64, little-endian (System V ABI, "Object Files"; elf(5)).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

struct ElfHeader {
    u8 identification[16];
    u16 type;
    u16 machine;
    u32 version;
    u64 entry;
    u64 program_headers;  // offset in the file
    u64 section_headers;
    u32 flags;
    u16 header_size;
    u16 program_header_size;
    u16 program_header_count;
    u16 section_header_size;
    u16 section_header_count;
    u16 section_names;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfProgramHeader {
    u32 type;
    u32 flags;
    u64 offset;
    u64 virtual_address;
    u64 physical_address;
    u64 file_size;
    u64 memory_size;
    u64 alignment;
};
static_assert(sizeof(ElfProgramHeader) == 56);

inline constexpr u16 elf_executable = 2, elf_shared = 3;
inline constexpr u32 elf_load = 1, elf_interpreter = 3, elf_gnu_stack = 0x6474e551;
inline constexpr u32 elf_execute = 1, elf_write = 2, elf_read = 4;

}  // namespace takt::abi
