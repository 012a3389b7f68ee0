// Dentry: a name of an inode in a directory. A directory pins its entries; a Dentry keeps its parent alive, so the path
// of an open file can be told also after it was unlinked.
//
// The inode never changes. Name and parent change by rename only, under MountTable's names lock and the locks of both
// directories: holders of the directory's lock may read the names in it, others take the names lock.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/fs/inode.hpp>

namespace takt {

struct ByNameTag;
struct BySequenceTag;

inline constexpr usize name_length_max = 255;   // NAME_MAX
inline constexpr usize path_length_max = 4096;  // PATH_MAX, with the NUL

// A name with its hash; trees of names compare the hash first.
struct EntryName {
    std::string_view text;
    u32 hash = 0;

    EntryName() = default;
    explicit EntryName(std::string_view name) : text(name)
    {
        for (char character : name) hash = extend(hash, character);
    }
    EntryName(std::string_view name, u32 known_hash) : text(name), hash(known_hash) {}
    static constexpr u32 extend(u32 hash, char character) { return (hash ^ static_cast<u8>(character)) * 0x01000193u; }
};

class Dentry : public RefCounted<Dentry>,
               public HeapObject,
               public TreeHook<ByNameTag>,
               public TreeHook<BySequenceTag> {
public:
    // A root has no parent and the name "". Errors: enomem.
    static Result<Ref<Dentry>> create(MayLock& context, Ref<Dentry> parent, const EntryName& name, Ref<Inode> inode);
    // A name that no directory holds and that shows as deleted (memfd_create(2)). Errors: enomem.
    static Result<Ref<Dentry>> create_removed(MayLock& context, const EntryName& name, Ref<Inode> inode);
    ~Dentry();

    Inode& inode() const { return *inode_; }
    EntryName name() const { return {{name_, name_length_}, hash_}; }
    // Null at a file system's root.
    Dentry* parent() const { return parent_.get(); }
    // The name is gone (unlink, rmdir): "(deleted)" is shown after its path.
    bool removed() const { return removed_.load(Order::relaxed); }
    // Its directory holds it: it is found again by every lookup.
    bool pinned() const { return static_cast<const TreeHook<ByNameTag>*>(this)->is_linked(); }

    // Number of mounts on this name: path lookup asks the mount table when it is not 0.
    Atomic<u32> mounted{0};

private:
    friend class Directory;
    friend struct DentryByName;
    friend struct DentryByHash;
    friend struct DentryBySequence;
    template <typename T, typename... Arguments>
    friend Result<Ref<T>> make_ref(MayLock&, Arguments&&...);

    static constexpr usize short_name_max = 23;

    Dentry(Ref<Dentry> parent, const EntryName& name, char* name_memory, Ref<Inode> inode);

    Ref<Dentry> parent_;
    Ref<Inode> inode_;
    u64 sequence_ = 0;  // position in the directory; guarded by its lock
    char* name_;        // short_name_, or allocated
    u32 hash_;
    u16 name_length_;
    Atomic<bool> removed_{false};
    char short_name_[short_name_max + 1];
};

}  // namespace takt
