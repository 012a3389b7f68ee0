// DirectoryFile: an open directory. PathFile: what O_PATH opens: a place, not the content.
#pragma once

#include <kernel/fs/file.hpp>

namespace takt {

class DirectoryFile : public File {
public:
    explicit DirectoryFile(u32 flags) : File(flags) {}
    Result<usize> read(MayBlock&, IoBuffer&, u64) override { return Errno::eisdir; }
    bool seekable() const override { return true; }
    Result<u64> seek(MayBlock& context, i64 offset, Whence whence, u64 present) override;
    Result<void> sync(MayBlock&) override { return {}; }
    Result<void> read_directory(MayBlock& context, DirectorySink& sink, u64& position) override;
    bool pollable() const override { return false; }
};

class PathFile : public File {
public:
    explicit PathFile(u32 flags) : File(flags) {}
    bool pollable() const override { return false; }
};

}  // namespace takt
