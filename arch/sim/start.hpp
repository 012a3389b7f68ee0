// Start-up of the simulated machine's kernel. start.cpp is compiled as the kernel is: what it makes is the kernel's
// own.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

class Kernel;
class MayBlock;

namespace machine {

Kernel& make_kernel(void* storage);
// Has a thread do start_kernel(): everything, and the first process. On the boot CPU's idle thread, memory being there.
void start_whole_kernel(MayBlock& context);

}  // namespace machine
}  // namespace takt
