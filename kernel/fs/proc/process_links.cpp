// /proc/PID/{exe,cwd,root,fd,fdinfo}
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/path_lookup.hpp>
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/types.hpp>

namespace takt {

namespace {

enum class Place : u8 { executable, working_directory, root };

class PlaceLink : public MagicLink {
public:
    PlaceLink(FileSystem& file_system, u64 number, ProcSubject subject, Place place)
        : MagicLink(file_system, 0777, number), subject_(std::move(subject)), place_(place)
    {
    }
    Result<void> read_link(MayBlock& context, TextSink& target) override;
    Result<LinkTarget> follow(MayBlock& context) override;

private:
    Result<Path> path(MayBlock& context);

    const ProcSubject subject_;
    const Place place_;
};

Result<Path> PlaceLink::path(MayBlock& context)
{
    TRY(subject_.check_exists(context));
    TRY(check_may_inspect(context, subject_));
    if (!subject_.process && place_ != Place::executable) return hal::kernel().mounts.root(context);
    const Ref<FsContext> fs = subject_.process ? subject_.process->borrow_fs(context) : nullptr;
    if (!fs) return Errno::enoent;
    if (place_ == Place::root) return fs->root(context);
    if (place_ == Place::working_directory) return fs->working_directory(context);
    return lookup_path(context, at_fdcwd, subject_.process->executable);
}

Result<void> PlaceLink::read_link(MayBlock& context, TextSink& target)
{
    if (place_ != Place::executable) {
        append_path(context, TRY(path(context)), target);
        return {};
    }
    TRY(subject_.check_exists(context));
    TRY(check_may_inspect(context, subject_));
    if (!subject_.process || subject_.process->executable[0] == 0) return Errno::enoent;
    target.append(subject_.process->executable);
    return {};
}

Result<LinkTarget> PlaceLink::follow(MayBlock& context) { return LinkTarget{.path = TRY(path(context))}; }

Result<Ref<Inode>> make_place_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject, u64 number,
                                   Place place)
{
    return Ref<Inode>(TRY(make_ref<PlaceLink>(context, file_system, number, subject, place)));
}

// --- Descriptors

Result<Ref<File>> file_of(MayBlock& context, const ProcSubject& subject, int descriptor)
{
    TRY(check_may_inspect(context, subject));
    const Ref<FileTable> files = subject.process ? subject.process->borrow_files(context) : nullptr;
    if (!files) return Errno::enoent;
    Result<Ref<File>> file = files->get(context, descriptor);
    return file.ok() ? std::move(file) : Result<Ref<File>>(Errno::enoent);
}

class DescriptorLink : public MagicLink {
public:
    DescriptorLink(FileSystem& file_system, u32 permissions, u64 number, ProcSubject subject, int descriptor)
        : MagicLink(file_system, permissions, number), subject_(std::move(subject)), descriptor_(descriptor)
    {
    }
    Result<void> read_link(MayBlock& context, TextSink& target) override
    {
        TRY(file_of(context, subject_, descriptor_))->describe(context, target);
        return {};
    }
    Result<LinkTarget> follow(MayBlock& context) override
    {
        Ref<File> file = TRY(file_of(context, subject_, descriptor_));
        if (file->path()) return LinkTarget{.path = file->path()};
        return LinkTarget{.file = std::move(file)};
    }

private:
    const ProcSubject subject_;
    const int descriptor_;
};

class DescriptorInfo : public PseudoFile {
public:
    DescriptorInfo(FileSystem& file_system, u64 number, ProcOwner owner, ProcSubject subject, int descriptor)
        : PseudoFile(file_system, 0400, number, owner.user, owner.group), subject_(std::move(subject)),
          descriptor_(descriptor)
    {
    }
    Result<void> generate(MayBlock& context, TextSink& text) override;

private:
    const ProcSubject subject_;
    const int descriptor_;
};

Result<void> DescriptorInfo::generate(MayBlock& context, TextSink& text)
{
    const Ref<FileTable> files = subject_.process ? subject_.process->borrow_files(context) : nullptr;
    const Ref<File> file = TRY(file_of(context, subject_, descriptor_));
    u32 flags = file->flags();
    if (files && files->close_on_exec(context, descriptor_).value_or(false)) flags |= open_flag::close_on_exec;
    format(text, "pos:\t{}\nflags:\t0{o}\nmnt_id:\t{}\nino:\t{}\n", file->position_hint(), flags,
           file->path().mount ? file->path().mount->id() : 0, file->inode() ? file->inode()->number : 0);
    return {};
}

// fd and fdinfo: an entry for each open descriptor.
class DescriptorDirectory : public PseudoDirectory {
public:
    DescriptorDirectory(FileSystem& file_system, u64 number, ProcOwner owner, ProcSubject subject, bool info)
        : PseudoDirectory(file_system, info ? 0555 : 0500, number, owner.user, owner.group),
          subject_(std::move(subject)), info_(info)
    {
    }
    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override;
    bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override;

private:
    static constexpr u64 number_base = 1ull << 40;

    const ProcSubject subject_;
    const bool info_;
};

Result<Ref<Inode>> DescriptorDirectory::find(MayBlock& context, std::string_view name)
{
    u64 descriptor = 0;
    if (name.empty() || name[0] < '0' || name[0] > '9' || (name.size() > 1 && name[0] == '0') ||
        !parse_number(name, descriptor) || descriptor > INT32_MAX)
        return Errno::enoent;
    const Ref<File> file = TRY(file_of(context, subject_, static_cast<int>(descriptor)));
    const u64 inode_number = number + number_base * (descriptor + 1);
    if (info_)
        return Ref<Inode>(
            TRY(make_ref<DescriptorInfo>(context, file_system(), inode_number, owner_of(context, subject_), subject_,
                                         static_cast<int>(descriptor))));
    const u32 permissions = (file->readable() ? 0500u : 0100u) | (file->writable() ? 0300u : 0100u);
    return Ref<Inode>(TRY(make_ref<DescriptorLink>(context, file_system(), permissions, inode_number, subject_,
                                                   static_cast<int>(descriptor))));
}

bool DescriptorDirectory::next(MayBlock& context, u64& cursor, DynamicEntry& entry)
{
    const Ref<FileTable> files = subject_.process ? subject_.process->borrow_files(context) : nullptr;
    if (!files || !check_may_inspect(context, subject_).ok() || cursor > INT32_MAX) return false;
    const int descriptor = files->next(context, static_cast<int>(cursor));
    if (descriptor < 0) return false;
    format(entry.name, "{}", descriptor);
    entry.inode_number = number + number_base * (static_cast<u64>(descriptor) + 1);
    entry.type = info_ ? file_mode::regular : file_mode::symlink;
    cursor = static_cast<u64>(descriptor) + 1;
    return true;
}

}  // namespace

Result<Ref<Inode>> make_executable_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                        u64 number)
{
    return make_place_link(context, file_system, subject, number, Place::executable);
}

Result<Ref<Inode>> make_working_directory_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                               u64 number)
{
    return make_place_link(context, file_system, subject, number, Place::working_directory);
}

Result<Ref<Inode>> make_root_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject, u64 number)
{
    return make_place_link(context, file_system, subject, number, Place::root);
}

Result<Ref<Inode>> make_descriptor_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                             u64 number)
{
    return Ref<Inode>(
        TRY(make_ref<DescriptorDirectory>(context, file_system, number, owner_of(context, subject), subject, false)));
}

Result<Ref<Inode>> make_descriptor_info_directory(MayBlock& context, FileSystem& file_system,
                                                  const ProcSubject& subject, u64 number)
{
    return Ref<Inode>(
        TRY(make_ref<DescriptorDirectory>(context, file_system, number, owner_of(context, subject), subject, true)));
}

}  // namespace takt
