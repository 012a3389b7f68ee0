// Outside of a run there is one host thread and no machine: the same operations without time and order.
#include <kernel/base/assert.hpp>
#include <machine/cpu.hpp>
#include <sim/machine.hpp>

namespace takt::machine {
namespace {

template <typename T>
u64 read_as(const void* place)
{
    T value;
    memcpy(&value, place, sizeof value);
    return value;
}
template <typename T>
void write_as(void* place, u64 value)
{
    const T narrow = static_cast<T>(value);
    memcpy(place, &narrow, sizeof narrow);
}

u64 read(const void* place, usize bytes)
{
    switch (bytes) {
    case 1:
        return read_as<u8>(place);
    case 2:
        return read_as<u16>(place);
    case 4:
        return read_as<u32>(place);
    default:
        return read_as<u64>(place);
    }
}

void write(void* place, usize bytes, u64 value)
{
    switch (bytes) {
    case 1:
        return write_as<u8>(place, value);
    case 2:
        return write_as<u16>(place, value);
    case 4:
        return write_as<u32>(place, value);
    default:
        return write_as<u64>(place, value);
    }
}

template <typename Change>
u64 update(void* word, usize bytes, Change change)
{
    sim::Machine* machine = sim::running_clock.machine;
    void* place = machine ? machine->before_update(word) : word;
    const u64 old = read(place, bytes);
    write(place, bytes, change(old));
    if (machine) machine->after_update(word);
    return old;
}

}  // namespace

u64 load_word(const void* word, usize bytes)
{
    sim::Machine* machine = sim::running_clock.machine;
    return read(machine ? machine->before_load(word) : word, bytes);
}

void store_word(void* word, usize bytes, u64 value, bool sequential)
{
    sim::Machine* machine = sim::running_clock.machine;
    if (!machine) {
        write(word, bytes, value);
        return;
    }
    machine->before_store(word, bytes);
    write(word, bytes, value);
    if (sequential) machine->fence();
    machine->after_store(word);
    if (sequential) machine->pass(machine->cost.atomic_update);
}

u64 exchange_word(void* word, usize bytes, u64 value)
{
    return update(word, bytes, [=](u64) { return value; });
}

u64 compare_exchange_word(void* word, usize bytes, u64 expected, u64 desired)
{
    return update(word, bytes, [=](u64 old) { return old == expected ? desired : old; });
}

u64 add_word(void* word, usize bytes, u64 amount)
{
    return update(word, bytes, [=](u64 old) { return old + amount; });
}

u64 or_word(void* word, usize bytes, u64 bits)
{
    return update(word, bytes, [=](u64 old) { return old | bits; });
}

u64 and_word(void* word, usize bytes, u64 bits)
{
    return update(word, bytes, [=](u64 old) { return old & bits; });
}

void wait_for_write(const void* word, usize bytes, u64 seen)
{
    sim::Machine* machine = sim::running_clock.machine;
    if (!machine) PANIC("host code waits for a lock that a simulated CPU holds");
    // Race: it may have changed since it was seen.
    if (read(machine->before_load(word), bytes) == seen) machine->spin_on(word);
}

}  // namespace takt::machine
