// hal/context.hpp on the simulated machine.
#pragma once

namespace takt {
class AddressSpace;
class Thread;
}  // namespace takt

namespace takt::sim {
class FiberStack;
}

namespace takt::machine {

struct UserState;  // arch/sim/user_mode.hpp

struct ThreadContext {
    void* stack_pointer = nullptr;     // where the thread goes on
    sim::FiberStack* stack = nullptr;  // its own
    void (*entry)(Thread&) = nullptr;
    AddressSpace* space = nullptr;  // null for kernel threads, which run in whatever space is loaded
    UserState* user = nullptr;      // null for kernel threads
};

}  // namespace takt::machine
