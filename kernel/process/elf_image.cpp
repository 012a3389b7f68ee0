#include <kernel/process/elf_image.hpp>

#include <algorithm>

#include <kernel/fs/path_lookup.hpp>
#include <kernel/hal/user_context.hpp>

namespace takt {

namespace {

constexpr usize program_header_bytes_max = page_size;  // Linux's limit, too

u32 protection_of(const abi::ElfProgramHeader& segment)
{
    return (segment.flags & abi::elf_read ? protection::read : 0) |
           (segment.flags & abi::elf_write ? protection::write : 0) |
           (segment.flags & abi::elf_execute ? protection::execute : 0);
}

}  // namespace

Result<void> read_exactly(MayBlock& context, File& file, u64 position, void* buffer, usize bytes)
{
    if (position > INT64_MAX - bytes) return Errno::einval;
    IoBuffer into(buffer, bytes);
    while (into.remaining()) {  // bound: bytes
        usize count = TRY(file.read(context, into, position + into.done()));
        if (count == 0) return Errno::eio;
    }
    return {};
}

Result<void> ElfImage::check_header() const
{
    constexpr u8 expected[] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */, 1 /* version */};
    for (usize index = 0; index < sizeof expected; index++)
        if (header_.identification[index] != expected[index]) return Errno::enoexec;
    if (header_.type != abi::elf_executable && header_.type != abi::elf_shared) return Errno::enoexec;
    if (header_.machine != hal::elf_machine) return Errno::enoexec;
    if (header_.program_header_size != sizeof(abi::ElfProgramHeader) || header_.program_header_count == 0)
        return Errno::enoexec;
    if (usize{header_.program_header_count} * sizeof(abi::ElfProgramHeader) > program_header_bytes_max)
        return Errno::enoexec;
    return {};
}

// After this, sums of addresses and sizes don't overflow, and all segments together fit user space.
Result<void> ElfImage::check_segments()
{
    first_ = ~0ull;
    for (const abi::ElfProgramHeader& segment : segments_) {
        if (segment.type != abi::elf_load) continue;
        if (segment.file_size > segment.memory_size || segment.memory_size > user_address_end) return Errno::enoexec;
        if (segment.virtual_address > user_address_end - segment.memory_size) return Errno::enoexec;
        if (segment.offset > INT64_MAX - segment.file_size) return Errno::enoexec;
        if ((segment.virtual_address ^ segment.offset) % page_size != 0) return Errno::enoexec;
        if (segment.memory_size == 0) continue;
        first_ = std::min(first_, page_floor(segment.virtual_address));
        last_ = std::max(last_, page_ceiling(segment.virtual_address + segment.memory_size));
        if (std::has_single_bit(segment.alignment) && segment.alignment <= 1ull << 30)
            alignment_ = std::max(alignment_, segment.alignment);
    }
    return last_ > 0 ? Result<void>() : Errno::enoexec;
}

Result<void> ElfImage::load_headers(MayBlock& context, Ref<File> file)
{
    file_ = std::move(file);
    TRY(read_exactly(context, *file_, 0, &header_, sizeof header_));
    TRY(check_header());
    object_ = TRY(file_->memory_object(context));
    TRY(segments_.resize(context, header_.program_header_count));
    Result<void> read = read_exactly(context, *file_, header_.program_headers, segments_.data(),
                                     segments_.size() * sizeof(abi::ElfProgramHeader));
    return read.ok() ? check_segments() : Errno::enoexec;
}

Result<void> ElfImage::read_interpreter_path(MayBlock& context, TextSink& path)
{
    for (const abi::ElfProgramHeader& segment : segments_) {
        if (segment.type != abi::elf_interpreter) continue;
        if (segment.file_size < 2 || segment.file_size > path_length_max) return Errno::enoexec;
        if (segment.offset > INT64_MAX - segment.file_size) return Errno::einval;
        u64 end = segment.offset + segment.file_size - 1;
        char terminator = 1;
        TRY(read_exactly(context, *file_, end, &terminator, 1));
        if (terminator != 0) return Errno::enoexec;
        char piece[64];
        for (u64 at = segment.offset; at < end;) {  // bound: path_length_max
            usize bytes = std::min<u64>(sizeof piece, end - at);
            TRY(read_exactly(context, *file_, at, piece, bytes));
            std::string_view text(piece, bytes);
            path.append(text.substr(0, text.find('\0')));
            if (text.find('\0') != text.npos) break;
            at += bytes;
        }
        return path.truncated() ? Result<void>(Errno::enoexec) : Result<void>();
    }
    return {};
}

bool ElfImage::executable_stack() const
{
    for (const abi::ElfProgramHeader& segment : segments_)
        if (segment.type == abi::elf_gnu_stack) return segment.flags & abi::elf_execute;
    return false;
}

Result<void> ElfImage::map_segment(MayBlock& context, AddressSpace& space, const abi::ElfProgramHeader& segment,
                                   u64 bias, const MemoryLimits& limits)
{
    u64 start = segment.virtual_address + bias;
    u64 file_end = start + segment.file_size;
    u64 end = start + segment.memory_size;
    u32 rights = protection_of(segment);
    u32 flags = map_flag::private_ | map_flag::fixed;
    if (segment.file_size) {
        MapRequest request{
            page_floor(start),         page_ceiling(file_end) - page_floor(start), rights, flags, object_,
            page_floor(segment.offset)};
        TRY(space.map(context, request, limits));
    }
    u64 zero_start = segment.file_size ? page_ceiling(file_end) : page_floor(start);
    if (page_ceiling(end) > zero_start) {
        MapRequest request{zero_start, page_ceiling(end) - zero_start, rights, flags | map_flag::anonymous};
        TRY(space.map(context, request, limits));
    }
    // What the last file page has beyond the segment's bytes. A segment that can't be written is left as it is, as on
    // Linux.
    u64 tail = std::min(page_ceiling(file_end), page_ceiling(end)) - file_end;
    if (end > file_end && segment.file_size && tail && (rights & protection::write)) {
        void* zeros = allocate_zeroed(context, page_size);
        if (!zeros) return Errno::enomem;
        usize zeroed = space.access(context, file_end, zeros, tail, true, false);
        free(zeros);
        if (zeroed != tail) return Errno::enomem;
    }
    return {};
}

Result<LoadedImage> ElfImage::map(MayBlock& context, AddressSpace& space, u64 bias, const MemoryLimits& limits)
{
    LoadedImage loaded;
    loaded.bias = bias;
    loaded.entry = header_.entry + bias;
    for (const abi::ElfProgramHeader& segment : segments_) {
        if (segment.type != abi::elf_load || segment.memory_size == 0) continue;
        TRY(map_segment(context, space, segment, bias, limits));
        u64 start = segment.virtual_address + bias;
        if (header_.program_headers >= segment.offset && header_.program_headers < segment.offset + segment.file_size)
            loaded.program_headers = start + header_.program_headers - segment.offset;
        if (segment.flags & abi::elf_execute) {
            loaded.code_start = std::min(loaded.code_start, start);
            loaded.code_end = std::max(loaded.code_end, start + segment.file_size);
        }
        loaded.data_start = std::max(loaded.data_start, start);
        loaded.data_end = std::max(loaded.data_end, start + segment.file_size);
        loaded.end = std::max(loaded.end, start + segment.memory_size);
    }
    if (loaded.entry >= user_address_end) return Errno::enoexec;
    return loaded;
}

}  // namespace takt
