// Outside of a run there is one host thread and no machine: the same operations without time and order.
#include <kernel/base/assert.hpp>
#include <machine/cpu.hpp>
#include <sim/machine.hpp>

namespace takt::machine {
namespace {

sim::Machine* running_machine()
{
    sim::Machine* machine = sim::Machine::current();
    return sim::Machine::running() ? machine : nullptr;
}

u64 read(const void* place, usize bytes)
{
    u64 value = 0;
    memcpy(&value, place, bytes);
    return value;
}

template <typename Change>
u64 update(void* word, usize bytes, Change change)
{
    sim::Machine* machine = running_machine();
    void* place = machine ? machine->before_update(word) : word;
    const u64 old = read(place, bytes);
    const u64 value = change(old);
    memcpy(place, &value, bytes);
    if (machine) machine->after_update(word);
    return old;
}

}  // namespace

u64 load_word(const void* word, usize bytes)
{
    sim::Machine* machine = running_machine();
    return read(machine ? machine->before_load(word) : word, bytes);
}

void store_word(void* word, usize bytes, u64 value, bool sequential)
{
    sim::Machine* machine = running_machine();
    if (!machine) {
        memcpy(word, &value, bytes);
        return;
    }
    machine->before_store(word, bytes);
    memcpy(word, &value, bytes);
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
    sim::Machine* machine = sim::Machine::current();
    if (!sim::Machine::running()) PANIC("host code waits for a lock that a simulated CPU holds");
    // Race: it may have changed since it was seen.
    if (read(machine->before_load(word), bytes) == seen) machine->spin_on(word);
}

}  // namespace takt::machine
