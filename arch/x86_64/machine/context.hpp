// hal/context.hpp on a PC.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {
class AddressSpace;
}

namespace takt::machine {

struct ThreadContext {
    u64 stack_pointer = 0;          // saved kernel rsp: callee-saved registers and a return address are on it
    u64 stack_top = 0;              // end of the kernel stack; the user frame is just below
    AddressSpace* space = nullptr;  // null for kernel threads, which run in whatever space is loaded
    u64 thread_base = 0;            // user FS base
    u64 user_gs_base = 0;
    void* vector_state = nullptr;  // XSAVE area, null for kernel threads
    u32 user_state_cpu = ~0u;      // the CPU whose registers last held bases and vector state
};

}  // namespace takt::machine
