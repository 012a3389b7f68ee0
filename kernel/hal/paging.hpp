// hal: page tables of user address spaces.
//
// The functions work on one translation at a time, take no lock of their own, and are called under the address space's
// mutex. They do not flush: the caller collects what it removed or narrowed and calls flush_user_range() before it
// frees frames.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/result.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/context.hpp>
#include <span>

namespace takt {

class AddressSpace;

namespace hal {

// Without `read` the translation keeps its frame, but every access faults (PROT_NONE). Write and execute imply read.
struct PageAccess {
    bool read = true;
    bool write = false;
    bool execute = false;
};

struct Translation {
    bool present = false;  // there is a frame, accessible or not
    FrameNumber frame{};
    bool read = false, write = false, execute = false;
};

// A new top-level table with the kernel's half in it: its physical address. Error: enomem.
Result<u64> create_page_table(MayLock& context);
// Frees the tables (not the frames they map; the caller has unmapped all). No CPU has the root loaded any more:
// retire_address_space() came first. Preemptible; bound: the tables.
void destroy_page_table(MayLock& context, u64 root);
// Sets one translation, replacing one that is there; makes the tables on the way. Error: enomem, no translation
// changed.
Result<void> map_page(MayLock& context, u64 root, u64 address, FrameNumber frame, PageAccess access);
// Changes the rights of a present translation.
void protect_page(u64 root, u64 address, PageAccess access);
// Removes a translation and returns what it was.
Translation unmap_page(u64 root, u64 address);
Translation translate(u64 root, u64 address);
// Moves `address` to the next present translation at or above it and below `end`, skipping absent tables. False, and
// address == end: there is none. Bound: one table's entries for each table in the range.
bool next_translation(u64 root, u64& address, u64 end, Translation& translation);
// Removes present translations from `address` on and below `end`, and moves `address` past them: stores their frame
// numbers, at most frames.size(), and returns how many. Bound: as next_translation.
usize take_translations(u64 root, u64& address, u64 end, std::span<u64> frames);
// fork(2): gives `to` each present translation of `from` in [start, end) whose frame `share` agrees to, and takes the
// right to write from both. `narrowed` says whether `from` lost any; also on an error, enomem: then `share` has agreed
// to one frame that `to` doesn't have, which is `refused`.
struct ShareRequest {
    u64 from, to;  // roots
    u64 start, end;
    bool (*share)(void* argument, FrameNumber frame);
    void* argument;
};
Result<void> share_translations(MayLock& context, const ShareRequest& request, bool& narrowed, FrameNumber& refused);
// Takes tables for [start, end) that hold nothing any more out of the tree, and returns them as a chain (0: none). They
// may be freed after the range is flushed: processors cache pointers to tables too.
u64 detach_empty_tables(u64 root, u64 start, u64 end);
void free_tables(MayLock& context, u64 chain);
// Tables of this root, itself included. O(1).
u64 page_table_pages(u64 root);

// --- Forgetting translations. Callers have changed the tables already. Waits, with preemption and interrupts on, until
// every CPU that runs the space has forgotten; CPUs that don't are not disturbed. Bound: the longest time that a CPU
// has interrupts off. Not with preemption off.

void flush_user_range(MayLock& context, AddressSpace& space, u64 start, u64 end);
// Has every CPU that runs the space execute a full memory barrier (membarrier(2)).
void barrier_on_users(MayLock& context, AddressSpace& space);
// Makes every CPU that still has the space loaded, as an idle CPU does, load the kernel's own. No thread may have it as
// its space any more.
void retire_address_space(MayLock& context, AddressSpace& space);

// --- Whole frames. Preemptible.
void zero_frame(FrameNumber frame);
void copy_frame(FrameNumber to, FrameNumber from);

}  // namespace hal
}  // namespace takt
