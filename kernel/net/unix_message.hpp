// UnixMessage: what one send(2) puts into a UNIX socket's queue: bytes, and with them a sender's name, credentials,
// files.
//
// Up to a slab object's size the bytes stand behind the message itself; beyond, they are in single pages: no message
// needs more than a page of contiguous memory.
#pragma once

#include <abi/socket.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/fs/io_buffer.hpp>
#include <kernel/net/passed_files.hpp>

namespace takt {

// The address a UNIX socket is bound to: a path with its NUL (also when that stands behind sun_path), or an abstract
// name that begins with a NUL.
class UnixName : public RefCounted<UnixName>, public HeapObject {
public:
    explicit UnixName(std::string_view name) : length_(static_cast<u8>(name.size()))
    {
        ASSERT(name.size() <= sizeof bytes_);
        __builtin_memcpy(bytes_, name.data(), name.size());
    }
    std::string_view view() const { return {bytes_, length_}; }
    bool abstract() const { return length_ > 0 && bytes_[0] == 0; }

private:
    u8 length_;
    char bytes_[abi::unix_path_max + 1];
};

class UnixMessage : public HeapObject, public ListHook<> {
public:
    // Takes the next `bytes` of `from`. Errors: efault, enomem.
    static Result<Owned<UnixMessage>> create(MayBlock& context, IoBuffer& from, usize bytes);
    // files must have been taken out where dropping them could matter (PassedFilesReaper).
    ~UnixMessage();

    // Copies `bytes` from `offset` on; short after a fault. Errors: efault, when nothing was copied.
    Result<usize> copy_out(MayBlock& context, IoBuffer& into, usize offset, usize bytes) const;

    u32 size() const { return size_; }
    u32 unread() const { return size_ - consumed; }
    // Memory it occupies, counted against the sender's buffer.
    u32 charge() const { return charge_; }

    u32 consumed = 0;  // bytes of a stream's message that were read
    abi::PeerCredentials credentials{0, 65534, 65534};
    Owned<PassedFiles> files;
    Ref<Attachment> sender;  // datagrams: the UnixEndpoint whose name the receiver is told

    explicit UnixMessage(u32 size) : size_(size) {}

private:
    u8* inline_bytes() const { return reinterpret_cast<u8*>(const_cast<UnixMessage*>(this) + 1); }
    Result<void> fill(MayBlock& context, IoBuffer& from);
    Result<void> fill_pages(MayBlock& context, IoBuffer& from);

    u32 size_;
    u32 charge_ = 0;
    u8** pages_ = nullptr;  // null: the bytes are inline
};

}  // namespace takt
