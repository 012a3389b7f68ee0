// What a machine boots into: the root file system, the program, and init's orders.
#pragma once

#include "file_tree.hpp"
#include "process.hpp"

#include <string>
#include <vector>

namespace takt {

enum class InputStream { nothing, terminal, relay };
enum class OutputStream { channel, terminal };

struct GuestStreams {
    InputStream input = InputStream::nothing;
    OutputStream output = OutputStream::channel;
    OutputStream errors = OutputStream::channel;
};

// As this process's own standard streams are: a terminal as input makes the guest interactive, and
// then what is a terminal here is one there; /dev/null, or nothing, is nothing.
GuestStreams streams_of_this_process();

struct Guest {
    FileTree tree;
    GuestStreams streams;
};

// `program` is the command line. Failure as Packer::add_program.
Guest make_guest(const Arguments& program, const std::vector<std::string>& added,
                 const std::vector<std::string>& packages, const GuestStreams& streams);

}  // namespace takt
