// Path: a place in the tree of mounted file systems: a name (Dentry) as seen through a mount.
//
// Include dentry.hpp and mount.hpp where paths are made, copied or dropped.
#pragma once

#include <kernel/sync/ref.hpp>

namespace takt {

class Dentry;
class Mount;

struct Path {
    Ref<Mount> mount{};
    Ref<Dentry> dentry{};

    explicit operator bool() const { return static_cast<bool>(dentry); }
    bool operator==(const Path& other) const { return mount == other.mount && dentry == other.dentry; }
};

}  // namespace takt
