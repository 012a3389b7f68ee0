// Opening a FIFO (fifo(7)): all who open the inode meet in one pipe, which stays with the inode.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/fs/inode.hpp>

namespace takt {

// Precondition: a fifo inode (it has an attachment slot); permissions were checked. Waits for the other side unless
// `flags` say nonblock or both directions. Errors: enxio, erestartsys, enomem.
Result<Ref<File>> open_fifo(MayBlock& context, Inode& inode, u32 flags);

}  // namespace takt
