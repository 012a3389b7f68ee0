// hal: page tables of user address spaces.
//
// The functions work on one translation at a time, take no lock of their own, and are called under the address space's
// mutex. They do not flush: the caller collects what it removed or narrowed and calls flush_*() before it frees frames.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/result.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/context.hpp>

namespace takt::hal {

struct PageAccess {
    bool write = false;
    bool execute = false;
};

struct Translation {
    bool present = false;
    FrameNumber frame{};
    bool write = false, execute = false, accessed = false, dirty = false;
};

// A new top-level table with the kernel's half in it: its physical address. Error: enomem.
Result<u64> create_page_table(MayLock& context);
// Frees the tables (not the frames they map; the caller has unmapped all). Preemptible.
void destroy_page_table(MayLock& context, u64 root);
// Sets one translation; makes the tables on the way. Error: enomem.
Result<void> map_page(MayLock& context, u64 root, u64 address, FrameNumber frame, PageAccess access);
// Changes the rights of a present translation.
void protect_page(u64 root, u64 address, PageAccess access);
// Removes a translation and returns what it was.
Translation unmap_page(u64 root, u64 address);
Translation translate(u64 root, u64 address);
// The next address at or above `address` and below `end` that has a present translation, skipping absent tables;
// `end` if there is none. Bound: tables skipped.
u64 next_mapped(u64 root, u64 address, u64 end);
u64 page_table_pages(u64 root);

// Makes `cpus` (those that may hold translations of `root`) forget [start, end), or everything when the range is large.
// Waits until they have; interrupts must be on. Only CPUs in the set that run the space now are interrupted.
void flush_user_range(MayLock& context, u64 root, const CpuSet& cpus, u64 start, u64 end);

}  // namespace takt::hal
