#include <kernel/fs/file_system.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/path_lookup.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/types.hpp>

namespace takt {

UnixNames::Key UnixNames::ByName::key(const UnixEndpoint& endpoint)
{
    return {endpoint.entered_name_->view(), endpoint.type};
}

Result<void> UnixNames::add(MayLock& context, UnixEndpoint& endpoint, Ref<UnixName> name)
{
    LockGuard guard(lock_, context);
    if (names_.find(Key{name->view(), endpoint.type}, ByName()) != names_.end()) return Errno::eaddrinuse;
    endpoint.entered_name_ = std::move(name);
    names_.insert(endpoint);
    return {};
}

void UnixNames::remove(MayLock& context, UnixEndpoint& endpoint)
{
    LockGuard guard(lock_, context);
    if (endpoint.TreeHook<UnixNamesTag>::is_linked()) names_.erase(names_.iterator_to(endpoint));
}

Ref<UnixEndpoint> UnixNames::find(MayLock& context, std::string_view name, i32 type)
{
    LockGuard guard(lock_, context);
    auto found = names_.find(Key{name, type}, ByName());
    return found == names_.end() ? nullptr : Ref<UnixEndpoint>::share(*found);
}

SocketAddress unix_address(std::string_view name)
{
    SocketAddress address;
    u16 family = abi::family_unix;
    address.length = sizeof family + name.size();
    __builtin_memcpy(address.bytes, &family, sizeof family);
    __builtin_memcpy(address.bytes + sizeof family, name.data(), name.size());
    return address;
}

Result<Ref<UnixEndpoint>> find_unix_endpoint(MayBlock& context, std::string_view name, i32 type)
{
    if (name.empty()) return Errno::econnrefused;
    if (name[0] == 0) {
        Ref<UnixEndpoint> found = hal::kernel().network.unix_names.find(context, name, type);
        if (!found) return Errno::econnrefused;
        return found;
    }
    Path path = TRY(lookup_path(context, at_fdcwd, name));
    Inode& inode = path.dentry->inode();
    TRY(inode.check_access(credentials_of_current(context), access_right::write));
    if (inode.type() != file_mode::socket || !inode.attachment_slot()) return Errno::econnrefused;
    Ref<Attachment> attached = inode.attachment_slot()->get(context);
    if (!attached) return Errno::econnrefused;
    Ref<UnixEndpoint> endpoint = Ref<UnixEndpoint>::share(static_cast<UnixEndpoint&>(*attached));
    if (endpoint->type != type) return Errno::eprototype;
    return endpoint;
}

namespace {

// A node of type socket. Errors: eaddrinuse, and path lookup's.
Result<Ref<Inode>> create_socket_node(MayBlock& context, std::string_view path)
{
    PathWalker walker(context);
    TRY(walker.start(at_fdcwd, path));
    TRY(walker.to_parent());
    if (walker.last_kind() != PathWalker::Last::name) return Errno::eaddrinuse;
    if (walker.trailing_slash()) return Errno::enoent;
    const Credentials& credentials = walker.credentials();
    TRY(check_writable_directory(walker.at(), credentials));
    Dentry& parent = *walker.at().dentry;
    Directory* directory = parent.inode().as_directory();
    if (!directory) return Errno::enotdir;
    NewNode node;
    node.mode = file_mode::socket | (0777 & ~umask_of_current(context));
    node.user = credentials.file_user;
    node.group = directory->mode() & file_mode::set_group ? directory->group() : credentials.file_group;
    Result<Ref<Dentry>> entry = directory->create(context, parent, walker.last(), node);
    if (!entry.ok()) return entry.error() == Errno::eexist ? Errno::eaddrinuse : entry.error();
    return Ref<Inode>::share(entry.value()->inode());
}

}  // namespace

Result<void> UnixEndpoint::bind(MayBlock& context, std::string_view name)
{
    {
        MutexGuard guard(mutex_, context);
        if (binding_ || this->name(context)) return Errno::einval;
        binding_ = true;
    }
    Result<void> result = bind_to(context, name);
    MutexGuard guard(mutex_, context);
    binding_ = false;
    return result;
}

Result<void> UnixEndpoint::bind_to(MayBlock& context, std::string_view text)
{
    Ref<UnixName> name = TRY(make_ref<UnixName>(context, text));
    if (name->abstract()) {
        TRY(hal::kernel().network.unix_names.add(context, *this, name));
    } else {
        // The name counts the NUL that stands after the path.
        Ref<Inode> inode = TRY(create_socket_node(context, text.substr(0, text.size() - 1)));
        if (!inode->attachment_slot()) return Errno::eperm;
        inode->attachment_slot()->set(context, Ref<Attachment>(Ref<UnixEndpoint>::share(*this)));
        MutexGuard guard(mutex_, context);
        inode_ = std::move(inode);
    }
    LockGuard guard(peer_lock_, context);
    name_ = std::move(name);
    return {};
}

Result<void> UnixEndpoint::bind_automatically(MayBlock& context)
{
    constexpr u32 count = 1 << 20;
    Network& network = hal::kernel().network;
    for (u32 tries = 0; tries < count; tries++) {
        TextBuffer<8> text;
        text.append('\0');
        format(text, "{05x}", network.next_automatic_name.fetch_add(1, Order::relaxed) % count);
        Result<void> bound = bind(context, text.view());
        if (bound.ok() || bound.error() != Errno::eaddrinuse) return bound;
    }
    return Errno::enospc;
}

}  // namespace takt
