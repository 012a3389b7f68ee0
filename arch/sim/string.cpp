// The core's memcpy(), memmove() and memset() (sim/link_core.sh gives them these names): the host's, and the time that
// they take.
#include <sim/machine.hpp>
#include <string.h>

namespace {

void pass(takt::usize bytes)
{
    if (takt::sim::Machine::running()) {
        takt::sim::Machine& machine = *takt::sim::Machine::current();
        machine.pass_copy(machine.cost.copy, bytes);
    }
}

}  // namespace

extern "C" {

void* takt_core_memcpy(void* to, const void* from, takt::usize bytes)
{
    pass(bytes);
    return memcpy(to, from, bytes);
}

void* takt_core_memmove(void* to, const void* from, takt::usize bytes)
{
    pass(bytes);
    return memmove(to, from, bytes);
}

void* takt_core_memset(void* to, int value, takt::usize bytes)
{
    pass(bytes);
    return memset(to, value, bytes);
}

}  // extern "C"
