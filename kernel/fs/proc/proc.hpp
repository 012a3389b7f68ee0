// procfs: the file system mounted at /proc (proc(5)). One instance.
#pragma once

#include <kernel/fs/proc/process_files.hpp>
#include <kernel/fs/proc/system_files.hpp>

namespace takt {

// What /proc keeps of its own. Member of Kernel.
struct ProcState {
    Ref<PseudoFileSystem> file_system;
    CpuTimeTable cpu_times;
    LoadAverage load;
    u8 boot_id[16] = {};  // /proc/sys/kernel/random/boot_id
    // The one position of /proc/kmsg and syslog(2)'s SYSLOG_ACTION_READ.
    Lock<Rank::log> log_lock;
    u64 log_position GUARDED_BY(log_lock) = 0;
};

// Builds the tree and registers the type "proc". After the file systems' init. Errors: enomem.
Result<void> init_procfs(MayBlock& context);

// Reads on in the log, where /proc/kmsg or syslog(2) stopped; waits for at least one byte. Errors: eagain, erestartsys,
// efault.
Result<usize> read_log_stream(MayBlock& context, IoBuffer& into, bool nonblocking);
u64 log_stream_bytes(MayLock& context);

}  // namespace takt
