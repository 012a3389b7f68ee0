// MemoryObject: pages that may be mapped into address spaces and read and written as a file: tmpfs files, shared
// anonymous memory, System V segments.
#pragma once

#include <kernel/mm/allocate.hpp>
#include <kernel/base/text.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class MemoryObject : public RefCounted<MemoryObject>, public HeapObject {
public:
    virtual ~MemoryObject() = default;

    // The frame that holds page `index`, with a reference for the caller; made (zeroed) if it is not there and
    // `create`. Null result with create == false: a hole. Errors: enomem, efbig, and efault beyond the end (SIGBUS).
    virtual Result<FrameRef> page(MayBlock& context, u64 index, bool create) = 0;
    virtual u64 size_bytes() const = 0;
    // A path for /proc/PID/maps, empty for none.
    virtual void describe(MayBlock& context, TextSink& sink) = 0;
    virtual u64 inode_number() const { return 0; }
    virtual u64 device_number() const { return 0; }
};

}  // namespace takt
