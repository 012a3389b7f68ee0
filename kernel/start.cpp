#include <kernel/drivers/host_channel.hpp>
#include <kernel/drivers/memory_devices.hpp>
#include <kernel/fs/device_table.hpp>
#include <kernel/fs/initramfs.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <kernel/parameters.hpp>
#include <kernel/process/exec.hpp>
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

void start_threads(MayBlock& context, Kernel& kernel)
{
    must("reaper thread", kernel.scheduler.start_reaper(context));
    for (u32 index = 0; index < kernel.scheduler.cpu_count(); index++)
        must("threads of a CPU", kernel.scheduler.start_cpu_threads(context, kernel.scheduler.cpu(CpuId{index})));
}

void start_watchdog(Kernel& kernel)
{
    u64 limit_s = 0;
    if (!parse_number(parameter("watchdog"), limit_s) || limit_s == 0 || limit_s > 3600) return;
    kernel.watchdog.start(seconds(static_cast<i64>(limit_s)));
    log(LogLevel::info, "watchdog: {} s\n", limit_s);
}

void start_file_systems(MayBlock& context, Kernel& kernel)
{
    must("tmpfs", init_tmpfs(context));
    must("devtmpfs", init_devtmpfs(context));
    must("memory devices", init_memory_devices(context));
    must("host channels", hal::kernel().host_channels.init(context));
    must("pseudo-terminals", kernel.devpts.init(context));
    must("mqueue", kernel.ipc.message_queues.init(context));
}

}  // namespace

void start_kernel(MayBlock& context)
{
    Kernel& kernel = hal::kernel();
    kernel.log.configure();
    start_threads(context, kernel);
    log(LogLevel::info, "takt: {} CPUs, {} kB of memory\n", kernel.scheduler.cpu_count(), kernel.frames.total() * 4);
    log(LogLevel::info, "Command line: {}\n", std::string_view(hal::boot_info().command_line));
    start_watchdog(kernel);
    kernel.call_log.init();
    kernel.wall_clock.init();
    kernel.vdso.init(context);
    kernel.random.init(context);
    kernel.futexes.init(context, kernel.scheduler.cpu_count());
    start_file_systems(context, kernel);
    must("terminals", kernel.terminals.init(context));
    must("procfs", init_procfs(context));
    must("sysfs", init_sysfs(context));
    must("initramfs", unpack_initramfs(context));
    kernel.frames.release_initramfs(context);
    kernel.proc.cpu_times.begin(context);
    start_first_process(context);
}

}  // namespace takt
