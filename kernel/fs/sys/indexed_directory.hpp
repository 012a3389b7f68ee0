// IndexedDirectory: a directory with an entry PREFIX0, PREFIX1, ... for each CPU, made up on lookup, beside pinned
// entries.
#pragma once

#include <kernel/fs/pseudo.hpp>

namespace takt {

// The entry for `index`; its inode numbers start at `number`.
using MakeIndexed = Result<Ref<Inode>> (*)(MayBlock& context, FileSystem& file_system, u32 index, u64 number);

class IndexedDirectory : public PseudoDirectory {
public:
    // Inode numbers of entries lie `numbers_each` apart from `first_number` on. `type`: of the entries, file_mode bits.
    IndexedDirectory(FileSystem& file_system, std::string_view prefix, u32 type, u64 first_number, MakeIndexed make)
        : PseudoDirectory(file_system, 0555), prefix_(prefix), type_(type), first_number_(first_number), make_(make)
    {
    }
    static constexpr u64 numbers_each = 64;

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override;
    bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override;

private:
    const std::string_view prefix_;  // static text
    const u32 type_;
    const u64 first_number_;
    const MakeIndexed make_;
};

}  // namespace takt
