// Pseudo files: directories, files and links whose content the kernel makes up: procfs, sysfs, devpts, debugfs.
//
// A small file system is one function that builds a tree:
//
//     Result<void> init_sysfs(MayBlock& context)
//     {
//         auto file_system = TRY(make_ref<PseudoFileSystem>(context, "sysfs", 0x62656572ull));
//         auto root = TRY(file_system->make_root(context));
//         auto kernel = TRY(root.add_directory(context, "kernel"));
//         TRY(kernel.add_file(context, "notes", 0444, show_notes));                     // plain function
//         TRY(kernel.add_file(context, "profiling", 0644, show_profiling, set_profiling));
//         TRY(root.add_link(context, "self", "kernel"));
//         TRY(kernel.add(context, "special", TRY(make_ref<MyFile>(context, ...))));      // own PseudoFile
//         hal::kernel().sysfs = std::move(file_system);                                  // keep the one instance
//         return register_file_system(context, "sysfs", [](MayBlock&, std::string_view) -> Result<Ref<FileSystem>> {
//             return Ref<FileSystem>(hal::kernel().sysfs);
//         });
//     }
//
// Directories with members that come and go (processes, descriptors) derive from PseudoDirectory and override find()
// and next(); their members are made on each lookup and freed when no one uses them, and may not be mount points.
#pragma once

#include <kernel/fs/directory.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/fs/growing_text.hpp>
#include <kernel/fs/mount.hpp>

namespace takt {

// Writes longer than this to a pseudo file are cut to it: a short count, as in Linux (a page).
inline constexpr usize pseudo_write_max = page_size;

// A file with generated content. Reading at offset 0 generates the content anew; reads at other offsets continue in
// what was generated last for this open file, as Linux's seq_file does: `lseek(fd, 0)` and `pread(fd, ..., 0)` refresh.
class PseudoFile : public Inode {
public:
    // number: see Inode. Permissions alone decide who may open it for what.
    PseudoFile(FileSystem& file_system, u32 permissions, u64 number = 0, u32 user = 0, u32 group = 0)
        : Inode(file_system, file_mode::regular | (permissions & file_mode::permissions), number, user, group)
    {
    }

    // Appends the whole content. No lock is held; the sink grows, so appending under a Lock is fine. An error goes to
    // read(2). Default: einval.
    virtual Result<void> generate(MayBlock& context, TextSink& text);
    // One write(2): its bytes (at most pseudo_write_max), as the program gave them, with the newline if there is one
    // (trim_newline()). Success means that all of it was taken. Default: eio.
    virtual Result<void> write_text(MayBlock& context, std::string_view text);

    // For files that stream or wait (trace_pipe, kmsg): override to return an own kind of File.
    Result<Ref<File>> open(MayBlock& context, const Path& path, u32 flags) override;
    Result<void> truncate(MayBlock& context, u64 size) override;
};

// `argument` is what add_file was given: a CPU number, a pointer to a setting, ...
using GenerateText = Result<void> (*)(MayBlock& context, TextSink& text, u64 argument);
using WriteText = Result<void> (*)(MayBlock& context, std::string_view text, u64 argument);

// A PseudoFile made of two functions. Null generate: reads say einval; null write: writes say eio.
class FunctionFile : public PseudoFile {
public:
    FunctionFile(FileSystem& file_system, u32 permissions, GenerateText generate, WriteText write = nullptr,
                 u64 argument = 0, u64 number = 0)
        : PseudoFile(file_system, permissions, number), generate_(generate), write_(write), argument_(argument)
    {
    }
    Result<void> generate(MayBlock& context, TextSink& text) override;
    Result<void> write_text(MayBlock& context, std::string_view text) override;

private:
    GenerateText generate_;
    WriteText write_;
    u64 argument_;
};

// A symbolic link whose text is made on each read (/proc/self). For fixed text use SymbolicLink or add_link().
class PseudoLink : public Inode {
public:
    explicit PseudoLink(FileSystem& file_system, u64 number = 0) : Inode(file_system, file_mode::symlink | 0777, number)
    {
    }
    Result<void> read_link(MayBlock& context, TextSink& target) override = 0;
};

// A magic link (/proc/PID/fd/N, exe, cwd, root): read_link() gives a text for people (path_text() of mount.hpp or
// File::describe()), follow() the place itself: {.path = file->path()} where the file has one, else {.file = file}.
class MagicLink : public Inode {
public:
    explicit MagicLink(FileSystem& file_system, u32 permissions = 0777, u64 number = 0)
        : Inode(file_system, file_mode::symlink | permissions, number)
    {
    }
    bool is_magic_link() const override { return true; }
    Result<void> read_link(MayBlock& context, TextSink& target) override = 0;
    Result<LinkTarget> follow(MayBlock& context) override = 0;
};

// A directory that only the kernel adds to.
//
// A dynamic one overrides (see directory.hpp for the contracts):
//     Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override;
//     bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override;
// Pinned entries (add) and dynamic ones may be mixed: pinned names are found first and listed first.
class PseudoDirectory : public Directory {
public:
    explicit PseudoDirectory(FileSystem& file_system, u32 permissions = 0555, u64 number = 0, u32 user = 0,
                             u32 group = 0)
        : Directory(file_system, permissions, number, user, group)
    {
    }
};

// A pinned directory in a pseudo file system, to build trees with. Copyable; keeps the directory alive.
class PseudoTree {
public:
    explicit PseudoTree(Ref<Dentry> directory) : dentry_(std::move(directory)) {}

    // Errors of all: eexist, enomem.
    Result<PseudoTree> add_directory(MayBlock& context, std::string_view name, u32 permissions = 0555);
    // An own kind of PseudoDirectory as a pinned entry.
    Result<PseudoTree> add_directory(MayBlock& context, std::string_view name, Ref<Directory> directory);
    Result<void> add_file(MayBlock& context, std::string_view name, u32 permissions, GenerateText generate,
                          WriteText write = nullptr, u64 argument = 0);
    Result<void> add_link(MayBlock& context, std::string_view name, std::string_view target);
    Result<void> add(MayBlock& context, std::string_view name, Ref<Inode> inode);
    // The pinned directory of that name; made if it is not there.
    Result<PseudoTree> directory(MayBlock& context, std::string_view name, u32 permissions = 0555);
    // Takes a pinned entry (a directory with all below) out. Errors: enoent.
    Result<void> remove(MayBlock& context, std::string_view name);

    FileSystem& file_system() const { return dentry_->inode().file_system(); }
    Dentry& dentry() const { return *dentry_; }

private:
    Ref<Dentry> dentry_;
};

// An instance with nothing special about it.
class PseudoFileSystem : public FileSystem {
public:
    using FileSystem::FileSystem;
    // Makes the root directory (once) and returns it for building. Errors: enomem.
    Result<PseudoTree> make_root(MayBlock& context, u32 permissions = 0555);
    // With an own kind of root (/proc). Errors: enomem.
    Result<PseudoTree> make_root(MayBlock& context, Ref<Directory> root);
};

// `text` without one newline at its end and spaces around: what settings are written with.
std::string_view trim_newline(std::string_view text);

}  // namespace takt
