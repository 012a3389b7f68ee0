// /proc/sys: what can be set, and the numbers that programs ask for (sysctl documentation; proc(5)).
//
// A number that cannot be changed is read-only here, where Linux would let it be written.
#include <algorithm>
#include <kernel/ipc/message_queues.hpp>
#include <kernel/ipc/pipe.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/parameters.hpp>

namespace takt {

namespace {

// --- Fixed answers

Result<void> show_number(MayBlock&, TextSink& text, u64 number)
{
    format(text, "{}\n", number);
    return {};
}

Result<void> show_text(MayBlock&, TextSink& text, u64 address)
{
    format(text, "{}\n", reinterpret_cast<const char*>(address));
    return {};
}

u64 text_argument(const char* text) { return reinterpret_cast<u64>(text); }

// --- kernel

Result<void> show_name(MayBlock& context, TextSink& text, u64 which)
{
    hal::kernel().identity.get(context, static_cast<Identity::Name>(which), text);
    text.append('\n');
    return {};
}

Result<void> set_name(MayBlock& context, std::string_view text, u64 which)
{
    if (text.ends_with('\n')) text.remove_suffix(1);
    text = text.substr(0, text.find('\n'));
    return hal::kernel().identity.set(context, static_cast<Identity::Name>(which),
                                      text.substr(0, Identity::name_length_max));
}

Result<void> show_printk(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\t4\t1\t{}\n", hal::kernel().log.console_level(), KernelLog::console_level_default);
    return {};
}

// The first number is the console's level; the others are fixed and may only be written as they are.
Result<void> set_printk(MayBlock&, std::string_view text, u64)
{
    text = trim_newline(text);
    const std::string_view first = text.substr(0, text.find_first_of(" \t"));
    u64 level = 0;
    if (!parse_number(first, level) || level > 15) return Errno::einval;
    std::string_view rest = trim_newline(text.substr(first.size()));
    TextBuffer<16> fixed;
    format(fixed, "4\t1\t{}", KernelLog::console_level_default);
    if (!rest.empty() && rest != fixed.view()) return Errno::einval;
    hal::kernel().log.set_console_level(static_cast<int>(level));
    return {};
}

// Realtime threads are never throttled.
Result<void> show_realtime_runtime(MayBlock&, TextSink& text, u64)
{
    text.append("-1\n");
    return {};
}

Result<void> set_realtime_runtime(MayBlock&, std::string_view text, u64)
{
    return trim_newline(text) == "-1" ? Result<void>() : Errno::einval;
}

Result<void> show_threads_max(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\n", hal::kernel().processes.threads_max);
    return {};
}

Result<void> show_round_robin_slice(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\n", hal::kernel().scheduler.round_robin_slice().ns / ns_per_ms);
    return {};
}

Result<void> show_panic(MayBlock&, TextSink& text, u64)
{
    const std::string_view value = parameter("panic");
    format(text, "{}\n", value.empty() ? std::string_view("0") : value);
    return {};
}

// --- kernel/random

void append_uuid(TextSink& text, const u8 (&bytes)[16])
{
    for (usize index = 0; index < sizeof bytes; index++) {
        if (index == 4 || index == 6 || index == 8 || index == 10) text.append('-');
        format(text, "{02x}", bytes[index]);
    }
    text.append('\n');
}

// RFC 9562, version 4.
void make_uuid(MayLock& context, u8 (&bytes)[16])
{
    hal::kernel().random.fill(context, bytes);
    bytes[6] = static_cast<u8>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<u8>((bytes[8] & 0x3f) | 0x80);
}

Result<void> show_uuid(MayBlock& context, TextSink& text, u64)
{
    u8 bytes[16];
    make_uuid(context, bytes);
    append_uuid(text, bytes);
    return {};
}

Result<void> show_boot_id(MayBlock&, TextSink& text, u64)
{
    append_uuid(text, hal::kernel().proc.boot_id);
    return {};
}

// --- vm

// There is no cache to drop: all files are in memory only.
Result<void> drop_caches(MayBlock&, std::string_view text, u64)
{
    u64 what = 0;
    return parse_number(trim_newline(text), what) && what >= 1 && what <= 4 ? Result<void>() : Errno::einval;
}

// --- The tree

struct Setting {
    std::string_view name;
    u32 permissions;
    GenerateText show;
    WriteText set;
    u64 argument;
};

Result<void> add_all(MayBlock& context, PseudoTree& directory, std::span<const Setting> settings)
{
    for (const Setting& setting : settings)
        TRY(directory.add_file(context, setting.name, setting.permissions, setting.show, setting.set,
                               setting.argument));
    return {};
}

Result<void> add_kernel_settings(MayBlock& context, PseudoTree& root)
{
    const Setting settings[] = {
        {"ostype", 0444, show_text, nullptr, text_argument(Identity::system.data())},
        {"osrelease", 0444, show_text, nullptr, text_argument(Identity::release.data())},
        {"version", 0444, show_text, nullptr, text_argument(Identity::version.data())},
        {"hostname", 0644, show_name, set_name, static_cast<u64>(Identity::Name::host)},
        {"domainname", 0644, show_name, set_name, static_cast<u64>(Identity::Name::domain)},
        {"pid_max", 0444, show_number, nullptr, static_cast<u64>(pid_max)},
        {"threads-max", 0444, show_threads_max, nullptr, 0},
        {"printk", 0644, show_printk, set_printk, 0},
        {"sched_rt_runtime_us", 0644, show_realtime_runtime, set_realtime_runtime, 0},
        {"sched_rt_period_us", 0444, show_number, nullptr, 1'000'000},
        {"sched_rr_timeslice_ms", 0444, show_round_robin_slice, nullptr, 0},
        {"sched_child_runs_first", 0444, show_number, nullptr, 0},
        {"ngroups_max", 0444, show_number, nullptr, group_count_max},
        {"cap_last_cap", 0444, show_number, nullptr, static_cast<u64>(std::bit_width(all_capabilities) - 1)},
        {"overflowuid", 0444, show_number, nullptr, 65534},
        {"overflowgid", 0444, show_number, nullptr, 65534},
        {"randomize_va_space", 0444, show_number, nullptr, 0},
        {"core_pattern", 0444, show_text, nullptr, text_argument("")},  // no core files are written
        {"core_uses_pid", 0444, show_number, nullptr, 0},
        {"panic", 0444, show_panic, nullptr, 0},
        {"tainted", 0444, show_number, nullptr, 0},
        {"sem", 0444, show_text, nullptr, text_argument("32000\t1024000000\t500\t32000")},
        {"shmmax", 0444, show_number, nullptr, 18446744073692774399ull},
        {"shmall", 0444, show_number, nullptr, 18446744073692774399ull},
        {"shmmni", 0444, show_number, nullptr, 4096},
        {"msgmax", 0444, show_number, nullptr, SysvQueue::message_bytes_max},
        {"msgmnb", 0444, show_number, nullptr, SysvQueue::queue_bytes_max},
        {"msgmni", 0444, show_number, nullptr, SysvQueue::queues_max},
    };
    const Setting random[] = {
        {"uuid", 0444, show_uuid, nullptr, 0},
        {"boot_id", 0444, show_boot_id, nullptr, 0},
        {"entropy_avail", 0444, show_number, nullptr, 256},
        {"poolsize", 0444, show_number, nullptr, 256},
    };
    PseudoTree directory = TRY(root.add_directory(context, "kernel"));
    TRY(add_all(context, directory, settings));
    PseudoTree random_directory = TRY(directory.add_directory(context, "random"));
    return add_all(context, random_directory, random);
}

Result<void> add_memory_settings(MayBlock& context, PseudoTree& root)
{
    const Setting settings[] = {
        {"overcommit_memory", 0444, show_number, nullptr, 0},
        {"overcommit_ratio", 0444, show_number, nullptr, 50},
        {"max_map_count", 0444, show_number, nullptr, area_count_max},
        {"mmap_min_addr", 0444, show_number, nullptr, user_address_min},
        {"nr_hugepages", 0444, show_number, nullptr, 0},
        {"panic_on_oom", 0444, show_number, nullptr, 0},
        {"drop_caches", 0200, nullptr, drop_caches, 0},
    };
    PseudoTree directory = TRY(root.add_directory(context, "vm"));
    return add_all(context, directory, settings);
}

Result<void> add_file_settings(MayBlock& context, PseudoTree& root)
{
    const Setting settings[] = {
        {"file-max", 0444, show_number, nullptr, INT64_MAX},
        {"nr_open", 0444, show_number, nullptr, 1 << 20},
        {"pipe-max-size", 0444, show_number, nullptr, Pipe::capacity_max_unprivileged},
        {"suid_dumpable", 0444, show_number, nullptr, 0},
        {"overflowuid", 0444, show_number, nullptr, 65534},
        {"overflowgid", 0444, show_number, nullptr, 65534},
    };
    const Setting queues[] = {
        {"queues_max", 0444, show_number, nullptr, MessageQueues::queues_max},
        {"msg_max", 0444, show_number, nullptr, MessageQueues::messages_max},
        {"msg_default", 0444, show_number, nullptr, MessageQueues::messages_max},
        {"msgsize_max", 0444, show_number, nullptr, MessageQueues::message_bytes_max},
        {"msgsize_default", 0444, show_number, nullptr, MessageQueues::message_bytes_max},
    };
    PseudoTree directory = TRY(root.add_directory(context, "fs"));
    TRY(add_all(context, directory, settings));
    PseudoTree queue_directory = TRY(directory.add_directory(context, "mqueue"));
    return add_all(context, queue_directory, queues);
}

}  // namespace

Result<void> add_settings(MayBlock& context, PseudoTree& root)
{
    make_uuid(context, hal::kernel().proc.boot_id);
    PseudoTree settings = TRY(root.add_directory(context, "sys"));
    TRY(add_kernel_settings(context, settings));
    TRY(add_memory_settings(context, settings));
    return add_file_settings(context, settings);
}

}  // namespace takt
