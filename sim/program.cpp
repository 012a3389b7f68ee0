#include <abi/file.hpp>
#include <abi/memory.hpp>
#include <algorithm>
#include <arch/sim/user_mode.hpp>
#include <kernel/kernel.hpp>
#include <sim/call_numbers.hpp>
#include <sim/program.hpp>
#include <sim/program_machine.hpp>

namespace takt {

Program::Program(ProgramMachine& machine) : machine_(machine)
{
    const hal::UserFrame& frame = hal::user_frame(hal::current_thread());
    argument_ = frame.rbx;
    signal_ = static_cast<int>(frame.rdi);
    siginfo_ = frame.rsi;
}

void Program::write(u64 address, const void* from, usize bytes)
{
    for (usize done = 0; done < bytes;) {
        const usize here = (address + done) % 8 == 0 && bytes - done >= 8 ? 8 : 1;
        u64 word = 0;
        memcpy(&word, static_cast<const char*>(from) + done, here);
        machine::user_store(address + done, here, word);
        done += here;
    }
}

void Program::read(void* to, u64 address, usize bytes)
{
    for (usize done = 0; done < bytes;) {
        const usize here = (address + done) % 8 == 0 && bytes - done >= 8 ? 8 : 1;
        const u64 word = machine::user_load(address + done, here);
        memcpy(static_cast<char*>(to) + done, &word, here);
        done += here;
    }
}

void Program::compute(Duration duration) { machine_.compute(duration); }

i64 Program::clone(u64 flags, ProgramFunction child, u64 argument, u64 stack_end, u64 parent_tid, u64 child_tid)
{
    machine::UserState& user = *hal::current_thread().context.user;
    user.child_start = machine_.address_of(child);
    user.child_argument = argument;
    return call(number::clone, flags, stack_end, parent_tid, child_tid, 0);
}

i64 Program::fork(ProgramFunction child, u64 argument) { return clone(17 /* SIGCHLD */, child, argument, 0); }

void Program::exit(int status)
{
    call(number::exit_group, status);
    __builtin_unreachable();
}

void Program::exit_thread(int status)
{
    call(number::exit, status);
    __builtin_unreachable();
}

i64 Program::map(u64 bytes, bool shared, u32 protection)
{
    constexpr u64 anonymous = 0x20, private_ = 2;
    return call(number::mmap, 0, bytes, protection, anonymous | (shared ? 1 : private_), ~0ull, 0);
}

u64 Program::scratch()
{
    if (scratch_ == 0) scratch_ = static_cast<u64>(map(page_size));
    return scratch_;
}

u64 Program::put(u64 address, std::string_view text)
{
    write(address, text.data(), text.size());
    store<u8>(address + text.size(), 0);
    return address;
}

i64 Program::set_handler(int signal, ProgramFunction handler, u64 flags)
{
    abi::Sigaction action{};
    action.handler = machine_.address_of(handler);
    action.flags = flags | abi::action_flag::restorer;
    action.restorer = machine_.address_of(handler);
    write_value(scratch(), action);
    return call(number::rt_sigaction, signal, scratch(), 0, 8);
}

i64 Program::wait_child(i64 pid, i32& status, int options)
{
    const i64 result = call(number::wait4, pid, scratch(), options, 0);
    if (result > 0) status = load<i32>(scratch());
    return result;
}

}  // namespace takt
