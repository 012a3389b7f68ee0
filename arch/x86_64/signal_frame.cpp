// Signal frames on x86-64, in Linux's layout: a word for the return, ucontext, siginfo, and above them, aligned to 64,
// the vector state as XSAVE writes it with Linux's description of it in the bytes that are software's.
//
// What sigreturn loads was in user memory: every value is brought into what user mode may have before a register sees
// it.
#include <arch/x86_64/cpu_features.hpp>
#include <arch/x86_64/signal_registers.hpp>
#include <arch/x86_64/vector_registers.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signal_frame.hpp>
#include <kernel/sched/cpu.hpp>
#include <string.h>

namespace takt {

namespace {

constexpr u64 user_code_selector = 0x33, compatible_code_selector = 0x23, user_data_selector = 0x2b;
// Flags that a program may set: carry, parity, adjust, zero, sign, trap, direction, overflow, resume, alignment check.
constexpr u64 user_flags = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x10000 | 0x40000;
constexpr u64 direction_flag = 0x400, trap_flag = 0x100, resume_flag = 0x10000;
constexpr usize legacy_size = 512, header_size = 64;
constexpr usize magic_size = sizeof(u32);

// The head of an XSAVE area (Intel SDM vol. 1, 13.4).
struct VectorState {
    u8 legacy1[24];
    u32 mxcsr;
    u32 mxcsr_mask;
    u8 legacy2[432];
    abi::VectorStateSoftware software;
    u64 present;  // XSTATE_BV
    u64 compacted;
    u64 reserved[6];
};
static_assert(sizeof(VectorState) == legacy_size + header_size);
static_assert(offsetof(VectorState, software) == abi::vector_state_software_offset &&
              offsetof(VectorState, mxcsr) == 24);

constexpr u32 mxcsr_bits = 0xffff;  // defined in every x86-64 processor
constexpr u32 mxcsr_initial = 0x1f80;

VectorState& state_of(Task& task) { return *static_cast<VectorState*>(task.context.vector_state); }

// The part of the area that XSAVE leaves as it finds it: Linux's description, and the header with no component in it.
struct Description {
    abi::VectorStateSoftware software;
    u8 header[header_size];
};

Result<void> push_vector_state(MayBlock& context, u64 address)
{
    u32 size = static_cast<u32>(machine::vector_state_size);
    Description description{
        {abi::vector_state_magic1, size + static_cast<u32>(magic_size), machine::vector_state_features, size, {}}, {}};
    u64 place = address + abi::vector_state_software_offset;
    TRY(copy_to_user(context, UserAddress(place), &description, sizeof description));
    if (!machine::save_vector_registers_to_user(address)) return Errno::efault;
    u32 magic = abi::vector_state_magic2;
    return copy_to_user(context, UserAddress(address + size), &magic, sizeof magic);
}

// How much of the state at `address` is there: all that its description says, or what FXSAVE knows.
struct Extent {
    usize size;
    u64 components;
};

Result<Extent> measure(MayBlock& context, u64 address)
{
    abi::VectorStateSoftware software;
    TRY(copy_from_user(context, &software, UserAddress(address + abi::vector_state_software_offset), sizeof software));
    constexpr Extent legacy{legacy_size, 3};
    if (software.magic1 != abi::vector_state_magic1 || software.state_size < sizeof(VectorState) ||
        software.state_size > machine::vector_state_size || software.extended_size < software.state_size + magic_size)
        return legacy;
    u32 magic = 0;
    TRY(copy_from_user(context, &magic, UserAddress(address + software.state_size), sizeof magic));
    if (magic != abi::vector_state_magic2) return legacy;
    return Extent{software.state_size, software.features & machine::vector_state_features};
}

// Makes the area one that XRSTOR takes: known components, standard format, defined MXCSR bits.
void sanitise(VectorState& state, const Extent& extent)
{
    if (extent.size <= legacy_size) state.present = extent.components;
    state.present &= extent.components;
    // A component that lies beyond what was copied is as a new program finds it.
    if (extent.size < machine::vector_state_size) state.present &= 3;
    state.compacted = 0;
    memset(state.reserved, 0, sizeof state.reserved);
    state.mxcsr &= mxcsr_bits;
}

// Copies the state over the thread's area and loads it, unless a page is missing. The registers are the thread's until
// then, so on a failure the area is written anew from them: XSAVEOPT relies on it.
bool try_pop_vector_state(MayBlock& context, VectorState& state, u64 address, const Extent& extent)
{
    // No other thread's switch may look at the area before it is sanitised. Copies don't wait while preemption is off.
    // Bound: one area.
    PreemptOff stay;
    bool copied = copy_from_user(context, &state, UserAddress(address), extent.size).ok();
    if (copied) {
        sanitise(state, extent);
        machine::load_vector_registers(&state);
    } else {
        machine::save_all_vector_registers(&state);
    }
    return copied;
}

Result<void> pop_vector_state(MayBlock& context, Task& task, u64 address)
{
    VectorState& state = state_of(task);
    if (address == 0) {  // no state: as a new program finds it
        PreemptOff stay;
        memset(&state, 0, sizeof state);
        state.mxcsr = mxcsr_initial;
        machine::load_vector_registers(&state);
        return {};
    }
    Extent extent = TRY(measure(context, address));
    bool whole = extent.size == machine::vector_state_size && extent.components == machine::vector_state_features;
    if (whole && address % 64 == 0 && machine::load_vector_registers_from_user(address)) [[likely]]
        return {};
    constexpr int attempts = 8;  // pages may go again between fault and copy
    for (int attempt = 0; attempt < attempts; attempt++) {
        if (try_pop_vector_state(context, state, address, extent)) [[likely]]
            return {};
        for (u64 page = page_floor(address); page < address + extent.size; page += page_size)
            TRY(fault_in_user(context, UserAddress(page < address ? address & ~3ull : page), false));
    }
    return Errno::efault;
}

struct Placement {
    u64 frame;
    u64 vector_state;
};

// Where the frame goes. Errors: efault when it does not fit on the alternate stack.
Result<Placement> place_frame(Task& task, const hal::UserFrame& frame, const abi::Sigaction& action)
{
    const machine::SignalStackTop from = machine::signal_stack_top(task, frame, action);
    u64 vector_state = (from.top - machine::vector_state_size - magic_size) & ~63ull;
    // The handler starts as if it had been called: rsp + 8 is a multiple of 16.
    u64 place = ((vector_state - sizeof(abi::SignalFrame)) & ~15ull) - 8;
    if (!machine::signal_frame_fits(task, from, place)) return Errno::efault;
    return Placement{place, vector_state};
}

void fill_context(Task& task, const hal::UserFrame& frame, SignalSet mask, u64 vector_state, abi::UserContext& context)
{
    context.flags = abi::user_context_flag::extended_state | abi::user_context_flag::stack_segment |
                    abi::user_context_flag::strict_stack_segment;
    context.link = 0;
    context.stack = task.alternate_stack;
    context.mask = mask.bits;
    context.machine = machine::machine_context(task, frame, mask, vector_state);
}

// Errors: efault for an address that user mode can't run at.
Result<void> take_registers(const abi::MachineContext& from, hal::UserFrame& to)
{
    if (from.rip >= user_address_end) return Errno::efault;
    bool compatible = from.cs == compatible_code_selector;
    if ((from.cs != user_code_selector && !compatible) || from.ss != user_data_selector) return Errno::efault;
    if (compatible && from.rip >> 32) return Errno::efault;
    to.cs = from.cs;
    machine::take_general_registers(from, to);
    to.rflags = (to.rflags & ~user_flags) | (from.rflags & user_flags);
    return {};
}

}  // namespace

Result<void> push_signal_frame(MayBlock& context, Task& task, hal::UserFrame& frame, const abi::Sigaction& action,
                               const abi::Siginfo& info, SignalSet mask)
{
    if (!(action.flags & abi::action_flag::restorer) || action.handler >= user_address_end) return Errno::efault;
    Placement place = TRY(place_frame(task, frame, action));
    TRY(push_vector_state(context, place.vector_state));
    abi::SignalFrame pushed;
    pushed.return_address = action.restorer;
    fill_context(task, frame, mask, place.vector_state, pushed.context);
    usize size = offsetof(abi::SignalFrame, info);
    if (action.flags & abi::action_flag::siginfo) {
        pushed.info = info;
        size = sizeof pushed;
    }
    TRY(copy_to_user(context, UserAddress(place.frame), &pushed, size));
    // commit:
    machine::enter_handler(task, frame, action, info.signal, place.frame);
    frame.cs = user_code_selector;
    frame.rflags &= ~(direction_flag | trap_flag | resume_flag);
    return {};
}

Result<void> pop_signal_frame(MayBlock& context, Task& task, hal::UserFrame& frame, SignalSet& mask,
                              abi::SignalStack& stack)
{
    // The handler's return took the first word.
    u64 address = frame.rsp - sizeof(u64) + offsetof(abi::SignalFrame, context);
    abi::UserContext popped;
    TRY(copy_from_user(context, &popped, UserAddress(address), sizeof popped));
    TRY(take_registers(popped.machine, frame));
    TRY(pop_vector_state(context, task, popped.machine.vector_state));
    mask = {popped.mask};
    stack = popped.stack;
    return {};
}

}  // namespace takt
