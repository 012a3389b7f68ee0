#include <kernel/fs/tmpfs.hpp>

#include <abi/file.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u64 tmpfs_magic = 0x01021994;
constexpr u64 ramfs_magic = 0x858458f6;

// A size with k, m, g behind it, or % of the memory. Errors: einval.
Result<u64> parse_size(std::string_view text)
{
    u64 unit = 1;
    if (!text.empty()) {
        switch (text.back()) {
        case 'k':
        case 'K':
            unit = 1ull << 10;
            break;
        case 'm':
        case 'M':
            unit = 1ull << 20;
            break;
        case 'g':
        case 'G':
            unit = 1ull << 30;
            break;
        case '%':
            unit = hal::kernel().frames.total() * page_size / 100;
            break;
        default:
            break;
        }
        if (unit != 1) text.remove_suffix(1);
    }
    u64 number = 0;
    if (!parse_number(text, number) || __builtin_mul_overflow(number, unit, &number)) return Errno::einval;
    return number;
}

Result<u32> parse_octal(std::string_view text)
{
    u32 number = 0;
    if (text.empty()) return Errno::einval;
    for (char character : text) {
        if (character < '0' || character > '7' || number > 07777) return Errno::einval;
        number = number * 8 + static_cast<u32>(character - '0');
    }
    return number & file_mode::permissions;
}

Result<u32> parse_id(std::string_view text)
{
    u64 number = 0;
    if (!parse_number(text, number) || number > 0xffffffffull) return Errno::einval;
    return static_cast<u32>(number);
}

Result<void> parse_option(std::string_view name, std::string_view value, TmpfsOptions& options)
{
    if (name == "size")
        options.pages_max = page_ceiling(TRY(parse_size(value))) >> page_shift;
    else if (name == "nr_blocks")
        options.pages_max = TRY(parse_size(value));
    else if (name == "nr_inodes")
        options.inodes_max = TRY(parse_size(value));
    else if (name == "mode")
        options.permissions = TRY(parse_octal(value));
    else if (name == "uid")
        options.user = TRY(parse_id(value));
    else if (name == "gid")
        options.group = TRY(parse_id(value));
    else
        return Errno::einval;
    return {};
}

TmpfsOptions default_options()
{
    u64 half = hal::kernel().frames.total() / 2;
    return {.pages_max = half, .inodes_max = half};
}

}  // namespace

TmpfsFileSystem::TmpfsFileSystem(const char* file_system_type, const TmpfsOptions& options, bool permanent)
    : FileSystem(file_system_type, file_system_type == std::string_view("ramfs") ? ramfs_magic : tmpfs_magic),
      pages_max_(options.pages_max), inodes_max_(options.inodes_max), options_(options)
{
    own_tree_ = !permanent;
}

Result<Ref<TmpfsFileSystem>> TmpfsFileSystem::create(MayBlock& context, const char* type_name,
                                                     const TmpfsOptions& options, bool permanent)
{
    Ref<TmpfsFileSystem> file_system = TRY(make_ref<TmpfsFileSystem>(context, type_name, options, permanent));
    TRY(file_system->take_inode());
    Ref<TmpfsDirectory> root =
        TRY(make_ref<TmpfsDirectory>(context, *file_system, options.permissions, 1ull, options.user, options.group));
    TRY(file_system->set_root(context, std::move(root)));
    return file_system;
}

Result<TmpfsOptions> TmpfsFileSystem::parse(std::string_view text, TmpfsOptions options)
{
    while (!text.empty()) {  // bound: the text
        usize comma = text.find(',');
        std::string_view one = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
        if (one.empty()) continue;
        usize equals = one.find('=');
        if (equals == std::string_view::npos) return Errno::einval;
        TRY(parse_option(one.substr(0, equals), one.substr(equals + 1), options));
    }
    return options;
}

void TmpfsFileSystem::statfs(MayBlock& context, abi::Statfs& statfs)
{
    FileSystem::statfs(context, statfs);
    u64 pages = pages_max_.load(Order::relaxed);
    u64 inodes = inodes_max_.load(Order::relaxed);
    u64 used = pages_used_.load(Order::relaxed);
    u64 inodes_used = inodes_used_.load(Order::relaxed);
    if (pages) {
        statfs.blocks = pages;
        statfs.blocks_free = statfs.blocks_available = pages > used ? pages - used : 0;
    }
    if (inodes) {
        statfs.files = inodes;
        statfs.files_free = inodes > inodes_used ? inodes - inodes_used : 0;
    }
}

void TmpfsFileSystem::show_options(TextSink& text)
{
    u64 pages = pages_max_.load(Order::relaxed);
    u64 inodes = inodes_max_.load(Order::relaxed);
    if (pages) format(text, ",size={}k", pages * (page_size / 1024));
    if (inodes) format(text, ",nr_inodes={}", inodes);
    if (options_.permissions != 01777) format(text, ",mode={o}", options_.permissions);
    if (options_.user) format(text, ",uid={}", options_.user);
    if (options_.group) format(text, ",gid={}", options_.group);
}

Result<void> TmpfsFileSystem::set_options(MayBlock&, std::string_view text)
{
    TmpfsOptions present = options_;
    present.pages_max = pages_max_.load(Order::relaxed);
    present.inodes_max = inodes_max_.load(Order::relaxed);
    TmpfsOptions wanted = TRY(parse(text, present));
    if (wanted.pages_max && wanted.pages_max < pages_used_.load(Order::relaxed)) return Errno::einval;
    if (wanted.inodes_max && wanted.inodes_max < inodes_used_.load(Order::relaxed)) return Errno::einval;
    pages_max_.store(wanted.pages_max, Order::relaxed);
    inodes_max_.store(wanted.inodes_max, Order::relaxed);
    return {};
}

Result<void> TmpfsFileSystem::take_pages(u64 count)
{
    u64 used = pages_used_.fetch_add(count, Order::relaxed) + count;
    u64 limit = pages_max_.load(Order::relaxed);
    if (limit == 0 || used <= limit) return {};
    pages_used_.fetch_sub(count, Order::relaxed);
    return Errno::enospc;
}

Result<void> TmpfsFileSystem::take_inode()
{
    u64 used = inodes_used_.fetch_add(1, Order::relaxed) + 1;
    u64 limit = inodes_max_.load(Order::relaxed);
    if (limit == 0 || used <= limit) return {};
    inodes_used_.fetch_sub(1, Order::relaxed);
    return Errno::enospc;
}

TmpfsDirectory::~TmpfsDirectory() { static_cast<TmpfsFileSystem&>(file_system()).give_inode(); }

namespace {

// What counts for a link's target, as on Linux: nothing when it is short.
u64 pages_of_target(usize length) { return length < 128 ? 0 : 1; }

// Who makes one of these has called take_inode(), for a link take_pages() too.
class TmpfsLink final : public SymbolicLink {
public:
    using SymbolicLink::SymbolicLink;
    ~TmpfsLink() override
    {
        auto& tmpfs = static_cast<TmpfsFileSystem&>(file_system());
        tmpfs.give_pages(pages_of_target(size()));
        tmpfs.give_inode();
    }
    u64 blocks() const override { return pages_of_target(size()) * (page_size / 512); }
};

class TmpfsSpecialNode final : public SpecialNode {
public:
    using SpecialNode::SpecialNode;
    ~TmpfsSpecialNode() override { static_cast<TmpfsFileSystem&>(file_system()).give_inode(); }
};

Result<Ref<Inode>> make_link(MayBlock& context, TmpfsFileSystem& tmpfs, const NewNode& node)
{
    u64 pages = pages_of_target(node.target.size());
    TRY(tmpfs.take_inode());
    Result<void> taken = tmpfs.take_pages(pages);
    if (!taken.ok()) {
        tmpfs.give_inode();
        return taken.error();
    }
    if (char* target = SymbolicLink::copy_target(context, node.target)) {
        Result<Ref<TmpfsLink>> link =
            make_ref<TmpfsLink>(context, tmpfs, target, node.target.size(), node.user, node.group);
        if (link.ok()) return Ref<Inode>(std::move(link).value());
        free(target);
    }
    tmpfs.give_pages(pages);
    tmpfs.give_inode();
    return Errno::enomem;
}

}  // namespace

Result<Ref<Inode>> TmpfsDirectory::make_node(MayBlock& context, const NewNode& node)
{
    auto& tmpfs = static_cast<TmpfsFileSystem&>(file_system());
    switch (node.mode & file_mode::type_mask) {
    case file_mode::regular: {
        TRY(tmpfs.take_inode());
        Result<Ref<TmpfsFile>> file = make_ref<TmpfsFile>(context, tmpfs, node.mode, node.user, node.group);
        if (!file.ok()) tmpfs.give_inode();
        return Ref<Inode>(TRY(std::move(file)));
    }
    case file_mode::directory: {
        TRY(tmpfs.take_inode());
        Result<Ref<TmpfsDirectory>> directory =
            make_ref<TmpfsDirectory>(context, tmpfs, node.mode, 0ull, node.user, node.group);
        if (!directory.ok()) tmpfs.give_inode();
        return Ref<Inode>(TRY(std::move(directory)));
    }
    case file_mode::symlink:
        return make_link(context, tmpfs, node);
    case file_mode::character:
    case file_mode::block:
    case file_mode::fifo:
    case file_mode::socket: {
        TRY(tmpfs.take_inode());
        Result<Ref<TmpfsSpecialNode>> special =
            make_ref<TmpfsSpecialNode>(context, tmpfs, node.mode, node.device, node.user, node.group);
        if (!special.ok()) tmpfs.give_inode();
        return Ref<Inode>(TRY(std::move(special)));
    }
    default:
        return Errno::einval;
    }
}

Result<void> init_tmpfs(MayBlock& context)
{
    MountTable& mounts = hal::kernel().mounts;
    Ref<TmpfsFileSystem> root = TRY(TmpfsFileSystem::create(context, "rootfs", {.permissions = 0755}, true));
    TRY(mounts.mount_root(context, root));
    Ref<TmpfsFileSystem> unnamed = TRY(TmpfsFileSystem::create(context, "tmpfs", {.permissions = 0700}, true));
    mounts.unnamed = TRY(make_ref<Mount>(context, unnamed, unnamed->root(), 0ull, "tmpfs"));
    TRY(register_file_system(
        context, "tmpfs", [](MayBlock& mounting, std::string_view text) -> Result<Ref<FileSystem>> {
            TmpfsOptions options = TRY(TmpfsFileSystem::parse(text, default_options()));
            return Ref<FileSystem>(TRY(TmpfsFileSystem::create(mounting, "tmpfs", options, false)));
        }));
    return register_file_system(
        context, "ramfs", [](MayBlock& mounting, std::string_view text) -> Result<Ref<FileSystem>> {
            TmpfsOptions options = TRY(TmpfsFileSystem::parse(text, {.permissions = 0755}));
            return Ref<FileSystem>(TRY(TmpfsFileSystem::create(mounting, "ramfs", options, false)));
        });
}

namespace {

struct UnnamedFile {
    Path path;
    Ref<TmpfsFile> inode;
};

Result<UnnamedFile> make_unnamed_file(MayBlock& context, std::string_view name, u32 mode, u32 seals)
{
    const Ref<Mount>& mount = hal::kernel().mounts.unnamed;
    auto& tmpfs = static_cast<TmpfsFileSystem&>(mount->file_system());
    Credentials credentials = credentials_of_current(context);
    TRY(tmpfs.take_inode());
    Result<Ref<TmpfsFile>> made = make_ref<TmpfsFile>(context, tmpfs, file_mode::regular | mode, credentials.file_user,
                                                      credentials.file_group, seals);
    if (!made.ok()) tmpfs.give_inode();
    Ref<TmpfsFile> inode = TRY(std::move(made));
    inode->set_links(0);
    Ref<Dentry> dentry = TRY(Dentry::create_removed(context, EntryName(name), inode));
    return UnnamedFile{{mount, std::move(dentry)}, std::move(inode)};
}

}  // namespace

Result<Ref<File>> create_memory_file(MayBlock& context, std::string_view name, u32 permissions, bool sealable)
{
    UnnamedFile made = TRY(make_unnamed_file(context, name, permissions, sealable ? 0u : abi::seal::seal));
    Ref<File> file = TRY(made.inode->open(context, made.path, open_flag::read_write | open_flag::large_file));
    file->set_path(std::move(made.path));
    return file;
}

Result<Ref<MemoryObject>> create_shared_memory(MayBlock& context, std::string_view name, u64 size_bytes)
{
    UnnamedFile made = TRY(make_unnamed_file(context, name, 0777, abi::seal::seal));
    made.inode->set_first_size(size_bytes);
    return made.inode->mapping(context, made.path);
}

}  // namespace takt
