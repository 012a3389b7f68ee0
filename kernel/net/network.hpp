// Network: what sockets share. Member of Kernel.
#pragma once

#include <kernel/net/passed_files.hpp>
#include <kernel/net/unix_endpoint.hpp>

namespace takt {

class Network {
public:
    UnixNames unix_names;
    PassedFilesReaper reaper;
    // Where the search for an automatic name goes on.
    Atomic<u32> next_automatic_name{0};
};

}  // namespace takt
