// Area: a run of pages of an address space that are mapped alike (what /proc/PID/maps shows as a line).
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/mm/memory_object.hpp>

namespace takt {

namespace area_flag {
inline constexpr u16 shared = 1;
inline constexpr u16 may_write = 2;  // mprotect(2) may make it writable
inline constexpr u16 grows_down = 4;
inline constexpr u16 locked = 8;            // mlock(2)
inline constexpr u16 lock_on_fault = 16;    // with locked: pages are not brought in ahead
inline constexpr u16 no_reserve = 32;       // MAP_NORESERVE
inline constexpr u16 committed = 64;        // counted as a promise of memory
inline constexpr u16 no_fork = 128;         // MADV_DONTFORK
inline constexpr u16 wipe_on_fork = 256;    // MADV_WIPEONFORK
inline constexpr u16 no_dump = 512;         // MADV_DONTDUMP
inline constexpr u16 has_own_pages = 1024;  // private mapping of an object: some pages have been copied
inline constexpr u16 never_execute = 2048;  // of a file on a no-exec mount: mprotect(2) can't make it executable
}  // namespace area_flag

class Area : public TreeHook<>, public ListHook<MappedAreaTag>, public HeapObject {
public:
    u64 start = 0;
    u64 end = 0;
    u64 object_offset = 0;       // bytes, of `start`
    Ref<MemoryObject> object{};  // null: private anonymous memory
    const char* label = nullptr;
    u16 flags = 0;
    u8 protection = 0;
    u8 policy = 0;                  // mbind(2) mode; the node is always 0
    u32 sweep = 0;                  // the object's: which unmap_pages() has looked here
    AddressSpace* space = nullptr;  // with an object: whose it is

    Area() = default;
    // A copy of all but its places in the space and with the object.
    Area(const Area& other, u64 from, u64 to)
        : start(from), end(to), object_offset(other.object_offset + (from - other.start)), object(other.object),
          label(other.label), flags(other.flags), protection(other.protection), policy(other.policy)
    {
    }

    bool has(u16 flag) const { return flags & flag; }
    u64 pages() const { return (end - start) >> page_shift; }
    bool contains(u64 address) const { return address >= start && address < end; }
    u64 object_index(u64 address) const { return (object_offset + (address - start)) >> page_shift; }
    // `right` begins where this ends, and both are alike but for that.
    bool continues_as(const Area& right) const
    {
        constexpr u16 compared = static_cast<u16>(~area_flag::has_own_pages);
        return end == right.start && protection == right.protection && (flags & compared) == (right.flags & compared) &&
               !has(area_flag::grows_down) && label == right.label && policy == right.policy &&
               object == right.object && (!object || object_offset + (end - start) == right.object_offset);
    }
};

struct AreaOrder {
    bool operator()(const Area& left, const Area& right) const { return left.start < right.start; }
    bool operator()(u64 left, const Area& right) const { return left < right.start; }
    bool operator()(const Area& left, u64 right) const { return left.start < right; }
};
using Areas = Tree<Area, AreaOrder>;

// Areas taken out of an address space. Declared before the guard of the space's mutex: dropping an object may be the
// end of a file, which wants locks of its own.
class RemovedAreas {
public:
    RemovedAreas() = default;
    RemovedAreas(const RemovedAreas&) = delete;
    ~RemovedAreas()
    {
        areas_.clear_and_dispose([](Area* area) { delete area; });
    }
    void add(Area& area) { areas_.insert(areas_.end(), area); }

private:
    Areas areas_;
};

}  // namespace takt
