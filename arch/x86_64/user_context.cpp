// User side of threads: cloning, exec, thread bases, tracer's view.
#include <arch/x86_64/cpu_features.hpp>
#include <arch/x86_64/kernel_stack.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/tlb.hpp>
#include <arch/x86_64/vector_registers.hpp>
#include <kernel/hal/switch.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/sched/cpu.hpp>
#include <string.h>

extern "C" void takt_user_thread_start();
extern "C" [[noreturn]] void takt_enter_user_mode(takt::hal::UserFrame* frame);

namespace takt::hal {

using namespace machine;

namespace {

constexpr u64 user_code = 0x33, compatible_code = 0x23, user_data = 0x2b;
constexpr u64 flag_fixed = 2, flag_trap = 0x100, flag_interrupts = 0x200;
// What user mode may set: CF PF AF ZF SF TF DF OF RF AC ID.
constexpr u64 flags_user = 0x250dd5;

// XSAVE area in its initial state: x87 and MXCSR defaults, no component present in the header.
void init_vector_state(void* area)
{
    memset(area, 0, machine::vector_state_size);
    auto* bytes = static_cast<u8*>(area);
    const u16 x87_control = 0x37f;
    const u32 mxcsr = 0x1f80;
    memcpy(bytes, &x87_control, sizeof x87_control);
    memcpy(bytes + 24, &mxcsr, sizeof mxcsr);
}

// What the registers hold of the running thread goes to memory.
void save_current_user_state(Thread& self)
{
    InterruptsOff off;
    machine::save_user_state(this_cpu(off), self);
}

void load_current_user_state(Thread& self)
{
    InterruptsOff off;
    Cpu& cpu = this_cpu(off);
    load_vector_registers(self.context.vector_state);
    cpu.user_state_of.store(&self, Order::relaxed);
    self.context.user_state_cpu = cpu.cpu_id;
    write_msr(0xc0000100, self.context.thread_base);
    write_msr(0xc0000102, self.context.user_gs_base);
    cpu.user_gs_base = self.context.user_gs_base;
}

bool canonical_user(u64 address) { return address < user_address_end; }

}  // namespace

bool create_user_context(MayBlock& context, Thread& child, const UserFrame& frame, const CloneRegisters& registers)
{
    void* vector_state = allocate(context, machine::vector_state_size);
    u64 top = vector_state ? allocate_kernel_stack(context) : 0;
    if (!top) {
        free(vector_state);
        return false;
    }
    Thread& self = context.thread();
    save_current_user_state(self);
    memcpy(vector_state, self.context.vector_state, machine::vector_state_size);
    child.context.vector_state = vector_state;
    child.context.user_state_cpu = ~0u;
    child.context.stack_top = top;
    child.context.thread_base = registers.set_thread_base ? registers.thread_base : self.context.thread_base;
    child.context.user_gs_base = self.context.user_gs_base;
    UserFrame& copy = user_frame(child);
    copy = frame;
    copy.rax = 0;
    if (registers.stack_pointer) copy.rsp = registers.stack_pointer;
    prepare_stack(child, reinterpret_cast<u64>(&takt_user_thread_start), 0, 0, sizeof(UserFrame));
    return true;
}

bool reset_user_context(MayBlock& context, u64 entry, u64 stack_pointer)
{
    Thread& self = context.thread();
    if (!self.context.vector_state) {
        void* area = allocate(context, machine::vector_state_size);
        if (!area) return false;
        init_vector_state(area);
        self.context.vector_state = area;
    } else {
        init_vector_state(self.context.vector_state);
    }
    self.context.thread_base = 0;
    self.context.user_gs_base = 0;
    load_current_user_state(self);
    UserFrame& frame = user_frame(self);
    frame = UserFrame{};
    frame.orig_rax = ~0ull;
    frame.rip = entry;
    frame.cs = user_code;
    frame.rflags = flag_fixed | flag_interrupts;
    frame.rsp = stack_pointer;
    frame.ss = user_data;
    reload_all_registers(self);
    return true;
}

void enter_user_mode(MayBlock& context) { takt_enter_user_mode(&user_frame(context.thread())); }

void set_address_space(Thread& thread, AddressSpace* space)
{
    InterruptsOff off;
    thread.context.space = space;
    if (&thread != &current_thread()) return;
    Cpu& cpu = this_cpu(off);
    if (cpu.space.load(Order::relaxed) != space) load_space(cpu, space);
}

Result<void> set_thread_base(Thread& thread, ThreadBase which, u64 value)
{
    if (!canonical_user(value)) return Errno::eperm;
    InterruptsOff off;
    (which == ThreadBase::fs ? thread.context.thread_base : thread.context.user_gs_base) = value;
    if (&thread != &current_thread()) {
        thread.context.user_state_cpu = ~0u;
        return {};
    }
    write_msr(which == ThreadBase::fs ? 0xc0000100 : 0xc0000102, value);
    if (which == ThreadBase::gs) this_cpu(off).user_gs_base = value;
    return {};
}

u64 thread_base(Thread& thread, ThreadBase which)
{
    if (&thread == &current_thread()) save_current_user_state(thread);
    return which == ThreadBase::fs ? thread.context.thread_base : thread.context.user_gs_base;
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
    bool compatible = registers.cs == compatible_code;
    if ((registers.cs != user_code && !compatible) || registers.ss != user_data) return Errno::eio;
    if (!canonical_user(registers.rip) || (compatible && registers.rip >> 32)) return Errno::eio;
    if (!canonical_user(registers.fs_base) || !canonical_user(registers.gs_base)) return Errno::eio;
    UserFrame& frame = user_frame(thread);
    u64 flags = (frame.rflags & ~flags_user) | (registers.rflags & flags_user);
    memcpy(&frame, &registers, sizeof frame);
    frame.rflags = flags;
    thread.context.thread_base = registers.fs_base;
    thread.context.user_gs_base = registers.gs_base;
    thread.context.user_state_cpu = ~0u;
    reload_all_registers(thread);
    return {};
}

usize vector_state_size() { return machine::vector_state_size; }

void get_vector_state(Thread& thread, std::span<u8> state)
{
    if (&thread == &current_thread()) save_current_user_state(thread);
    usize bytes = state.size() < machine::vector_state_size ? state.size() : machine::vector_state_size;
    memcpy(state.data(), thread.context.vector_state, bytes);
}

Result<void> set_vector_state(Thread& thread, std::span<const u8> state)
{
    if (state.size() < 512 || state.size() > machine::vector_state_size) return Errno::einval;
    u32 mxcsr;
    memcpy(&mxcsr, state.data() + 24, sizeof mxcsr);
    if (mxcsr & ~0xffffu) return Errno::einval;
    auto* area = static_cast<u8*>(thread.context.vector_state);
    if (state.size() >= 576) {
        u64 header[8];
        memcpy(header, state.data() + 512, sizeof header);
        if ((header[0] & ~vector_state_features) || header[1] || header[2]) return Errno::einval;
        memcpy(area, state.data(), state.size());
    } else {
        memcpy(area, state.data(), 512);
        u64 present;
        memcpy(&present, area + 512, sizeof present);
        present |= 3;
        memcpy(area + 512, &present, sizeof present);
    }
    if (&thread == &current_thread())
        load_current_user_state(thread);
    else
        thread.context.user_state_cpu = ~0u;
    return {};
}

void set_single_step(Thread& thread, bool enabled)
{
    UserFrame& frame = user_frame(thread);
    frame.rflags = enabled ? frame.rflags | flag_trap : frame.rflags & ~flag_trap;
    reload_all_registers(thread);
}

u64 hardware_capabilities() { return cpuid(1).edx; }
u64 hardware_capabilities_2() { return cpu_features.fsgsbase ? 2 : 0; }

usize signal_frame_size_min() { return machine::vector_state_size + 1024; }

}  // namespace takt::hal
