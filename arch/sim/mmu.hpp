// The modelled memory management unit: a processor's way from a user address to a word of memory.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

struct UserAccess {
    bool write = false;
    bool execute = false;
};

// Interrupts off, so that nobody is told that this processor has forgotten a translation before it has used it. Null: a
// page fault. Stops the run when what the processor remembers leads to memory that is not the program's any more.
void* translate_for(u64 address, UserAccess access);

}  // namespace takt::machine
