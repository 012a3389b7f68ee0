#include <kernel/kernel.hpp>
#include <kernel/process/clock_deadline.hpp>

namespace takt {

Instant DeadlineWait::convert() const { return hal::kernel().wall_clock.to_monotonic(deadline_.ns); }

bool DeadlineWait::reached() const
{
    return !deadline_.wall_clock || hal::kernel().wall_clock.realtime_ns() >= deadline_.ns;
}

}  // namespace takt
