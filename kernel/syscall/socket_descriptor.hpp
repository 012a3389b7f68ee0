// Descriptors that are sockets.
#pragma once

#include <kernel/net/socket.hpp>
#include <kernel/syscall/descriptor.hpp>

namespace takt {

inline constexpr usize io_bytes_max = 0x7ffff000;  // MAX_RW_COUNT

// Errors: ebadf, enotsock.
inline Result<Ref<Socket>> descriptor_socket(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    Socket* socket = file->as_socket();
    if (!socket) return Errno::enotsock;
    return Ref<Socket>::share(*socket);
}

}  // namespace takt
