// The system as a whole (uname, sysinfo, reboot), and what a process says about itself (prctl, personality, unshare).
#include <abi/process.hpp>
#include <kernel/hal/console.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process_options.hpp>
#include <kernel/syscall/table.hpp>
#include <kernel/trace/log.hpp>

namespace takt::system_call {

namespace {

void fill_name(char (&field)[65], std::string_view text)
{
    text = text.substr(0, sizeof field - 1);
    __builtin_memcpy(field, text.data(), text.size());
}

Result<i64> set_name(MayBlock& context, Identity::Name which, UserBuffer name, i32 length)
{
    if (!current_has(context, Capability::sys_admin)) return Errno::eperm;
    if (length < 0 || static_cast<usize>(length) > Identity::name_length_max) return Errno::einval;
    char text[Identity::name_length_max];
    TRY(copy_from_user(context, text, name, static_cast<usize>(length)));
    TRY(hal::kernel().identity.set(context, which, {text, static_cast<usize>(length)}));
    return i64{0};
}

// reboot(2).
constexpr u32 reboot_magic = 0xfee1dead;
constexpr u32 reboot_magics[] = {672274793, 85072278, 369367448, 537993216};
constexpr u32 reboot_restart = 0x01234567, reboot_halt = 0xcdef0123, reboot_power_off = 0x4321fedc,
              reboot_restart_2 = 0xa1b2c3d4, reboot_keys_on = 0x89abcdef, reboot_keys_off = 0;

}  // namespace

Result<i64> uname(MayBlock& context, UserPointer<abi::UnixName> result)
{
    abi::UnixName name{};
    TextBuffer<64> host, domain;
    hal::kernel().identity.get(context, Identity::Name::host, host);
    hal::kernel().identity.get(context, Identity::Name::domain, domain);
    fill_name(name.system, Identity::system);
    fill_name(name.node, host.view());
    fill_name(name.release, Identity::release);
    fill_name(name.version, Identity::version);
    fill_name(name.machine, hal::platform_name);
    fill_name(name.domain, domain.view());
    TRY(result.store(context, name));
    return i64{0};
}

Result<i64> sethostname(MayBlock& context, UserBuffer name, i32 length)
{
    return set_name(context, Identity::Name::host, name, length);
}

Result<i64> setdomainname(MayBlock& context, UserBuffer name, i32 length)
{
    return set_name(context, Identity::Name::domain, name, length);
}

Result<i64> sysinfo(MayBlock& context, UserPointer<abi::SystemInfo> result)
{
    MemoryTotals totals = hal::kernel().frames.totals();
    abi::SystemInfo info{};
    info.uptime = (hal::now().ns + ns_per_s - 1) / ns_per_s;
    info.total_ram = totals.total * page_size;
    info.free_ram = totals.free * page_size;
    info.shared_ram = totals.of(FrameUse::object) * page_size;
    info.processes = static_cast<u16>(hal::kernel().processes.thread_count());
    info.memory_unit = 1;
    TRY(result.store(context, info));
    return i64{0};
}

Result<i64> reboot(MayBlock& context, u32 magic, u32 magic2, u32 command, UserBuffer argument)
{
    if (!current_has(context, Capability::sys_boot)) return Errno::eperm;
    bool known = false;
    for (u32 value : reboot_magics) known = known || value == magic2;
    if (magic != reboot_magic || !known) return Errno::einval;
    switch (command) {
    case reboot_restart:
        log(LogLevel::emergency, "reboot: Restarting system\n");
        hal::kernel().terminals.finish_log(context);
        hal::restart();
    case reboot_restart_2: {
        char text[256];
        Result<usize> length = copy_string_from_user(context, text, argument, sizeof text - 1);
        if (!length.ok() && length.error() != Errno::enametoolong) return Errno::efault;
        log(LogLevel::emergency, "reboot: Restarting system with command '{}'\n",
            std::string_view(text, length.ok() ? length.value() : sizeof text - 1));
        hal::restart();
    }
    case reboot_power_off:
        log(LogLevel::emergency, "reboot: Power down\n");
        hal::kernel().terminals.finish_log(context);
        hal::power_off();
    case reboot_halt:
        log(LogLevel::emergency, "reboot: System halted\n");
        hal::kernel().terminals.finish_log(context);
        hal::halt_forever();
    case reboot_keys_on:
    case reboot_keys_off:
        // Ctrl-Alt-Del: there is no keyboard that could send it.
        return i64{0};
    default:
        return Errno::einval;
    }
}

Result<i64> prctl(MayBlock& context, i32 option, u64 first, u64 second, u64 third, u64 fourth)
{
    return process_option(context, option, first, second, third, fourth);
}

Result<i64> personality(MayBlock& context, u32 wanted)
{
    // Linux's own personality; addresses are never randomised, so asking for that changes nothing.
    constexpr u32 query = ~0u, no_randomize = 0x0040000;
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    u32 before = process.personality;
    if (wanted == query) return i64{before};
    if (wanted & ~no_randomize) return Errno::einval;
    process.personality = wanted;
    return i64{before};
}

Result<i64> unshare(MayBlock& context, u64 flags)
{
    TRY(unshare_process(context, flags));
    return i64{0};
}

Result<i64> ioprio_get(MayBlock& context, i32 which, i32 who) { return io_priority(context, which, who); }

Result<i64> ioprio_set(MayBlock& context, i32 which, i32 who, i32 priority)
{
    TRY(set_io_priority(context, which, who, priority));
    return i64{0};
}

}  // namespace takt::system_call
