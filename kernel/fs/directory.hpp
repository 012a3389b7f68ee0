// Directory: an inode with named entries. Entries that were added are pinned and found in O(log n); a kind of directory
// may also make entries up on demand (find(), next()), as /proc does for processes.
//
// Kinds: TmpfsDirectory (programs create entries), PseudoDirectory (only the kernel does). A file system with its own
// kind of files derives from it and overrides make_node() and may_remove() (mqueue).
#pragma once

#include <kernel/fs/dentry.hpp>

namespace takt {

class DirectorySink;

// What a new entry is to be (mknodat(2), symlinkat(2), open(2) with O_CREAT).
struct NewNode {
    u32 mode = 0;  // type and permissions, after the umask
    u32 user = 0;
    u32 group = 0;
    u64 device = 0;             // character and block devices
    std::string_view target{};  // symbolic links
};

// One entry that next() makes up.
struct DynamicEntry {
    TextBuffer<name_length_max> name;
    u64 inode_number = 1;
    u32 type = 0;  // file_mode type bits
};

struct DentryByName {
    bool operator()(const Dentry& left, const Dentry& right) const { return less(left.name(), right.name()); }
    bool operator()(const Dentry& left, const EntryName& right) const { return less(left.name(), right); }
    bool operator()(const EntryName& left, const Dentry& right) const { return less(left, right.name()); }
    static bool less(const EntryName& left, const EntryName& right)
    {
        return left.hash != right.hash ? left.hash < right.hash : left.text < right.text;
    }
};
// Finds the first of those that have a hash; names are then compared for being equal only.
struct DentryByHash {
    bool operator()(const Dentry& left, u32 right) const { return left.hash_ < right; }
    bool operator()(u32 left, const Dentry& right) const { return left < right.hash_; }
};
struct DentryBySequence {
    bool operator()(const Dentry& left, const Dentry& right) const { return left.sequence_ < right.sequence_; }
    bool operator()(const Dentry& left, u64 right) const { return left.sequence_ < right; }
    bool operator()(u64 left, const Dentry& right) const { return left < right.sequence_; }
};

class Directory : public Inode {
public:
    Directory(FileSystem& file_system, u32 permissions, u64 number = 0, u32 user = 0, u32 group = 0)
        : Inode(file_system, file_mode::directory | (permissions & file_mode::permissions), number, user, group)
    {
        set_links(2);
    }
    ~Directory() override;
    Directory* as_directory() override { return this; }
    Result<Ref<File>> open(MayBlock& context, const Path& path, u32 flags) override;

    // `self` is this directory's own name throughout. Permissions are the caller's affair.

    // Errors: enoent; whatever find() says.
    Result<Ref<Dentry>> lookup(MayBlock& context, Dentry& self, const EntryName& name);
    // The pinned entry of that name. False: there is none.
    bool lookup_pinned(MayBlock& context, const EntryName& name, Ref<Dentry>& found)
    {
        MutexGuard guard(lock_, context);
        Dentry* entry = find_pinned(name);
        if (!entry) return false;
        found = Ref<Dentry>::share(*entry);
        return true;
    }
    // Pins a new entry. Errors: eexist, enoent (this directory was removed), enomem, and make_node()'s.
    Result<Ref<Dentry>> create(MayBlock& context, Dentry& self, const EntryName& name, const NewNode& node);
    // The inode of a file that gets no name (O_TMPFILE). Errors: make_node()'s.
    Result<Ref<Inode>> make_unnamed(MayBlock& context, const NewNode& node) { return make_node(context, node); }
    // link(2): a further name of an inode of this file system that still has one. Errors: eexist, enoent, enomem,
    // enospc, eperm.
    Result<void> add_link_to(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode);
    // The kernel pins the first name of an inode. Errors: eexist, enoent, enomem.
    Result<Ref<Dentry>> add(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode);
    // unlink(2), rmdir(2). Errors: enoent (not there any more), enotempty, ebusy (a mount point), may_remove()'s.
    Result<void> remove(MayBlock& context, Dentry& self, Dentry& entry);
    // rename(2) with both parents resolved; `target` may be null. Exchange wants a target. The caller holds
    // MountTable's rename mutex and has checked that no directory moves below itself. Errors: enoent, enotempty,
    // eexist, enomem, eisdir, enotdir.
    static Result<void> rename(MayBlock& context, Dentry& from_parent, Dentry& entry, Dentry& to_parent,
                               const EntryName& to_name, Dentry* target, bool exchange);
    // getdents(2) from `position` on: ".", "..", pinned entries by age, then next()'s.
    Result<void> read_entries(MayBlock& context, Dentry& self, DirectorySink& sink, u64& position);
    bool empty(MayBlock& context);
    // The kernel takes an entry and everything below it out, whatever may_remove() says. Errors: enoent.
    Result<void> unpin(MayBlock& context, const EntryName& name);
    // Unpins everything below, without recursion, when a file system instance ends. Bound: its entries.
    static void take_apart(MayBlock& context, Dentry& root);

protected:
    // --- For kinds of directories.

    // Makes up an entry that is not pinned. Called without locks. Default enoent.
    virtual Result<Ref<Inode>> find(MayBlock& context, std::string_view name);
    // The next made-up entry at or after `cursor` (0 first): fills `entry`, moves `cursor` past it; false at the end.
    // Called without locks.
    virtual bool next(MayBlock& context, u64& cursor, DynamicEntry& entry);
    // May programs make links here (link(2))? Default: no.
    virtual bool may_create() const { return false; }
    // The inode for create(). Called under the directory's lock. Default eperm.
    virtual Result<Ref<Inode>> make_node(MayBlock& context, const NewNode& node);
    // May a program unlink this entry? Default eperm.
    virtual Result<void> may_remove(MayBlock& context, Dentry& entry);

private:
    using NameTree = Tree<Dentry, DentryByName, ByNameTag>;
    using SequenceTree = Tree<Dentry, DentryBySequence, BySequenceTag>;

    void insert(Dentry& entry) REQUIRES(lock_);
    void erase(Dentry& entry) REQUIRES(lock_);
    Dentry* find_pinned(const EntryName& name) REQUIRES(lock_);
    bool pins(const Dentry& entry) const REQUIRES(lock_);
    Result<Ref<Dentry>> insert_new(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode)
        REQUIRES(lock_);
    bool read_pinned(MayBlock& context, DirectorySink& sink, u64& position);
    // Of an inode that is no directory.
    static void drop_name(Inode& inode);
    static void swap_names(Dentry& one, Dentry& other);
    static void set_name(Dentry& entry, const EntryName& name, char*& long_name);
    static Result<void> move_entry(MayBlock& context, Dentry& from_parent, Dentry& entry, Dentry& to_parent,
                                   const EntryName& to_name, Dentry* target, bool exchange, char*& long_name);
    // Marks an empty directory so that nothing can be created in it. Errors: enotempty.
    Result<void> close_for_removal(MayBlock& context);

    static constexpr u64 first_sequence = 2;
    static constexpr u64 dynamic_positions = 1ull << 62;

    Mutex<Rank::directory> lock_;
    NameTree by_name_ GUARDED_BY(lock_);
    SequenceTree by_sequence_ GUARDED_BY(lock_);
    u64 next_sequence_ GUARDED_BY(lock_) = first_sequence;
    bool closed_ GUARDED_BY(lock_) = false;
};

}  // namespace takt
