// hal/user_context.hpp and hal/user_frame.hpp: the user side of threads (user_mode.hpp).
#include <algorithm>
#include <arch/sim/user_mode.hpp>
#include <arch/x86_64/tlb.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/sched/cpu.hpp>
#include <machine/fiber.hpp>
#include <sim/machine.hpp>
#include <string.h>

namespace takt::hal {

using machine::UserState;

namespace {

constexpr u64 user_code = 0x33, user_data = 0x2b;
constexpr u64 flag_fixed = 2, flag_interrupts = 0x200;

UserState& user_of(Thread& thread)
{
    ASSERT(thread.context.user);
    return *thread.context.user;
}

}  // namespace

UserFrame& user_frame(Thread& thread) { return user_of(thread).frame; }

void reload_all_registers(Thread& thread) { thread.work.fetch_or(static_cast<u32>(Work::reload), Order::relaxed); }

bool create_user_context(MayBlock& context, Thread& child, const UserFrame& frame, const CloneRegisters& registers)
{
    const UserState& own = user_of(context.thread());
    ASSERT(own.child_start != 0);  // a program says where its child begins
    sim::Machine& simulated = *sim::Machine::current();
    simulated.pass(simulated.cost.make_thread);
    machine::make_fiber(child, &machine::enter_user_mode);
    auto* copy = new UserState{.frame = frame,
                               .thread_base = registers.set_thread_base ? registers.thread_base : own.thread_base,
                               .user_gs_base = own.user_gs_base};
    memcpy(copy->vector_state, own.vector_state, sizeof copy->vector_state);
    copy->frame.rax = 0;
    copy->frame.rip = own.child_start;
    copy->frame.rbx = own.child_argument;
    if (registers.stack_pointer) copy->frame.rsp = registers.stack_pointer;
    child.context.user = copy;
    simulated.user_threads.push_back(&child);
    return true;
}

bool reset_user_context(MayBlock& context, u64 entry, u64 stack_pointer)
{
    Thread& self = context.thread();
    if (!self.context.user) {
        self.context.user = new UserState;
        sim::Machine::current()->user_threads.push_back(&self);
    }
    UserState fresh;
    fresh.replaced = true;
    fresh.frame.orig_rax = ~0ull;
    fresh.frame.rip = entry;
    fresh.frame.cs = user_code;
    fresh.frame.rflags = flag_fixed | flag_interrupts;
    fresh.frame.rsp = stack_pointer;
    fresh.frame.ss = user_data;
    *self.context.user = fresh;
    reload_all_registers(self);
    return true;
}

void enter_user_mode(MayBlock& context)
{
    machine::enter_user_mode(context.thread());
    __builtin_unreachable();
}

void set_address_space(Thread& thread, AddressSpace* space)
{
    InterruptsOff off;
    thread.context.space = space;
    if (&thread != &current_thread()) return;
    Cpu& cpu = this_cpu(off);
    if (cpu.space.load(Order::relaxed) != space) machine::load_space(cpu, space);
}

Result<void> set_thread_base(Thread& thread, ThreadBase which, u64 value)
{
    if (value >= user_address_end) return Errno::eperm;
    (which == ThreadBase::fs ? user_of(thread).thread_base : user_of(thread).user_gs_base) = value;
    return {};
}

u64 thread_base(Thread& thread, ThreadBase which)
{
    return which == ThreadBase::fs ? user_of(thread).thread_base : user_of(thread).user_gs_base;
}

void get_registers(Thread& thread, abi::UserRegisters& registers)
{
    const UserFrame& frame = user_frame(thread);
    memcpy(&registers, &frame, sizeof frame);
    registers.fs_base = thread_base(thread, ThreadBase::fs);
    registers.gs_base = thread_base(thread, ThreadBase::gs);
    registers.ds = registers.es = registers.fs = registers.gs = 0;
}

Result<void> set_registers(Thread& thread, const abi::UserRegisters& registers)
{
    if (registers.cs != user_code || registers.ss != user_data || registers.rip >= user_address_end) return Errno::eio;
    if (registers.fs_base >= user_address_end || registers.gs_base >= user_address_end) return Errno::eio;
    UserFrame& frame = user_frame(thread);
    const u64 flags = frame.rflags;
    memcpy(&frame, &registers, sizeof frame);
    frame.rflags = flags;
    user_of(thread).thread_base = registers.fs_base;
    user_of(thread).user_gs_base = registers.gs_base;
    return {};
}

usize vector_state_size() { return sizeof UserState::vector_state; }

void get_vector_state(Thread& thread, std::span<u8> state)
{
    memcpy(state.data(), user_of(thread).vector_state, std::min(state.size(), sizeof UserState::vector_state));
}

Result<void> set_vector_state(Thread& thread, std::span<const u8> state)
{
    if (state.size() != sizeof UserState::vector_state) return Errno::einval;
    memcpy(user_of(thread).vector_state, state.data(), state.size());
    return {};
}

void set_single_step(Thread&, bool enabled)
{
    if (enabled) PANIC("programs of the simulated machine have no instructions to step over");
}

u64 hardware_capabilities() { return 0; }
u64 hardware_capabilities_2() { return 0; }
usize signal_frame_size_min() { return 1024; }

// Programs ask the kernel for the time: nobody looks at the image or the page.
std::span<const u8> vdso_image()
{
    static constexpr u8 image[] = {0x7f, 'E', 'L', 'F'};
    return image;
}
void publish_clock(void*, i64) {}

}  // namespace takt::hal
