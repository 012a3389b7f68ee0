// The contents of the files of /proc/PID and /proc/PID/task/TID, one function each (proc(5)). Errors: esrch when the
// process is gone, eacces.
#pragma once

#include <kernel/fs/proc/process_subject.hpp>
#include <kernel/fs/pseudo.hpp>

namespace takt {

// process_stat.cpp
Result<void> show_process_stat(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_statm(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_schedstat(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_sched(MayBlock& context, TextSink& text, const ProcSubject& subject);

// process_status.cpp
Result<void> show_process_status(MayBlock& context, TextSink& text, const ProcSubject& subject);

// process_memory.cpp
Result<void> show_process_command_line(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_environment(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_auxiliary_vector(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_maps(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_smaps_rollup(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<Ref<Inode>> make_process_memory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                       u64 number);

// process_settings.cpp
Result<void> show_process_name(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> set_process_name(MayBlock& context, std::string_view text, const ProcSubject& subject);
Result<void> show_process_limits(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_personality(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_oom_score(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_oom_score_adjust(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> set_oom_score_adjust(MayBlock& context, std::string_view text, const ProcSubject& subject);
Result<void> show_oom_adjust(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> set_oom_adjust(MayBlock& context, std::string_view text, const ProcSubject& subject);
Result<void> show_timer_slack(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> set_timer_slack(MayBlock& context, std::string_view text, const ProcSubject& subject);
Result<void> show_wait_channel(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_mounts(MayBlock& context, TextSink& text, const ProcSubject& subject);
Result<void> show_process_mount_info(MayBlock& context, TextSink& text, const ProcSubject& subject);

// process_links.cpp
Result<Ref<Inode>> make_executable_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                        u64 number);
Result<Ref<Inode>> make_working_directory_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                               u64 number);
Result<Ref<Inode>> make_root_link(MayBlock& context, FileSystem& file_system, const ProcSubject& subject, u64 number);
Result<Ref<Inode>> make_descriptor_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                             u64 number);
Result<Ref<Inode>> make_descriptor_info_directory(MayBlock& context, FileSystem& file_system,
                                                  const ProcSubject& subject, u64 number);

// process_directory.cpp
Result<Ref<Inode>> make_process_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject);
Result<Ref<Inode>> make_task_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                       u64 number);

// A whole decimal number; false for anything else.
bool parse_process_id(std::string_view name, ThreadId& id);

// Linux counts times for programs in ticks of 1/100 s (sysconf(_SC_CLK_TCK)).
constexpr u64 ticks_of(u64 ns) { return ns / (ns_per_s / 100); }

}  // namespace takt
