// Fibres: host stacks that code of the simulated machine runs on, and the switch between them (fiber.S).
#pragma once

#include <kernel/base/types.hpp>

extern "C" void takt_sim_switch(void** save, void* load);

namespace takt::sim {

// A host stack with a guard page below it. Stacks of ended fibres are kept for the next ones.
class FiberStack {
public:
    static constexpr usize bytes = 256 * 1024;  // a failing test formats its message here

    FiberStack();
    ~FiberStack();
    FiberStack(const FiberStack&) = delete;
    FiberStack& operator=(const FiberStack&) = delete;

    // Lays out the first frame: a switch to the position returned calls function(argument), which never returns.
    void* prepare(void (*function)(void*), void* argument);

private:
    void* base_;
};

}  // namespace takt::sim
