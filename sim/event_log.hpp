// EventLog: what happened on the machine: counts, a hash that tells whether two runs are the same, and, if asked for, a
// trace for ui.perfetto.dev.
#pragma once

#include <kernel/base/types.hpp>
#include <string>
#include <vector>

namespace takt::sim {

enum class EventKind : u8 { switch_to, wake, interrupt, hand_over, system_call, fault };
inline constexpr usize event_kind_count = 5;  // faults are in the trace only

class EventLog {
public:
    explicit EventLog(u32 processors) : hashes_(processors, 0xcbf29ce484222325ull) {}

    // In the order of each processor's time.
    void add(u32 processor, i64 time_ns, EventKind kind, u32 subject, u32 detail = 0)
    {
        counts_[static_cast<usize>(kind)]++;
        u64& hash = hashes_[processor];
        hash = (hash ^ static_cast<u64>(time_ns)) * 0x9e3779b97f4a7c15ull;
        hash = (hash ^ hash >> 29 ^ static_cast<u64>(kind) << 56 ^ static_cast<u64>(detail) << 32 ^ subject) *
               0xbf58476d1ce4e5b9ull;
        if (tracing_) [[unlikely]]
            trace_.push_back({time_ns, subject, detail, static_cast<u8>(processor), kind});
    }
    // What the machine does wrong is no event of the kernel's: it shows in what follows.
    void add_fault(u32 processor, i64 time_ns, u32 point)
    {
        if (tracing_) trace_.push_back({time_ns, point, 0, static_cast<u8>(processor), EventKind::fault});
    }
    u64 count(EventKind kind) const { return counts_[static_cast<usize>(kind)]; }
    u64 total() const
    {
        u64 sum = 0;
        for (u64 count : counts_) sum += count;
        return sum;
    }
    // Of the processors' own histories, so that the order in which the host computes them does not matter.
    u64 hash() const;

    void trace(bool on) { tracing_ = on; }
    // Subjects of switches and wake-ups are thread ids; `names[id]` names them.
    void write_trace(const std::string& file, const std::vector<std::string>& names) const;

private:
    struct Traced {
        i64 time_ns;
        u32 subject;
        u32 detail;
        u8 processor;
        EventKind kind;
    };
    std::vector<u64> hashes_;
    u64 counts_[event_kind_count] = {};
    bool tracing_ = false;
    std::vector<Traced> trace_;
};

}  // namespace takt::sim
