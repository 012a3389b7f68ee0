#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/start.hpp>
#include <kernel/trace/log.hpp>

namespace takt {
namespace {

void must(const char* what, Result<void> result)
{
    if (result.ok()) return;
    log(LogLevel::emergency, "start: {}: error {}\n", what, static_cast<i32>(result.error()));
    PANIC("the kernel could not start");
}

}  // namespace

void start_kernel(MayBlock& context)
{
    Kernel& kernel = hal::kernel();
    must("reaper thread", kernel.scheduler.start_reaper(context));
    for (u32 index = 0; index < kernel.scheduler.cpu_count(); index++)
        must("CPU threads", kernel.scheduler.start_cpu_threads(context, kernel.scheduler.cpu(CpuId{index})));
    log(LogLevel::info, "takt: {} CPUs, {} kB of memory\n", kernel.scheduler.cpu_count(), kernel.frames.total() * 4);
    for (int round = 0; round < 5; round++) {
        Instant until = hal::now() + milliseconds(1);
        kernel.scheduler.park(context, WaitMode::uninterruptible, until);
        log(LogLevel::info, "late by {} ns\n", (hal::now() - until).ns);
    }
}

}  // namespace takt
