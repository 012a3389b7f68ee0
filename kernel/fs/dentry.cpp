#include <kernel/fs/dentry.hpp>

namespace takt {

Result<Ref<Dentry>> Dentry::create(MayLock& context, Ref<Dentry> parent, const EntryName& name, Ref<Inode> inode)
{
    char* memory = nullptr;
    if (name.text.size() > short_name_max) {
        memory = static_cast<char*>(allocate(context, name.text.size() + 1));
        if (!memory) return Errno::enomem;
    }
    Result<Ref<Dentry>> dentry = make_ref<Dentry>(context, std::move(parent), name, memory, std::move(inode));
    if (!dentry.ok()) free(memory);
    return dentry;
}

Result<Ref<Dentry>> Dentry::create_removed(MayLock& context, const EntryName& name, Ref<Inode> inode)
{
    Ref<Dentry> dentry = TRY(create(context, {}, name, std::move(inode)));
    dentry->removed_.store(true, Order::relaxed);
    return dentry;
}

Dentry::Dentry(Ref<Dentry> parent, const EntryName& name, char* name_memory, Ref<Inode> inode)
    : parent_(std::move(parent)), inode_(std::move(inode)), name_(name_memory ? name_memory : short_name_),
      hash_(name.hash), name_length_(static_cast<u16>(name.text.size()))
{
    __builtin_memcpy(name_, name.text.data(), name_length_);
    name_[name_length_] = 0;
}

Dentry::~Dentry()
{
    if (name_ != short_name_) free(name_);
    // The names above go here when this was their last user, one after the other: a deep tree of removed directories
    // must not become a deep recursion. A count of 1 can't rise, because directories hold a reference to what they pin.
    Ref<Dentry> up = std::move(parent_);
    while (up && up->reference_count() == 1) {  // bound: depth of the tree
        Ref<Dentry> next = std::move(up->parent_);
        up = std::move(next);
    }
}

}  // namespace takt
