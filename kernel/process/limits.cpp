#include <kernel/process/limits.hpp>

namespace takt {

Limits Limits::initial(u64 threads_max)
{
    Limits limits;
    for (abi::Rlimit& limit : limits.values) limit = {abi::rlimit_infinity, abi::rlimit_infinity};
    limits[Resource::stack].current = 8ull << 20;
    limits[Resource::core].current = 0;
    limits[Resource::processes] = {threads_max / 2, threads_max / 2};
    limits[Resource::files] = {1024, 4096};
    limits[Resource::locked_memory] = {8ull << 20, 8ull << 20};
    limits[Resource::pending_signals] = {threads_max / 2, threads_max / 2};
    limits[Resource::message_queue] = {819'200, 819'200};
    limits[Resource::nice] = {0, 0};
    limits[Resource::realtime_priority] = {0, 0};
    return limits;
}

}  // namespace takt
