// Memory: the machine's arena is physical memory, and the direct map an offset into it.
#include <kernel/base/assert.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/paging.hpp>
#include <sim/machine.hpp>
#include <string.h>

namespace takt::hal {

void* direct_map(u64 physical)
{
    sim::Machine& machine = *sim::Machine::current();
    ASSERT(physical < machine.memory_bytes());
    return machine.memory() + physical;
}

u64 physical_of(const void* direct_mapped)
{
    sim::Machine& machine = *sim::Machine::current();
    auto offset = static_cast<u64>(static_cast<const unsigned char*>(direct_mapped) - machine.memory());
    ASSERT(offset < machine.memory_bytes());
    return offset;
}

void zero_frame(FrameNumber frame) { memset(direct_map(physical_address(frame)), 0, page_size); }

void copy_frame(FrameNumber to, FrameNumber from)
{
    memcpy(direct_map(physical_address(to)), direct_map(physical_address(from)), page_size);
}

const BootInfo& boot_info() { return sim::Machine::current()->boot_info; }

}  // namespace takt::hal
