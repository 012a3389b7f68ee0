// hal/context.hpp on the simulated machine.
#pragma once

namespace takt {
class Thread;
}

namespace takt::sim {
class FiberStack;
}

namespace takt::machine {

struct ThreadContext {
    void* stack_pointer = nullptr;     // where the thread goes on
    sim::FiberStack* stack = nullptr;  // its own
    void (*entry)(Thread&) = nullptr;
};

}  // namespace takt::machine
