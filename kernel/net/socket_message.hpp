// What sendmsg(2) and recvmsg(2) have beyond bytes: scattered buffers, addresses, ancillary data (cmsg(3)).
#pragma once

#include <kernel/mm/vector.hpp>
#include <kernel/net/socket.hpp>

namespace takt {

// Addresses between a program and the kernel. Errors: efault, einval.
Result<SocketAddress> load_address(MayBlock& context, UserAddress address, i32 length);
// Stores what fits and the whole length.
Result<void> store_address(MayBlock& context, const SocketAddress& address, UserAddress target,
                           UserPointer<i32> length);

// The segments that a msghdr names. Errors: efault, einval, emsgsize, enomem.
class MessageSegments {
public:
    MessageSegments() = default;
    ~MessageSegments() { free(heap_); }
    MessageSegments(const MessageSegments&) = delete;
    Result<void> load(MayBlock& context, UserPointer<abi::Iovec> vectors, u64 count);
    std::span<const IoSegment> view() const { return {heap_ ? heap_ : inline_, count_}; }

private:
    static constexpr usize inline_count = 8;
    static constexpr usize count_max = 1024;  // UIO_MAXIOV
    IoSegment inline_[inline_count];
    IoSegment* heap_ = nullptr;
    usize count_ = 0;
};

// One sendmsg(2): the bytes sent. `address`: where to, null for none.
Result<usize> send_message(MayBlock& context, Socket& socket, const abi::MessageHeader& header, u32 flags);
// One recvmsg(2): the bytes received; stores what the header asks for and changes it as recvmsg does.
Result<usize> receive_message(MayBlock& context, Socket& socket, abi::MessageHeader& header, u32 flags);

}  // namespace takt
