// For whoever makes threads outside of the simulated kernel: what hal::create_context and destroy_context do.
#pragma once

namespace takt {
class Thread;
}

namespace takt::machine {

void make_fiber(Thread& thread, void (*entry)(Thread&));
void free_fiber(Thread& thread);

}  // namespace takt::machine
