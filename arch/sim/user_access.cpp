// hal/user_access.hpp: the kernel's way to user memory, a cache line at a time. A fault in it is a fault of the kernel:
// served where the thread may wait (resolve_kernel_page_fault of the PC), else the access stops.
#include <algorithm>
#include <arch/sim/mmu.hpp>
#include <kernel/hal/user_access.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/sched/cpu.hpp>
#include <machine/atomic.hpp>
#include <sim/machine.hpp>
#include <string.h>

namespace takt {
namespace {

constexpr usize line_bytes = 64;

bool resolve(u64 address, bool write)
{
    if (!hal::preemptible() || address >= user_address_end) return false;
    Thread& thread = hal::current_thread();
    if (!thread.user || thread.lock_depth != 0) return false;
    MayBlock context = ContextMint::may_block(thread);
    return handle_user_fault(context, address, {.write = write}) == FaultSignal::none;
}

// Calls access(place). False: a bad address.
template <typename Access>
bool touch(u64 address, bool write, Access access)
{
    sim::Machine& machine = *sim::Machine::current();
    do {
        const bool enabled = sim::Machine::running()->interrupts_enabled;
        machine.set_interrupts(false);
        void* place = machine::translate_for(address, {.write = write});
        if (place) access(place);
        machine.set_interrupts(enabled);
        machine.pass(0);
        if (place) return true;
    } while (resolve(address, write));
    return false;
}

// Calls access(place, offset, bytes) for the parts of the range, each in one cache line. The bytes not reached.
template <typename Access>
usize each_line(u64 address, usize bytes, bool write, Access access)
{
    sim::Machine& machine = *sim::Machine::current();
    machine.pass_copy(machine.cost.user_copy, bytes);
    usize done = 0;
    while (done < bytes) {
        const u64 at = address + done;
        const usize here = std::min<usize>(bytes - done, line_bytes - at % line_bytes);
        const bool good = touch(at, write, [&](void* place) {
            if (write) {
                machine.before_update(place);
                access(place, done, here);
                machine.after_update(place);
            } else {
                machine.before_load(place);
                access(place, done, here);
            }
        });
        if (!good) break;
        done += here;
    }
    return bytes - done;
}

}  // namespace

usize hal::copy_from_user_memory(void* to, u64 from, usize bytes)
{
    return each_line(from, bytes, false, [=](const void* place, usize offset, usize count) {
        memcpy(static_cast<char*>(to) + offset, place, count);
    });
}

usize hal::copy_to_user_memory(u64 to, const void* from, usize bytes)
{
    return each_line(to, bytes, true, [=](void* place, usize offset, usize count) {
        memcpy(place, static_cast<const char*>(from) + offset, count);
    });
}

usize hal::zero_user_memory(u64 to, usize bytes)
{
    return each_line(to, bytes, true, [](void* place, usize, usize count) { memset(place, 0, count); });
}

i64 hal::copy_string_from_user_memory(char* to, u64 from, usize capacity)
{
    usize length = 0;
    while (length < capacity) {
        const u64 at = from + length;
        const usize here = std::min<usize>(capacity - length, line_bytes - at % line_bytes);
        if (copy_from_user_memory(to + length, at, here) != 0) return -1;
        if (const void* end = memchr(to + length, 0, here)) return static_cast<const char*>(end) - to;
        length += here;
    }
    return static_cast<i64>(capacity);
}

bool hal::load_user_memory(u64 address, u32& value)
{
    sim::Machine& machine = *sim::Machine::current();
    machine.pass(machine.cost.user_word);
    return touch(address, false,
                 [&](const void* place) { value = static_cast<u32>(machine::load_word(place, sizeof value)); });
}

bool hal::compare_exchange_user_memory(u64 address, u32 expected, u32 desired, u32& seen)
{
    sim::Machine& machine = *sim::Machine::current();
    machine.pass(machine.cost.user_word);
    return touch(address, true, [&](void* place) {
        seen = static_cast<u32>(machine::compare_exchange_word(place, sizeof seen, expected, desired));
    });
}

}  // namespace takt
