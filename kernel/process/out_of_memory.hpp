// OutOfMemory: which process ends when memory is used up (mm/out_of_memory.hpp asks; proc(5), /proc/PID/oom_score_adj).
#pragma once

#include <kernel/base/time.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/process_table.hpp>

namespace takt {

// Member of Kernel.
class OutOfMemory {
public:
    // See kill_for_memory(). Bound: processes, each looked at under its own lock for a moment.
    bool kill_one(MayBlock& context);

private:
    struct Victim {
        Ref<Process> process;
        i64 points = 0;
        AddressSpace::PageCounts pages{};
        const AddressSpace* space = nullptr;  // to compare only
        u32 user = 0;
    };
    // `leaving`: set when the process is ending anyway and will give its memory back.
    void consider(MayLock& context, Process& process, i64 memory_pages, Victim& best, bool& leaving);
    void kill(MayLock& context, const Victim& victim);
    bool choose_and_kill(MayBlock& context);
    // True: nobody need be chosen by the caller: one is on its way out, or being chosen. False: the caller chooses.
    bool begin_choice(MayLock& context);
    void end_choice(MayLock& context, Ref<Process> victim);
    void say_that_none_is_left(MayLock& context);

    // How long a victim may take before another one has to go too, and the least time between two messages that there
    // is none.
    static constexpr Duration patience = milliseconds(2000);

    Lock<Rank::object> lock_;
    bool choosing_ GUARDED_BY(lock_) = false;
    Ref<Process> last_ GUARDED_BY(lock_);
    Instant killed_at_ GUARDED_BY(lock_){};
    bool said_none_ GUARDED_BY(lock_) = false;
    Instant said_none_at_ GUARDED_BY(lock_){};
};

}  // namespace takt
