// /proc/PID/{comm,limits,personality,oom_score,oom_score_adj,oom_adj,timerslack_ns,wchan,mounts,mountinfo}
#include <algorithm>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>

namespace takt {

namespace {

bool parse_signed(std::string_view text, i64& number)
{
    text = trim_newline(text);
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    u64 magnitude = 0;
    if (!parse_number(text, magnitude) || magnitude > INT32_MAX) return false;
    number = negative ? -static_cast<i64>(magnitude) : static_cast<i64>(magnitude);
    return true;
}

constexpr i64 oom_adjust_max = 1000;
constexpr u64 timer_slack_default_ns = 50'000;

}  // namespace

// --- Name

Result<void> show_process_name(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    format(text, "{}\n", subject.thread().name);
    return {};
}

// Threads of one process name each other.
Result<void> set_process_name(MayBlock& context, std::string_view text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    if (!context.thread().user || subject.process.get() != &current_process(context)) return Errno::einval;
    char name[sizeof subject.task->name] = {};
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::copy_n(text.data(), std::min(text.size(), sizeof name - 1), name);
    subject.task->set_name(name);
    return {};
}

// --- Limits

Result<void> show_process_limits(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    struct Row {
        const char* name;
        const char* unit;
    };
    static constexpr Row rows[resource_count] = {
        {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
        {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
        {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"}, {"Max nice priority", nullptr},  {"Max realtime priority", nullptr},
        {"Max realtime timeout", "us"}};
    TRY(subject.check_exists(context));
    Limits limits{};
    if (subject.process) {
        LockGuard guard(subject.process->lock(), context);
        limits = subject.process->limits;
    }
    format(text, "{-25} {-20} {-20} {-10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (usize index = 0; index < resource_count; index++) {
        format(text, "{-25} ", rows[index].name);
        for (const u64 value : {limits.values[index].current, limits.values[index].maximum}) {
            if (value == abi::rlimit_infinity)
                format(text, "{-20} ", "unlimited");
            else
                format(text, "{-20} ", value);
        }
        if (rows[index].unit) format(text, "{-10}", rows[index].unit);
        text.append('\n');
    }
    return {};
}

Result<void> show_process_personality(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    TRY(check_may_inspect(context, subject));
    format(text, "{08x}\n", subject.process ? subject.process->personality : 0);
    return {};
}

// --- Out of memory

Result<void> show_oom_score(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    const i64 total = std::max<i64>(static_cast<i64>(hal::kernel().frames.total()), 1);
    i64 points = 0;
    if (const Ref<AddressSpace> space = address_space_of(context, subject)) {
        const i64 adjust = subject.process->out_of_memory_adjust;
        const MemoryUse use = space->use(context);
        points = static_cast<i64>(use.resident_pages + use.page_table_pages) + adjust * total / oom_adjust_max;
        if (adjust == -oom_adjust_max) points = -total;
    }
    format(text, "{}\n", std::max<i64>((1000 + points * 1000 / total) * 2 / 3, 0));
    return {};
}

Result<void> show_oom_score_adjust(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    format(text, "{}\n", subject.process ? subject.process->out_of_memory_adjust : i16{0});
    return {};
}

namespace {

Result<void> set_adjust(MayBlock& context, const ProcSubject& subject, i64 adjust)
{
    TRY(subject.check_exists(context));
    if (!subject.process) return Errno::einval;
    if (adjust < subject.process->out_of_memory_adjust && context.thread().user &&
        !current_has(context, Capability::sys_resource))
        return Errno::eacces;
    subject.process->out_of_memory_adjust = static_cast<i16>(adjust);
    return {};
}

}  // namespace

Result<void> set_oom_score_adjust(MayBlock& context, std::string_view text, const ProcSubject& subject)
{
    i64 adjust = 0;
    if (!parse_signed(text, adjust) || adjust < -oom_adjust_max || adjust > oom_adjust_max) return Errno::einval;
    return set_adjust(context, subject, adjust);
}

// The older scale: -17 (never) .. 15.
Result<void> show_oom_adjust(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    const i64 adjust = subject.process ? subject.process->out_of_memory_adjust : 0;
    format(text, "{}\n", adjust == oom_adjust_max ? 15 : adjust * 17 / oom_adjust_max);
    return {};
}

Result<void> set_oom_adjust(MayBlock& context, std::string_view text, const ProcSubject& subject)
{
    i64 adjust = 0;
    if (!parse_signed(text, adjust) || adjust < -17 || adjust > 15) return Errno::einval;
    return set_adjust(context, subject, adjust == 15 ? oom_adjust_max : adjust * oom_adjust_max / 17);
}

// --- Timer slack

Result<void> show_timer_slack(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    format(text, "{}\n", subject.process ? subject.process->timer_slack_ns : timer_slack_default_ns);
    return {};
}

Result<void> set_timer_slack(MayBlock& context, std::string_view text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    u64 slack = 0;
    if (!parse_number(trim_newline(text), slack)) return Errno::einval;
    if (!subject.process) return Errno::esrch;
    if (subject.process.get() != &current_process(context) && !current_has(context, Capability::sys_nice))
        return Errno::eperm;
    subject.process->timer_slack_ns = slack == 0 ? timer_slack_default_ns : slack;
    return {};
}

// The kernel's symbols are not told: as for a program without the right to see them.
Result<void> show_wait_channel(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    text.append('0');
    return {};
}

// --- Mounts

namespace {

// Its root directory; the kernel's for a kernel thread. Errors: einval (a zombie).
Result<Path> root_of(MayBlock& context, const ProcSubject& subject)
{
    if (!subject.process) return hal::kernel().mounts.root(context);
    const Ref<FsContext> fs = subject.process->borrow_fs(context);
    if (!fs) return Errno::einval;
    return fs->root(context);
}

}  // namespace

Result<void> show_process_mounts(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    hal::kernel().mounts.show_mounts(context, TRY(root_of(context, subject)), text);
    return {};
}

Result<void> show_process_mount_info(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    hal::kernel().mounts.show_mount_info(context, TRY(root_of(context, subject)), text);
    return {};
}

}  // namespace takt
