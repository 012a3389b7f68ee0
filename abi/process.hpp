// Processes as programs see them: clone(2), waitid(2), prctl(2), capabilities, uname(2), sysinfo(2), getauxval(3).
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

// flags of clone(2).
namespace clone_flag {
inline constexpr u64 exit_signal_mask = 0xff, new_time = 0x80, vm = 0x100, fs = 0x200, files = 0x400,
                     signal_handlers = 0x800, pidfd = 0x1000, ptrace = 0x2000, vfork = 0x4000, parent = 0x8000,
                     thread = 0x10000, new_mounts = 0x20000, system_v_semaphores = 0x40000, set_tls = 0x80000,
                     parent_set_tid = 0x100000, child_clear_tid = 0x200000, detached = 0x400000, untraced = 0x800000,
                     child_set_tid = 0x1000000, new_cgroup = 0x2000000, new_uts = 0x4000000, new_ipc = 0x8000000,
                     new_user = 0x10000000, new_pid = 0x20000000, new_net = 0x40000000, io = 0x80000000,
                     clear_signal_handlers = 0x100000000, into_cgroup = 0x200000000;
inline constexpr u64 new_anything =
    new_time | new_mounts | new_cgroup | new_uts | new_ipc | new_user | new_pid | new_net;
}  // namespace clone_flag

// struct clone_args of clone3(2).
struct CloneArguments {
    u64 flags;
    u64 pidfd;
    u64 child_tid;
    u64 parent_tid;
    u64 exit_signal;
    u64 stack;
    u64 stack_size;
    u64 tls;
    u64 set_tid;
    u64 set_tid_size;
    u64 cgroup;
};
inline constexpr usize clone_arguments_size_min = 64;
static_assert(sizeof(CloneArguments) == 88);

// idtype_t of waitid(2).
inline constexpr i32 id_all = 0, id_process = 1, id_group = 2, id_pidfd = 3;

// struct utsname.
struct UnixName {
    char system[65];
    char node[65];
    char release[65];
    char version[65];
    char machine[65];
    char domain[65];
};

// struct sysinfo.
struct SystemInfo {
    i64 uptime;
    u64 loads[3];
    u64 total_ram;
    u64 free_ram;
    u64 shared_ram;
    u64 buffer_ram;
    u64 total_swap;
    u64 free_swap;
    u16 processes;
    u16 pad;
    u32 pad2;
    u64 total_high;
    u64 free_high;
    u32 memory_unit;
    u32 pad3;
};
static_assert(sizeof(SystemInfo) == 112);

// capget(2), capset(2).
struct CapabilityHeader {
    u32 version;
    i32 id;
};
struct CapabilityData {
    u32 effective;
    u32 permitted;
    u32 inheritable;
};
inline constexpr u32 capability_version_1 = 0x19980330, capability_version_2 = 0x20071026,
                     capability_version_3 = 0x20080522;

// struct tms, in units of 1/100 s.
struct Tms {
    i64 user;
    i64 system;
    i64 children_user;
    i64 children_system;
};

// prctl(2).
namespace process_option {
inline constexpr i32 set_parent_death_signal = 1, get_parent_death_signal = 2, get_dumpable = 3, set_dumpable = 4,
                     get_keep_capabilities = 7, set_keep_capabilities = 8, get_timing = 13, set_timing = 14,
                     set_name = 15, get_name = 16, get_securebits = 27, capability_bounding_read = 23,
                     capability_bounding_drop = 24, set_timer_slack = 29, get_timer_slack = 30,
                     set_child_subreaper = 36, get_child_subreaper = 37, set_no_new_privileges = 38,
                     get_no_new_privileges = 39, get_tid_address = 40, capability_ambient = 47;
}
inline constexpr i32 ambient_is_set = 1, ambient_raise = 2, ambient_lower = 3, ambient_clear_all = 4;

// arch_prctl(2).
inline constexpr i32 arch_set_gs = 0x1001, arch_set_fs = 0x1002, arch_get_fs = 0x1003, arch_get_gs = 0x1004;

// Auxiliary vector (getauxval(3)).
enum class Auxiliary : u64 {
    null = 0,
    program_headers = 3,
    program_header_size = 4,
    program_header_count = 5,
    page_size = 6,
    base = 7,
    flags = 8,
    entry = 9,
    user = 11,
    effective_user = 12,
    group = 13,
    effective_group = 14,
    platform = 15,
    hardware_capabilities = 16,
    clock_ticks = 17,
    secure = 23,
    random = 25,
    hardware_capabilities_2 = 26,
    rseq_feature_size = 27,
    rseq_alignment = 28,
    executable = 31,
    vdso = 33,
    signal_frame_size_min = 51
};

}  // namespace takt::abi
