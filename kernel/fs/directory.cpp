#include <kernel/fs/directory.hpp>

#include <kernel/fs/directory_file.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

// Takes the locks of one or two directories, by address (Rank::directory).
class TwoDirectories {
public:
    using Lock = Mutex<Rank::directory>;
    TwoDirectories(MayBlock& context, Lock& one, Lock& other) NO_THREAD_SAFETY_ANALYSIS
        : context_(context),
          first_(&one < &other ? one : other),
          second_(&one < &other ? other : one)
    {
        first_.acquire(context_);
        if (&first_ != &second_) second_.acquire(context_);
    }
    ~TwoDirectories() NO_THREAD_SAFETY_ANALYSIS
    {
        if (&first_ != &second_) second_.release(context_);
        first_.release(context_);
    }
    TwoDirectories(const TwoDirectories&) = delete;

private:
    MayBlock& context_;
    Lock& first_;
    Lock& second_;
};

// Names are short: a call would cost more than the comparison.
inline bool same_text(const char* left, std::string_view right)
{
    for (char character : right)
        if (*left++ != character) return false;
    return true;
}

}  // namespace

Directory::~Directory() NO_THREAD_SAFETY_ANALYSIS { ASSERT(by_name_.empty()); }

Result<Ref<File>> Directory::open(MayBlock& context, const Path&, u32 flags)
{
    if ((flags & open_flag::access_mode) != open_flag::read_only) return Errno::eisdir;
    return Ref<File>(TRY(make_ref<DirectoryFile>(context, flags)));
}

void Directory::insert(Dentry& entry)
{
    entry.sequence_ = next_sequence_++;
    entry.add_reference();
    by_name_.insert(entry);
    by_sequence_.insert(by_sequence_.end(), entry);
}

// Leaves the pin's reference to the caller.
void Directory::erase(Dentry& entry)
{
    by_name_.erase(by_name_.iterator_to(entry));
    by_sequence_.erase(by_sequence_.iterator_to(entry));
}

Dentry* Directory::find_pinned(const EntryName& name)
{
    auto at = by_name_.lower_bound(name.hash, DentryByHash());
    for (; at != by_name_.end() && at->hash_ == name.hash; ++at)  // bound: names with this hash
        if (at->name_length_ == name.text.size() && same_text(at->name_, name.text)) return &*at;
    return nullptr;
}

bool Directory::pins(const Dentry& entry) const { return entry.pinned() && &entry.parent_->inode() == this; }

Result<Ref<Dentry>> Directory::lookup(MayBlock& context, Dentry& self, const EntryName& name)
{
    Ref<Dentry> pinned;
    if (lookup_pinned(context, name, pinned)) return pinned;
    Ref<Inode> inode = TRY(find(context, name.text));
    return Dentry::create(context, Ref<Dentry>::share(self), name, std::move(inode));
}

Result<Ref<Dentry>> Directory::insert_new(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode)
{
    bool directory = inode->is_directory();
    Ref<Dentry> entry = TRY(Dentry::create(context, Ref<Dentry>::share(self), name, std::move(inode)));
    insert(*entry);
    if (directory) add_link();  // its ".."
    note_modify();
    return entry;
}

Result<Ref<Dentry>> Directory::create(MayBlock& context, Dentry& self, const EntryName& name, const NewNode& node)
{
    MutexGuard guard(lock_, context);
    if (closed_) return Errno::enoent;
    if (find_pinned(name)) return Errno::eexist;
    return insert_new(context, self, name, TRY(make_node(context, node)));
}

Result<Ref<Dentry>> Directory::add(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode)
{
    MutexGuard guard(lock_, context);
    if (closed_) return Errno::enoent;
    if (find_pinned(name)) return Errno::eexist;
    return insert_new(context, self, name, std::move(inode));
}

Result<void> Directory::add_link_to(MayBlock& context, Dentry& self, const EntryName& name, Ref<Inode> inode)
{
    if (!may_create()) return Errno::eperm;
    MutexGuard guard(lock_, context);
    if (closed_) return Errno::enoent;
    if (find_pinned(name)) return Errno::eexist;
    TRY(file_system().take_name());
    if (!inode->try_add_link()) {
        file_system().give_name();
        return Errno::enoent;
    }
    Result<Ref<Dentry>> entry = insert_new(context, self, name, inode);
    if (!entry.ok()) {
        drop_name(*inode);
        return entry.error();
    }
    inode->note_change();
    return {};
}

// The inode itself counts until it goes.
void Directory::drop_name(Inode& inode)
{
    if (inode.drop_link() > 0) inode.file_system().give_name();
}

bool Directory::empty(MayBlock& context)
{
    MutexGuard guard(lock_, context);
    return by_name_.empty();
}

Result<void> Directory::close_for_removal(MayBlock& context)
{
    MutexGuard guard(lock_, context);
    if (!by_name_.empty()) return Errno::enotempty;
    closed_ = true;
    return {};
}

Result<void> Directory::remove(MayBlock& context, Dentry&, Dentry& entry)
{
    TRY(may_remove(context, entry));
    if (entry.mounted.load(Order::acquire)) return Errno::ebusy;
    Inode& inode = entry.inode();
    Directory* directory = inode.as_directory();
    // For a directory the caller holds the rename mutex: nobody else removes or moves it between these steps.
    if (directory) TRY(directory->close_for_removal(context));
    {
        MutexGuard guard(lock_, context);
        if (!pins(entry)) return Errno::enoent;
        erase(entry);
        note_modify();
    }
    entry.removed_.store(true, Order::relaxed);
    if (directory) {
        drop_link();
        inode.set_links(0);
    } else {
        drop_name(inode);
    }
    inode.note_change();
    entry.drop_reference();
    return {};
}

Result<void> Directory::rename(MayBlock& context, Dentry& from_parent, Dentry& entry, Dentry& to_parent,
                               const EntryName& to_name, Dentry* target, bool exchange)
{
    Directory& from = *from_parent.inode().as_directory();
    Directory& to = *to_parent.inode().as_directory();
    bool moves_directory = entry.inode().is_directory();
    bool replaces_directory = target && target->inode().is_directory();
    if (target && !exchange) {
        if (moves_directory && !replaces_directory) return Errno::enotdir;
        if (!moves_directory && replaces_directory) return Errno::eisdir;
        if (target->mounted.load(Order::acquire)) return Errno::ebusy;
    }
    if (entry.mounted.load(Order::acquire)) return Errno::ebusy;
    TRY(from.may_remove(context, entry));
    if (target) TRY(to.may_remove(context, *target));

    char* long_name = nullptr;
    if (!exchange && to_name.text.size() > Dentry::short_name_max) {
        long_name = static_cast<char*>(allocate(context, to_name.text.size() + 1));
        if (!long_name) return Errno::enomem;
    }
    Result<void> closed;
    if (replaces_directory && !exchange) closed = target->inode().as_directory()->close_for_removal(context);
    Result<void> result =
        closed.ok() ? move_entry(context, from_parent, entry, to_parent, to_name, target, exchange, long_name) : closed;
    free(long_name);
    return result;
}

// Swaps the names of two entries: both have room for the other's because the long ones are allocated.
void Directory::swap_names(Dentry& one, Dentry& other)
{
    char buffer[Dentry::short_name_max + 1];
    __builtin_memcpy(buffer, one.short_name_, sizeof buffer);
    __builtin_memcpy(one.short_name_, other.short_name_, sizeof buffer);
    __builtin_memcpy(other.short_name_, buffer, sizeof buffer);
    char* one_name = other.name_ == other.short_name_ ? one.short_name_ : other.name_;
    char* other_name = one.name_ == one.short_name_ ? other.short_name_ : one.name_;
    one.name_ = one_name;
    other.name_ = other_name;
    std::swap(one.hash_, other.hash_);
    std::swap(one.name_length_, other.name_length_);
}

// `long_name`: room for a name that does not fit the entry; takes it, and leaves memory for the caller to free.
void Directory::set_name(Dentry& entry, const EntryName& name, char*& long_name)
{
    char* old = entry.name_ == entry.short_name_ ? nullptr : entry.name_;
    bool fits = name.text.size() <= Dentry::short_name_max;
    char* place = fits ? entry.short_name_ : long_name;
    __builtin_memcpy(place, name.text.data(), name.text.size());
    place[name.text.size()] = 0;
    entry.name_ = place;
    entry.hash_ = name.hash;
    entry.name_length_ = static_cast<u16>(name.text.size());
    long_name = old;
}

Result<void> Directory::move_entry(MayBlock& context, Dentry& from_parent, Dentry& entry, Dentry& to_parent,
                                   const EntryName& to_name, Dentry* target, bool exchange,
                                   char*& long_name) NO_THREAD_SAFETY_ANALYSIS  // two locks, chosen at run time
{
    Directory& from = static_cast<Directory&>(from_parent.inode());
    Directory& to = static_cast<Directory&>(to_parent.inode());
    Ref<Dentry> old_parent_of_entry;  // dropped after the locks
    Ref<Dentry> old_parent_of_target;
    bool entry_is_directory = entry.inode().is_directory();
    {
        TwoDirectories both(context, from.lock_, to.lock_);
        if (!from.pins(entry) || (target && !to.pins(*target))) return Errno::enoent;
        if (to.closed_) return Errno::enoent;
        if (!target && to.find_pinned(to_name)) return Errno::eexist;
        // commit:
        LockGuard tree(hal::kernel().mounts.tree_lock(), context);
        from.erase(entry);
        if (target) to.erase(*target);
        if (exchange) {
            swap_names(entry, *target);
            old_parent_of_target = std::exchange(target->parent_, Ref<Dentry>::share(from_parent));
            from.insert(*target);
            target->drop_reference();  // insert() took one more
        } else {
            set_name(entry, to_name, long_name);
        }
        old_parent_of_entry = std::exchange(entry.parent_, Ref<Dentry>::share(to_parent));
        to.insert(entry);
        entry.drop_reference();
        if (target && !exchange) target->removed_.store(true, Order::relaxed);
    }
    bool target_is_directory = target && target->inode().is_directory();
    if (entry_is_directory) {
        from.drop_link();
        to.add_link();
    }
    if (target_is_directory) {
        to.drop_link();
        if (exchange) from.add_link();
    }
    from.note_modify();
    to.note_modify();
    entry.inode().note_change();
    if (target && !exchange) {
        if (target_is_directory)
            target->inode().set_links(0);
        else
            drop_name(target->inode());
        target->drop_reference();
    }
    if (target) target->inode().note_change();
    return {};
}

Result<void> Directory::read_entries(MayBlock& context, Dentry& self, DirectorySink& sink, u64& position)
{
    note_access();
    if (position == 0) {
        if (!sink.add(".", number, file_mode::directory >> 12, 1)) return {};
        position = 1;
    }
    if (position == 1) {
        u64 parent = number;
        {
            LockGuard tree(hal::kernel().mounts.tree_lock(), context);
            if (self.parent()) parent = self.parent()->inode().number;
        }
        if (!sink.add("..", parent, file_mode::directory >> 12, first_sequence)) return {};
        position = first_sequence;
    }
    if (position < dynamic_positions) {
        if (!read_pinned(context, sink, position)) return {};
        position = dynamic_positions;
    }
    DynamicEntry entry;
    for (;;) {  // bound: the sink's room, and the made-up entries
        u64 cursor = position - dynamic_positions;
        entry.name.clear();
        if (!next(context, cursor, entry)) return {};
        u64 after = dynamic_positions + cursor;
        if (!sink.add(entry.name.view(), entry.inode_number, static_cast<u8>(entry.type >> 12), after)) return {};
        position = after;
    }
}

// The sink copies to user memory: fine under a Mutex. False when it is full.
bool Directory::read_pinned(MayBlock& context, DirectorySink& sink, u64& position)
{
    MutexGuard guard(lock_, context);
    auto at = by_sequence_.lower_bound(position, DentryBySequence());
    for (; at != by_sequence_.end(); ++at) {
        u64 after = at->sequence_ + 1;
        if (!sink.add(at->name().text, at->inode().number, static_cast<u8>(at->inode().type() >> 12), after))
            return false;
        position = after;
    }
    return true;
}

Result<void> Directory::unpin(MayBlock& context, const EntryName& name)
{
    Ref<Dentry> entry;
    {
        MutexGuard guard(lock_, context);
        Dentry* found = find_pinned(name);
        if (!found) return Errno::enoent;
        erase(*found);
        entry = Ref<Dentry>::adopt(found);
        note_modify();
    }
    entry->removed_.store(true, Order::relaxed);
    if (entry->inode().is_directory()) {
        drop_link();
        take_apart(context, *entry);
    }
    return {};
}

void Directory::take_apart(MayBlock& context, Dentry& root)
{
    // Down to a directory without entries below, take it out of its parent, go on there. Nobody else uses the tree.
    Ref<Dentry> at = Ref<Dentry>::share(root);
    for (;;) {
        auto& directory = static_cast<Directory&>(at->inode());
        Ref<Dentry> entry;
        {
            MutexGuard guard(directory.lock_, context);
            directory.closed_ = true;
            if (!directory.by_name_.empty()) {
                Dentry& first = *directory.by_name_.begin();
                Directory* below = first.inode().as_directory();
                if (below && !below->empty(context)) {
                    entry = Ref<Dentry>::share(first);
                } else {
                    directory.erase(first);
                    entry = Ref<Dentry>::adopt(&first);
                    entry->removed_.store(true, Order::relaxed);
                    continue;
                }
            }
        }
        if (entry) {
            at = std::move(entry);
        } else {
            if (at.get() == &root) return;
            at = Ref<Dentry>::share(*at->parent());
        }
    }
}

Result<Ref<Inode>> Directory::find(MayBlock&, std::string_view) { return Errno::enoent; }

bool Directory::next(MayBlock&, u64&, DynamicEntry&) { return false; }

Result<Ref<Inode>> Directory::make_node(MayBlock&, const NewNode&) { return Errno::eperm; }

Result<void> Directory::may_remove(MayBlock&, Dentry&) { return Errno::eperm; }

}  // namespace takt
