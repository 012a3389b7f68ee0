#include <kernel/fs/device_table.hpp>

#include <kernel/fs/tmpfs.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Result<void> DeviceTable::add(MayBlock& context, u32 major, u32 first_minor, u32 count, const char* name,
                              OpenDevice open)
{
    LockGuard guard(lock_, context);
    if (count_ == range_count_max) return Errno::enomem;
    for (usize index = 0; index < count_; index++) {
        const Range& range = ranges_[index];
        if (range.major == major && range.first_minor < first_minor + count &&
            first_minor < range.first_minor + range.count)
            return Errno::ebusy;
    }
    ranges_[count_++] = {major, first_minor, count, name, open};
    return {};
}

Result<OpenDevice> DeviceTable::find(MayLock& context, u64 device)
{
    u32 major = device_major(device);
    u32 minor = device_minor(device);
    LockGuard guard(lock_, context);
    for (usize index = 0; index < count_; index++) {
        const Range& range = ranges_[index];
        if (range.major == major && minor >= range.first_minor && minor - range.first_minor < range.count)
            return range.open;
    }
    return Errno::enxio;
}

Result<Ref<File>> DeviceTable::open(MayBlock& context, Inode& node, u32 flags)
{
    u64 device = node.special_device();
    OpenDevice driver = TRY(find(context, device));
    return driver(context, device_minor(device), flags, &node);
}

Result<Ref<File>> DeviceTable::open_number(MayBlock& context, u64 device, u32 flags)
{
    OpenDevice driver = TRY(find(context, device));
    return driver(context, device_minor(device), flags, nullptr);
}

void DeviceTable::show(MayLock& context, TextSink& text)
{
    LockGuard guard(lock_, context);
    // By major number; a driver with several ranges of a major once. bound: ranges, squared
    for (u32 major = 0; major < 512; major++) {
        const char* shown = nullptr;
        for (usize index = 0; index < count_; index++) {
            const Range& range = ranges_[index];
            if (range.major != major || (shown && std::string_view(shown) == range.name)) continue;
            shown = range.name;
            format(text, "{3} {}\n", major, range.name);
        }
    }
}

namespace {

// The directory for a node's last name; made where it is not there. `name` becomes the last name.
Result<Ref<Dentry>> directory_for(MayBlock& context, std::string_view& name)
{
    Ref<Dentry> at = hal::kernel().devices.nodes->root();
    for (;;) {  // bound: the name
        usize slash = name.find('/');
        if (slash == std::string_view::npos) return at;
        Directory& directory = *at->inode().as_directory();
        EntryName part(name.substr(0, slash));
        Result<Ref<Dentry>> below = directory.lookup(context, *at, part);
        if (!below.ok() && below.error() == Errno::enoent)
            below = directory.create(context, *at, part, {.mode = file_mode::directory | 0755});
        at = TRY(std::move(below));
        name.remove_prefix(slash + 1);
    }
}

Result<void> add_node(MayBlock& context, std::string_view name, const NewNode& node)
{
    Ref<Dentry> parent = TRY(directory_for(context, name));
    (void)TRY(parent->inode().as_directory()->create(context, *parent, EntryName(name), node));
    return {};
}

}  // namespace

Result<void> register_character_device(MayBlock& context, std::string_view name, u64 device, u32 permissions,
                                       OpenDevice open, const char* driver_name)
{
    TRY(hal::kernel().devices.add(context, device_major(device), device_minor(device), 1, driver_name, open));
    return add_node(context, name, {.mode = file_mode::character | permissions, .device = device});
}

Result<void> init_devtmpfs(MayBlock& context)
{
    hal::kernel().devices.nodes = TRY(TmpfsFileSystem::create(context, "devtmpfs", {.permissions = 0755}, true));
    TRY(add_node(context, "fd", {.mode = file_mode::symlink, .target = "/proc/self/fd"}));
    TRY(add_node(context, "stdin", {.mode = file_mode::symlink, .target = "/proc/self/fd/0"}));
    TRY(add_node(context, "stdout", {.mode = file_mode::symlink, .target = "/proc/self/fd/1"}));
    TRY(add_node(context, "stderr", {.mode = file_mode::symlink, .target = "/proc/self/fd/2"}));
    TRY(add_node(context, "shm", {.mode = file_mode::directory | 01777}));
    TRY(add_node(context, "pts", {.mode = file_mode::directory | 0755}));
    TRY(add_node(context, "mqueue", {.mode = file_mode::directory | 0755}));
    return register_file_system(context, "devtmpfs", [](MayBlock&, std::string_view) -> Result<Ref<FileSystem>> {
        return Ref<FileSystem>(hal::kernel().devices.nodes);
    });
}

}  // namespace takt
