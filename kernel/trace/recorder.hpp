// Flight recorder: the last events of each CPU, always on; a panic prints them.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

enum class Event : u32 { none, wake, switch_to, timer, interrupt, system_call, mark };

// Written by its own CPU with interrupts off; eight instructions an event.
class Recorder {
public:
    struct alignas(32) Entry {
        u64 cycles;
        Event event;
        u32 value;
        const void* object;
    };
    static constexpr u32 entry_count = 128;

    void record(Event event, u64 cycles, const void* object, u32 value = 0)
    {
        Entry& entry = *reinterpret_cast<Entry*>(reinterpret_cast<u8*>(entries_) + next_);
        next_ = (next_ + sizeof(Entry)) % sizeof entries_;
        entry.cycles = cycles;
        entry.event = event;
        entry.value = value;
        entry.object = object;
    }
    // index 0 is the newest. Racy by nature: for panics and reports.
    const Entry& recent(u32 index) const { return entries_[(next_ / sizeof(Entry) - 1 - index) % entry_count]; }

private:
    u32 next_ = 0;  // offset of the oldest entry
    Entry entries_[entry_count] = {};
};

}  // namespace takt
