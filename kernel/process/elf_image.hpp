// ElfImage: the headers of an executable file, checked, and where its segments go.
#pragma once

#include <abi/elf.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/vector.hpp>
#include <string_view>

namespace takt {

// What was found where, of an image that was mapped.
struct LoadedImage {
    u64 bias = 0;  // added to every address of the file
    u64 entry = 0;
    u64 program_headers = 0;  // in memory
    u64 code_start = ~0ull, code_end = 0, data_start = 0, data_end = 0;
    u64 end = 0;  // of the highest segment with its zeroed part
};

class ElfImage {
public:
    // Reads and checks headers. Errors: enoexec for what is not an x86-64 ELF executable, eio for a file that is too
    // short for an ELF header, enomem.
    Result<void> load_headers(MayBlock& context, Ref<File> file);

    // PT_INTERP: its path; empty for none. Errors: enoexec; read_exactly()'s when it says to be outside the file.
    Result<void> read_interpreter_path(MayBlock& context, TextSink& path);
    bool position_independent() const { return header_.type == abi::elf_shared; }
    bool executable_stack() const;
    // Bytes of address space from the first segment's page to the end of the last, and the largest alignment.
    u64 extent() const { return last_ - first_; }
    u64 alignment() const { return alignment_; }
    u64 first_address() const { return first_; }
    u16 program_header_count() const { return header_.program_header_count; }

    // Maps all segments, private, at their addresses plus `bias`; zeroes what lies beyond the file's bytes. Errors:
    // enomem, einval, enodev, eacces.
    Result<LoadedImage> map(MayBlock& context, AddressSpace& space, u64 bias, const MemoryLimits& limits);

private:
    Result<void> check_header() const;
    Result<void> check_segments();
    Result<void> map_segment(MayBlock& context, AddressSpace& space, const abi::ElfProgramHeader& segment, u64 bias,
                             const MemoryLimits& limits);

    Ref<File> file_;
    Ref<MemoryObject> object_;
    abi::ElfHeader header_{};
    Vector<abi::ElfProgramHeader> segments_;
    u64 first_ = 0, last_ = 0;  // page floor of the lowest, page ceiling of the highest address
    u64 alignment_ = page_size;
};

// Reads exactly `bytes` at `position`. Errors, as on Linux: einval for a place that no file has, eio when the file is
// shorter, and the file's own.
Result<void> read_exactly(MayBlock& context, File& file, u64 position, void* buffer, usize bytes);

}  // namespace takt
