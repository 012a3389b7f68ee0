// hal: the user side of a thread's machine context: how a clone starts, what exec resets, the page table and thread
// bases it runs with, and the registers as a tracer sees them.
#pragma once

#include <abi/registers.hpp>
#include <kernel/base/result.hpp>
#include <kernel/hal/user_frame.hpp>
#include <kernel/sync/context.hpp>
#include <span>
#include <string_view>

namespace takt {

class AddressSpace;

namespace hal {

// What differs between a clone's first registers and its parent's.
struct CloneRegisters {
    u64 stack_pointer = 0;         // 0: the parent's
    bool set_thread_base = false;  // clone(CLONE_SETTLS)
    u64 thread_base = 0;
};

// clone(2): gives `child` a kernel stack with a copy of `frame` on it, so that when it is first switched to it goes
// through the return-to-user path (looking at its work bits first) and returns 0 from the system call, all registers
// as in the frame. The calling thread's vector state, thread bases and user GS base are copied; the page table is not
// (set_address_space). Undone by destroy_context. Called on the parent. False: no memory.
bool create_user_context(MayBlock& context, Thread& child, const UserFrame& frame, const CloneRegisters& registers);

// exec(2) and the first process: the running thread's frame becomes (entry, stack), all other registers and the vector
// state as a new program finds them, thread bases 0, single step off. Makes the vector state if the thread never had
// one. False: no memory, nothing changed.
bool reset_user_context(MayBlock& context, u64 entry, u64 stack_pointer);

// Leaves a thread that was created by create_context for user mode with the registers of its frame, work bits first.
[[noreturn]] void enter_user_mode(MayBlock& context);

// What page table the thread runs with; null: the kernel's own. Takes no reference: the caller keeps the space alive
// until the thread has another one. Loads it at once when `thread` is the running one; else `thread` has not started.
void set_address_space(Thread& thread, AddressSpace* space);

// arch_prctl(2). Running thread, or a stopped one. einval when the machine can't have the value (not canonical).
enum class ThreadBase : u8 { fs, gs };
Result<void> set_thread_base(Thread& thread, ThreadBase which, u64 value);
u64 thread_base(Thread& thread, ThreadBase which);

// --- A stopped thread as ptrace(2) sees it.

void get_registers(Thread& thread, abi::UserRegisters& registers);
// Errors: eio for values user mode can't have (kernel selectors, addresses that are not canonical). Flags that user
// mode may not set are left as they are.
Result<void> set_registers(Thread& thread, const abi::UserRegisters& registers);
// The vector state in the XSAVE layout; the first 512 bytes are the FXSAVE layout.
usize vector_state_size();
void get_vector_state(Thread& thread, std::span<u8> state);
// Errors: einval for a state that the processor would not load.
Result<void> set_vector_state(Thread& thread, std::span<const u8> state);
// One instruction in user mode, then a trap (SIGTRAP).
void set_single_step(Thread& thread, bool enabled);

// --- What exec tells a program about the machine (getauxval(3)).

u64 hardware_capabilities();                                               // AT_HWCAP
u64 hardware_capabilities_2();                                             // AT_HWCAP2
usize signal_frame_size_min();                                             // AT_MINSIGSTKSZ
inline constexpr std::string_view platform_name = machine::platform_name;  // AT_PLATFORM, uname(2)
inline constexpr u16 elf_machine = machine::elf_machine;

// --- The vDSO (vdso(7)): a shared object of the machine's own, and the page of data that it reads.

std::span<const u8> vdso_image();
// Fills `page` so that the image's clock_gettime agrees with now(); `realtime_offset_ns` is what is added to now() for
// CLOCK_REALTIME. Readers on other CPUs see the old values or the new ones. One caller at a time.
void publish_clock(void* page, i64 realtime_offset_ns);

}  // namespace hal
}  // namespace takt
