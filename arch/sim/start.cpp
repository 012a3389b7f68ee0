#include <arch/sim/start.hpp>
#include <kernel/kernel.hpp>
#include <kernel/start.hpp>
#include <new>

namespace takt::machine {

Kernel& make_kernel(void* storage) { return *new (storage) Kernel; }

void start_whole_kernel(MayBlock& context)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    Result<Thread*> first = scheduler.create_kernel_thread(
        context, "start", level_fair, [](MayBlock& started, void*) { start_kernel(started); }, nullptr);
    if (!first.ok()) PANIC("no memory for the first thread");
    scheduler.start(*first.value());
}

}  // namespace takt::machine
