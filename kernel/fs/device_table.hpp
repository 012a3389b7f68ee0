// DeviceTable: which driver opens which character device number. devtmpfs (devtmpfs.hpp) holds the nodes.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/fs/inode.hpp>

namespace takt {

// Opens device `minor`. `node` is the device node that was opened (null when the kernel opens the device itself).
// The caller sets the file's path.
using OpenDevice = Result<Ref<File>> (*)(MayBlock& context, u32 minor, u32 flags, Inode* node);

class DeviceTable {
public:
    // Drivers, at boot or when a device appears: minors [first, first + count) of a major number. `name` is static text
    // for /proc/devices. Errors: ebusy (taken), enomem (the table is full).
    Result<void> add(MayBlock& context, u32 major, u32 first_minor, u32 count, const char* name, OpenDevice open);
    // Errors: enxio (no driver), and the driver's.
    Result<Ref<File>> open(MayBlock& context, Inode& node, u32 flags);
    Result<Ref<File>> open_number(MayBlock& context, u64 device, u32 flags);
    // The tree of device nodes: the one instance of devtmpfs. Written at boot.
    Ref<FileSystem> nodes;

    // /proc/devices: the character devices' lines ("  1 mem").
    void show(MayLock& context, TextSink& text);

private:
    struct Range {
        u32 major, first_minor, count;
        const char* name;
        OpenDevice open;
    };
    static constexpr usize range_count_max = 64;

    Result<OpenDevice> find(MayLock& context, u64 device);

    Lock<Rank::object> lock_;
    Range ranges_[range_count_max] GUARDED_BY(lock_) = {};
    usize count_ GUARDED_BY(lock_) = 0;
};

// Registers a driver and makes its node /dev/NAME (names with slashes make directories) with the permissions.
// Precondition: init_devtmpfs() ran. Errors: as add(), eexist.
Result<void> register_character_device(MayBlock& context, std::string_view name, u64 device, u32 permissions,
                                       OpenDevice open, const char* driver_name);

// Makes the device tree (devtmpfs) with the links and directories that programs expect in it. At boot, after
// init_tmpfs().
Result<void> init_devtmpfs(MayBlock& context);

}  // namespace takt
