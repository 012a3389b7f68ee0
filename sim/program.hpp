// Program: user mode, for the host function that plays a program on the simulated machine.
//
//     void child(Program& self) { self.exit(self.load<u32>(self.argument())); }
//     void parent(Program& self)
//     {
//         u64 page = self.map(page_size);
//         self.store<u32>(page, 3);
//         i64 pid = self.fork(child, page);
//         ...
//     }
//
// Memory is what load() and store() reach, through the modelled page tables; everything else of the host's is outside
// of the machine: what several threads do to it has no order that a seed would decide. The fibre of a thread that is
// ended by the kernel is left as it stands, without destructors: keep to plain data.
#pragma once

#include <abi/process.hpp>
#include <abi/signal.hpp>
#include <abi/types.hpp>
#include <kernel/base/time.hpp>
#include <kernel/base/types.hpp>
#include <string.h>
#include <string_view>

namespace takt {

class ProgramMachine;
class Program;

using ProgramFunction = void (*)(Program&);

namespace machine {
u64 user_load(u64 address, usize bytes);
void user_store(u64 address, usize bytes, u64 value);
u64 user_compare_exchange(u64 address, usize bytes, u64 expected, u64 desired);
u64 user_add(u64 address, usize bytes, u64 amount);
i64 user_call(u64 number, const u64 (&arguments)[6]);
}  // namespace machine

class Program {
public:
    explicit Program(ProgramMachine& machine);

    ProgramMachine& machine() { return machine_; }
    // What fork() or clone() was given for this function; 0 for the first one of a program.
    u64 argument() const { return argument_; }
    // For a signal handler.
    int signal() const { return signal_; }
    u64 siginfo() const { return siginfo_; }  // the siginfo_t's address

    // --- Memory: aligned words. A bad address is a signal, as it is for any program.
    template <typename T>
    T load(u64 address)
    {
        return static_cast<T>(machine::user_load(address, sizeof(T)));
    }
    template <typename T>
    void store(u64 address, T value)
    {
        machine::user_store(address, sizeof(T), static_cast<u64>(value));
    }
    template <typename T>
    T compare_exchange(u64 address, T expected, T desired)
    {
        return static_cast<T>(
            machine::user_compare_exchange(address, sizeof(T), static_cast<u64>(expected), static_cast<u64>(desired)));
    }
    // The value before.
    template <typename T>
    T fetch_add(u64 address, T amount)
    {
        return static_cast<T>(machine::user_add(address, sizeof(T), static_cast<u64>(amount)));
    }
    void write(u64 address, const void* from, usize bytes);
    void read(void* to, u64 address, usize bytes);
    template <typename T>
    void write_value(u64 address, const T& value)
    {
        write(address, &value, sizeof value);
    }
    template <typename T>
    T read_value(u64 address)
    {
        T value;
        read(&value, address, sizeof value);
        return value;
    }

    // --- The kernel: the result, or minus an errno.
    template <typename... Arguments>
    i64 call(u64 number, Arguments... arguments)
    {
        return machine::user_call(number, {static_cast<u64>(arguments)...});
    }
    // Computes for this long.
    void compute(Duration duration);

    // The child begins in `child`; so does a thread, on a stack of its own that ends at `stack_end`.
    i64 fork(ProgramFunction child, u64 argument = 0);
    i64 clone(u64 flags, ProgramFunction child, u64 argument, u64 stack_end, u64 parent_tid = 0, u64 child_tid = 0);
    [[noreturn]] void exit(int status);         // exit_group(2)
    [[noreturn]] void exit_thread(int status);  // exit(2)
    // An anonymous mapping of whole pages: its address, or minus an errno.
    i64 map(u64 bytes, bool shared = false, u32 protection = 3);
    // A handler without SA_RESTORER's cares.
    i64 set_handler(int signal, ProgramFunction handler, u64 flags = 0);
    // wait4(2): the status by way of `status`'s place in memory of the program's own.
    i64 wait_child(i64 pid, i32& status, int options = 0);
    // A place of 4096 bytes that this thread may use for arguments of calls, made when first asked for.
    u64 scratch();
    // The text, there: its address.
    u64 put(u64 address, std::string_view text);

private:
    ProgramMachine& machine_;
    u64 argument_ = 0;
    int signal_ = 0;
    u64 siginfo_ = 0;
    u64 scratch_ = 0;
};

}  // namespace takt
