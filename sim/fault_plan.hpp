// FaultPlan: what goes wrong on a machine, and when, as its seed decides. Each point is asked wherever it could happen;
// each processor has a generator of its own for each point, so that neither another point nor another processor's
// order changes what one draws, and a machine without a plan draws nothing.
#pragma once

#include <kernel/hal/fault.hpp>
#include <sim/random.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace takt::sim {

struct FaultOptions {
    u32 points = 0;  // bit set; 0: no plan
    u32 one_in = 0;  // of the times that a point is reached; 0: what each has of its own
};

inline constexpr u32 all_fault_points = (1u << fault_point_count) - 1;

struct FaultCounts {
    u64 reached = 0, injected = 0;
};

class FaultPlan {
public:
    FaultPlan(const FaultOptions& options, u64 seed, u32 processors);

    // From here on. A kernel that starts may count on what it needs.
    void arm() { armed_ = options_.points != 0; }
    // Instead of by chance: the `nth` time from now that any of the points is reached, and never again. 0: never.
    void arm_once(u64 nth)
    {
        armed_ = once_ = true;
        left_ = nth;
        left_alone_.clear();
    }
    // It has not happened yet.
    bool waits() const { return left_ != 0; }

    // Whether it happens now, to this processor.
    bool happens(FaultPoint point, u32 processor)
    {
        return armed_ && (options_.points >> static_cast<u32>(point) & 1) && draws(point, processor);
    }
    // To what a thread asks for. Afterwards it is left alone for a while: what is tried again comes out well.
    bool happens_to_thread(FaultPoint point, u32 processor, u32 thread);
    // How long, how much: for a point that has just happened.
    Random& random(FaultPoint point, u32 processor)
    {
        return randoms_[processor * fault_point_count + static_cast<usize>(point)];
    }

    const FaultCounts& counts(FaultPoint point) const { return counts_[static_cast<usize>(point)]; }

    static const char* name(FaultPoint point);
    // "slab,frame", "all", "none" to a bit set, and back. invalid_argument: there is no such point.
    static u32 parse(const std::string& text);
    static std::string text(u32 points);
    static std::string names();

private:
    static constexpr u32 left_alone_count = 8;  // times that a thread reaches points

    bool draws(FaultPoint point, u32 processor);

    FaultOptions options_;
    bool armed_ = false;
    bool once_ = false;
    u64 left_ = 0;  // once: times until then
    std::vector<Random> randoms_;
    FaultCounts counts_[fault_point_count];
    std::unordered_map<u32, u32> left_alone_;  // by thread; looked up only
};

}  // namespace takt::sim
