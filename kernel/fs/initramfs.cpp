#include <kernel/fs/initramfs.hpp>

#include <kernel/fs/cpio_reader.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <kernel/trace/log.hpp>

namespace takt {

namespace {

// What every Linux kernel's own small archive holds.
Result<void> make_defaults(MayBlock& context, const Path& root)
{
    Directory& top = *root.dentry->inode().as_directory();
    Ref<Dentry> devices =
        TRY(top.create(context, *root.dentry, EntryName("dev"), {.mode = file_mode::directory | 0755}));
    (void)TRY(devices->inode().as_directory()->create(
        context, *devices, EntryName("console"), {.mode = file_mode::character | 0600, .device = make_device(5, 1)}));
    (void)TRY(top.create(context, *root.dentry, EntryName("root"), {.mode = file_mode::directory | 0700}));
    return {};
}

Result<void> unpack(MayBlock& context, std::span<const u8> image, CpioReader& reader)
{
    const u8* start = image.data();
    while (!image.empty()) {  // bound: the image
        if (image[0] == 0) {
            image = image.subspan(1);
        } else if (Inflate::is_gzip(image)) {
            reader.begin_stream();
            Owned<Inflate> inflate = TRY(make<Inflate>(context, image, reader));
            usize used = TRY(inflate->run(context));
            if (!reader.complete()) return Errno::einval;
            image = image.subspan(used);
        } else {
            // Archives are padded to 4 bytes from the image's start, which is a page's.
            if ((image.data() - start) % 4 != 0) return Errno::einval;
            reader.begin_stream();
            usize used = TRY(reader.feed(context, image, true));
            if (!reader.complete() || used == 0) return Errno::einval;
            image = image.subspan(used);
        }
    }
    return {};
}

}  // namespace

Result<void> unpack_initramfs(MayBlock& context)
{
    Path root = hal::kernel().mounts.root(context);
    TRY(make_defaults(context, root));
    const hal::BootInfo& info = hal::boot_info();
    if (info.initramfs_length == 0) return {};
    Owned<CpioReader> reader = TRY(make<CpioReader>(context, root));
    std::span<const u8> image(static_cast<const u8*>(hal::direct_map(info.initramfs_start)), info.initramfs_length);
    Result<void> done = unpack(context, image, *reader);
    reader->finish();
    if (!done.ok() && done.error() == Errno::enomem) return done;
    if (!done.ok()) log(LogLevel::error, "initramfs: damaged after {} entries; booting with those", reader->entries());
    return {};
}

}  // namespace takt
