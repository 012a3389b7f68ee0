// What stat(2) says of a file that no file system has: a pipe or a socket.
#pragma once

#include <abi/types.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

struct AnonymousStat {
    u64 inode_number = 0;
    u32 mode = 0;  // type and permissions
    u32 user = 0;
    u32 group = 0;
    i64 created_ns = 0;  // since 1970

    // A new number, owned by the running process, made now.
    static AnonymousStat make(MayLock& context, u32 mode);
    void fill(abi::Stat& stat) const;
};

}  // namespace takt
