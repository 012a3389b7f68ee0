// clone, exec, exit, wait and what belongs to them.
#include <abi/file.hpp>
#include <abi/process.hpp>
#include <kernel/fs/path_lookup.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/clone.hpp>
#include <kernel/process/exec.hpp>
#include <kernel/process/pidfd.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/process/wait.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

namespace flag = abi::clone_flag;

Result<i64> finish_clone(MayBlock& context, const CloneRequest& request)
{
    return i64{TRY(clone_current(context, request)).value};
}

// Of clone3(2): the checks that don't depend on what the flags mean.
Result<void> check_arguments(const abi::CloneArguments& arguments)
{
    constexpr u64 known = (flag::into_cgroup << 1) - 1;
    if (arguments.flags & ~known || arguments.flags & (flag::detached | (flag::exit_signal_mask & ~flag::new_time)))
        return Errno::einval;
    if ((arguments.flags & (flag::thread | flag::parent)) && arguments.exit_signal) return Errno::einval;
    if (arguments.exit_signal > signal_count) return Errno::einval;
    if ((arguments.stack == 0) != (arguments.stack_size == 0)) return Errno::einval;
    if (arguments.stack >= user_address_end || arguments.stack_size > user_address_end - arguments.stack)
        return Errno::einval;
    // Choosing ids (set_tid) is not there.
    if (arguments.set_tid || arguments.set_tid_size) return Errno::einval;
    return {};
}

Result<abi::CloneArguments> load_arguments(MayBlock& context, UserBuffer address, usize size)
{
    if (size > page_size) return Errno::e2big;
    if (size < abi::clone_arguments_size_min) return Errno::einval;
    abi::CloneArguments arguments{};
    TRY(copy_from_user(context, &arguments, address, std::min(size, sizeof arguments)));
    // What a newer program knows and we don't must be zero.
    for (usize at = sizeof arguments; at < size; at++) {  // bound: a page
        u8 byte = TRY(UserPointer<u8>(address.value + at).load(context));
        if (byte) return Errno::e2big;
    }
    return arguments;
}

Result<i64> execute_user(MayBlock& context, i32 directory, UserString path, UserBuffer arguments,
                         UserBuffer environment, u32 flags)
{
    UserPath name;
    TRY(name.load(context, path.address));
    ExecRequest request;
    request.directory = directory;
    request.path = name.view();
    request.flags = flags;
    request.arguments.user_array = arguments;
    request.environment.user_array = environment;
    TRY(execute(context, request));
    return i64{0};
}

constexpr u32 wait_modifiers = wait_option::no_thread | wait_option::clone | wait_option::all;

Result<WaitRequest> decode_waitid(MayBlock& context, i32 type, i32 id, u32 options)
{
    constexpr u32 states = wait_option::exited | wait_option::stopped | wait_option::continued;
    if (options & ~(states | wait_modifiers | wait_option::no_hang | wait_option::no_wait)) return Errno::einval;
    if (!(options & states)) return Errno::einval;
    WaitRequest request{WaitFor::any, ThreadId{id}, options};
    switch (type) {
    case abi::id_all:
        return request;
    case abi::id_process:
        if (id <= 0) return Errno::einval;
        request.kind = WaitFor::process;
        return request;
    case abi::id_group: {
        if (id < 0) return Errno::einval;
        request.kind = WaitFor::group;
        ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
        if (id == 0) request.id = current_process(context).group;
        return request;
    }
    case abi::id_pidfd: {
        if (id < 0) return Errno::einval;
        Ref<File> file = TRY(descriptor_file(context, Fd(id)));
        if (!file->as_process()) return Errno::ebadf;
        request.kind = WaitFor::process;
        request.id = file->as_process()->pid;
        if (file->nonblocking()) request.options |= wait_option::no_hang;
        return request;
    }
    default:
        return Errno::einval;
    }
}

}  // namespace

Result<i64> clone(MayBlock& context, u64 flags, UserBuffer stack, UserPointer<i32> parent_tid,
                  UserPointer<i32> child_tid, u64 thread_base)
{
    CloneRequest request;
    request.flags = static_cast<u32>(flags) & ~flag::exit_signal_mask;
    request.exit_signal = static_cast<i32>(flags & flag::exit_signal_mask);
    request.stack_pointer = stack.value;
    request.parent_tid = request.pidfd = parent_tid.address.value;
    request.child_tid = child_tid.address.value;
    request.thread_base = thread_base;
    if ((request.flags & flag::pidfd) && (request.flags & flag::parent_set_tid)) return Errno::einval;
    return finish_clone(context, request);
}

Result<i64> clone3(MayBlock& context, UserBuffer address, usize size)
{
    abi::CloneArguments arguments = TRY(load_arguments(context, address, size));
    TRY(check_arguments(arguments));
    CloneRequest request;
    request.flags = arguments.flags;
    request.exit_signal = static_cast<i32>(arguments.exit_signal);
    request.stack_pointer = arguments.stack + arguments.stack_size;
    request.thread_base = arguments.tls;
    request.child_tid = arguments.child_tid;
    request.parent_tid = arguments.parent_tid;
    request.pidfd = arguments.pidfd;
    return finish_clone(context, request);
}

Result<i64> fork(MayBlock& context)
{
    CloneRequest request;
    request.exit_signal = signal_number::chld;
    return finish_clone(context, request);
}

Result<i64> vfork(MayBlock& context)
{
    CloneRequest request;
    request.flags = flag::vfork | flag::vm;
    request.exit_signal = signal_number::chld;
    return finish_clone(context, request);
}

Result<i64> execve(MayBlock& context, UserString path, UserBuffer arguments, UserBuffer environment)
{
    return execute_user(context, at_fdcwd, path, arguments, environment, 0);
}

Result<i64> execveat(MayBlock& context, Fd directory, UserString path, UserBuffer arguments, UserBuffer environment,
                     i32 flags)
{
    u32 bits = static_cast<u32>(flags);
    if (bits & ~(abi::at_flag::empty_path | abi::at_flag::symlink_no_follow)) return Errno::einval;
    return execute_user(context, directory.value, path, arguments, environment, bits);
}

Result<i64> exit(MayBlock& context, i32 code) { exit_thread(context, status_of_code(code)); }

Result<i64> exit_group(MayBlock& context, i32 code) { exit_process(context, status_of_code(code)); }

Result<i64> wait4(MayBlock& context, Pid id, UserPointer<i32> status, u32 options, UserPointer<abi::Rusage> usage)
{
    constexpr u32 allowed = wait_option::no_hang | wait_option::untraced | wait_option::continued | wait_modifiers;
    if (options & ~allowed) return Errno::einval;
    if (id.value == INT32_MIN) return Errno::esrch;
    WaitRequest request{WaitFor::any, ThreadId{id.value}, options | wait_option::exited};
    if (id.value > 0) request.kind = WaitFor::process;
    if (id.value < -1 || id.value == 0) {
        request.kind = WaitFor::group;
        ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
        request.id = id.value ? ThreadId{-id.value} : current_process(context).group;
    }
    WaitedChild child = TRY(wait_for_child(context, request));
    if (!child.id.value) return i64{0};
    if (status) TRY(status.store(context, child.status));
    if (usage) TRY(usage.store(context, to_rusage(child.usage)));
    return i64{child.id.value};
}

Result<i64> waitid(MayBlock& context, i32 type, Pid id, UserPointer<abi::Siginfo> info, u32 options,
                   UserPointer<abi::Rusage> usage)
{
    WaitRequest request = TRY(decode_waitid(context, type, id.value, options));
    WaitedChild child = TRY(wait_for_child(context, request));
    if (!child.id.value && (request.options & ~options & wait_option::no_hang)) return Errno::eagain;
    if (usage && child.id.value) TRY(usage.store(context, to_rusage(child.usage)));
    if (!info) return i64{0};
    abi::Siginfo result{};
    if (child.id.value) {
        result.signal = signal_number::chld;
        result.child.pid = child.id.value;
        result.child.user = child.user;
        set_child_status(result, child.status);
    }
    // The fields that waitid(2) names, no more: what lies behind belongs to the program.
    TRY(copy_to_user(context, info.address, &result, offsetof(abi::Siginfo, child.user_ticks)));
    return i64{0};
}

Result<i64> set_tid_address(MayBlock& context, UserPointer<i32> address)
{
    Task& task = current_task(context);
    task.clear_child_tid = address.address.value;
    return i64{task.id.value};
}

Result<i64> pidfd_open(MayBlock& context, Pid id, u32 flags)
{
    if (flags & ~open_flag::nonblock || id.value <= 0) return Errno::einval;
    ProcessTable& processes = hal::kernel().processes;
    Ref<Process> process = processes.find_process(context, ThreadId{id.value});
    if (!process) return processes.find_task(context, ThreadId{id.value}) ? Errno::einval : Errno::esrch;
    Ref<Pidfd> file = TRY(make_ref<Pidfd>(context, std::move(process), flags));
    return new_descriptor(context, std::move(file), true);
}

Result<i64> pidfd_send_signal(MayBlock& context, Fd descriptor, SignalNumber signal, UserPointer<abi::Siginfo> info,
                              u32 flags)
{
    if (flags) return Errno::einval;
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (!file->as_process()) return Errno::ebadf;
    Ref<Process> target = Ref<Process>::share(*file->as_process());
    abi::Siginfo what = siginfo_from_current(context, signal.value, abi::signal_code::user);
    if (info) {
        what = TRY(info.load(context));
        if (what.signal != signal.value) return Errno::einval;
        // Nobody may pretend to be the kernel, or a kill, towards another process.
        bool kernels_own = what.code >= 0 || what.code == abi::signal_code::thread_kill;
        if (kernels_own && target.get() != &current_process(context)) return Errno::eperm;
    }
    if (signal.value < 0 || signal.value > signal_count) return Errno::einval;
    if (target->reaped) return Errno::esrch;
    TRY(check_may_signal(context, *target, signal.value));
    if (signal.value) TRY(send_signal_to_process(context, *target, what));
    return i64{0};
}

Result<i64> arch_prctl(MayBlock& context, i32 option, u64 address)
{
    Thread& thread = context.thread();
    switch (option) {
    case abi::arch_set_fs:
    case abi::arch_set_gs:
        TRY(hal::set_thread_base(thread, option == abi::arch_set_fs ? hal::ThreadBase::fs : hal::ThreadBase::gs,
                                 address));
        return i64{0};
    case abi::arch_get_fs:
    case abi::arch_get_gs: {
        u64 base = hal::thread_base(thread, option == abi::arch_get_fs ? hal::ThreadBase::fs : hal::ThreadBase::gs);
        TRY(UserPointer<u64>(address).store(context, base));
        return i64{0};
    }
    default:
        return Errno::einval;
    }
}

}  // namespace takt::system_call
