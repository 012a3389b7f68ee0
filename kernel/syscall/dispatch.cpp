// From the entry code to a handler: one table, made from abi/system_calls.def.
#include <kernel/hal/user_frame.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/syscall/call_log.hpp>
#include <kernel/syscall/table.hpp>
#include <kernel/trace/log.hpp>

namespace takt {
namespace {

using Invoker = Result<i64> (*)(MayBlock&, const hal::UserFrame&);

// Narrows a register to the parameter's type, as Linux does.
template <typename T>
T argument(u64 word)
{
    if constexpr (std::is_integral_v<T>)
        return static_cast<T>(word);
    else if constexpr (requires { T{}.value; })
        return T(static_cast<decltype(T{}.value)>(word));
    else
        return T(word);
}

template <auto handler, typename Function, typename Indices>
struct Adapter;

template <auto handler, typename... Parameters, usize... indices>
struct Adapter<handler, Result<i64> (*)(MayBlock&, Parameters...), std::index_sequence<indices...>> {
    static Result<i64> invoke(MayBlock& context, [[maybe_unused]] const hal::UserFrame& frame)
    {
        return handler(context, argument<Parameters>(hal::system_call_argument(frame, indices))...);
    }
};

template <typename... Parameters>
constexpr usize parameter_count(Result<i64> (*)(MayBlock&, Parameters...))
{
    return sizeof...(Parameters);
}

template <auto handler>
constexpr Invoker invoker =
    &Adapter<handler, decltype(handler), std::make_index_sequence<parameter_count(handler)>>::invoke;

struct Entry {
    Invoker invoke = nullptr;
    const char* name = nullptr;
};

constexpr usize entry_count = 512;

struct Table {
    Entry entries[entry_count];
};

constexpr Table make_table()
{
    Table table{};
#define SYSTEM_CALL(number, call_name, parameters, test, notes)                                                        \
    table.entries[number] = {invoker<&system_call::call_name>, #call_name};
#define SYSTEM_CALL_MISSING(number, call_name) table.entries[number] = {nullptr, #call_name};
#include <abi/system_calls.def>
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING
    return table;
}

constexpr Table table = make_table();

// A call that is not there: ENOSYS, and one line in the log for each number.
i64 missing(u64 number)
{
    const char* name = number < entry_count && table.entries[number].name ? table.entries[number].name : "?";
    if (number >= entry_count || hal::kernel().call_log.first_miss(number))
        log(LogLevel::info, "system call {} ({}) is not there: ENOSYS\n", number, name);
    return -static_cast<i64>(Errno::enosys);
}

i64 invoke(MayBlock& context, u64 number, const hal::UserFrame& frame)
{
    if (number >= entry_count || !table.entries[number].invoke) [[unlikely]]
        return missing(number);
    Result<i64> result = table.entries[number].invoke(context, frame);
    return result.ok() ? result.value() : -static_cast<i64>(result.error());
}

i64 invoke_logged(MayBlock& context, Task& task, u64 number, hal::UserFrame& frame)
{
    if (task.has_work(Work::trace_syscall)) {
        hal::set_return_value(frame, -static_cast<i64>(Errno::enosys));
        if (!ptrace_on_system_call_entry(context, task)) {
            // Skipped, but its end is a stop all the same.
            if (task.has_work(Work::trace_syscall)) ptrace_on_system_call_exit(context, task);
            return static_cast<i64>(frame.rax);
        }
        number = hal::system_call_number(frame);
    }
    CallLog& call_log = hal::kernel().call_log;
    if (call_log.enabled()) call_log.enter(task, number, frame);
    i64 result = invoke(context, number, frame);
    if (call_log.enabled()) call_log.leave(task, number, frame, result);
    if (task.has_work(Work::trace_syscall)) {
        hal::set_return_value(frame, result);
        ptrace_on_system_call_exit(context, task);
        result = static_cast<i64>(frame.rax);
    }
    return result;
}

// Calls with something to see to besides: ptrace, the call log, timing.
[[gnu::noinline]] i64 invoke_watched(MayBlock& context, Task& task, u64 number, hal::UserFrame& frame)
{
    const bool every_call = hal::kernel().call_log.enabled() || task.has_work(Work::trace_syscall);
    task.kernel_time.begin(task, every_call ? 1 : KernelTime::entries_per_sample);
    const i64 result = every_call ? invoke_logged(context, task, number, frame) : invoke(context, number, frame);
    task.kernel_time.end(task);
    return result;
}

}  // namespace

const char* system_call_name(u64 number) { return number < entry_count ? table.entries[number].name : nullptr; }

extern "C" i64 takt_system_call(hal::UserFrame* frame)
{
    Task& task = static_cast<Task&>(hal::current_thread());
    MayBlock context = ContextMint::may_block(task);
    u64 number = hal::system_call_number(*frame);
    i64 result;
    if (task.kernel_time.is_sample() || hal::kernel().call_log.enabled() || task.has_work(Work::trace_syscall))
        [[unlikely]]
        result = invoke_watched(context, task, number, *frame);
    else
        result = invoke(context, number, *frame);
    hal::set_return_value(*frame, result);
    return result;
}

}  // namespace takt
