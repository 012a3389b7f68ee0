// The initramfs: cpio archives that the boot loader put into memory become the root file system's content.
//
// Formats: cpio "newc" (070701, and 070702 whose checksums are not looked at), several in a row, each plain or gzipped,
// as Linux takes them (Documentation/driver-api/early-userspace/buffer-format.rst). File data that lies on a page
// boundary of an archive that is not compressed becomes the file's pages in place.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

// At boot, once, after the root is mounted: unpacks what boot_info() says. The caller gives the rest of its memory to
// the frame allocator afterwards (FrameAllocator::release_initramfs). /dev, /dev/console and /root are there also
// without an initramfs, as on Linux. A damaged archive is logged; what was unpacked until then stays. Errors: enomem.
// Cost: about 2,000 instructions an entry, and 512 moves a page that has to be copied.
Result<void> unpack_initramfs(MayBlock& context);

}  // namespace takt
