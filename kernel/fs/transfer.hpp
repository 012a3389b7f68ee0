// Reads and writes at a file's own position, and copies between files inside the kernel (sendfile(2)).
#pragma once

#include <kernel/fs/file.hpp>

namespace takt {

// read(2) and write(2) of an open file: at its position if it has one (O_APPEND: at the end), which moves.
Result<usize> read_next(MayBlock& context, File& file, IoBuffer& into);
Result<usize> write_next(MayBlock& context, File& file, IoBuffer& from);
u64 position_of(MayBlock& context, File& file);

// Moves up to `count` bytes; a null position means the file's own. Short at the end of the source, when the target
// takes no more, or when a signal comes. An error counts only when nothing was moved. Positions move by what was
// written. Memory: one page.
Result<usize> copy_between(MayBlock& context, File& from, u64* read_position, File& to, u64* write_position,
                           usize count);

}  // namespace takt
