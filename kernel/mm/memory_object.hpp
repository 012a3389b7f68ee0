// MemoryObject: pages that may be mapped into address spaces and read and written as a file: tmpfs files, shared
// anonymous memory, System V segments.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/base/text.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class AddressSpace;
class Area;
struct MappedAreaTag;

class MemoryObject : public RefCounted<MemoryObject>, public HeapObject {
public:
    MemoryObject();
    virtual ~MemoryObject();

    // The frame that holds page `index`, with a reference for the caller; made (zeroed) if it is not there and
    // `create`. Null result with create == false: a hole. Errors: enomem, efbig, and efault beyond the end (SIGBUS).
    virtual Result<FrameRef> page(MayBlock& context, u64 index, bool create) = 0;
    virtual u64 size_bytes() const = 0;
    // A path for /proc/PID/maps, empty for none.
    virtual void describe(MayBlock& context, TextSink& sink) = 0;
    virtual u64 inode_number() const { return 0; }
    virtual u64 device_number() const { return 0; }

    // After pages were taken out of the object: takes [first, end) out of all that map it, so that the next access asks
    // the object again. With `copies`, also the private copies of those pages (a file that was cut; a hole leaves
    // them). One call at a time for an object, with no lock of Rank::address_space or above held. Bound: areas that map
    // it.
    void unmap_pages(MayBlock& context, u64 first, u64 end, bool copies);

private:
    friend class AddressSpace;
    // Areas come and go under their space's mutex.
    void add_area(MayLock& context, Area& area);
    void remove_area(MayLock& context, Area& area);
    Ref<AddressSpace> next_space_to_sweep(MayLock& context, u32 sweep, bool& done);

    Lock<Rank::object> areas_lock_;
    List<Area, MappedAreaTag> areas_ GUARDED_BY(areas_lock_);  // swept ones are at the back
    u32 sweep_ GUARDED_BY(areas_lock_) = 0;                    // counts calls of unmap_pages()
};

}  // namespace takt
