// SlabAllocator: the kernel's heap below a page (Bonwick, "The Slab Allocator", USENIX 1994; magazines: Bonwick and
// Adams, USENIX 2001).
//
// Objects of one size class come from slabs, runs of frames with a header; in front of each class stand magazines, one
// for each CPU, which allocate() and free() use with preemption off and no lock. The callers' side is allocate.hpp.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/list.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class SlabAllocator {
public:
    static constexpr usize class_count = 14;
    static constexpr usize object_bytes_max = 2048;

    // Null when memory is used up. O(1): a magazine's top; else half a magazine under the class's lock.
    void* allocate(MayLock& context, usize bytes);
    // `frame` is the one that `object` lies in. A pointer that is not an allocated object's is a bug and panics.
    void free(void* object, FrameNumber frame);

    // Allocated and not freed, of all classes. Bound: classes times CPUs. Not of one moment; what a test compares.
    u64 objects_in_use() const;

private:
    struct FreeObject;
    // The header of a slab, in its first frame.
    struct Slab : ListHook<> {
        FreeObject* free = nullptr;
        u16 untouched = 0;  // objects from this index on were never handed out
        u16 in_use = 0;
        u16 capacity = 0;
        u16 first_offset = 0;
    };
    static constexpr usize magazine_capacity = 32;

    struct Magazine {
        u32 count = 0;
        void* objects[magazine_capacity];
    };
    // One frame for each CPU, made on its first allocation.
    struct Magazines {
        Magazine of[class_count];
    };
    static_assert(sizeof(Magazines) <= page_size);

    struct SizeClass {
        Lock<Rank::slab> lock;
        List<Slab> partial GUARDED_BY(lock);  // slabs with a free object
        u32 empty GUARDED_BY(lock) = 0;       // of those, the ones with no object in use: at most one is kept
        Atomic<u64> taken{0};                 // objects that are not in slabs; written under lock
    };

    void* refill_and_take(MayLock& context, usize which);
    usize take(MayLock& guard, SizeClass& size_class, usize which, void** objects, usize wanted)
        REQUIRES(size_class.lock);
    void put_back(usize which, void** objects, usize count);
    Slab* make_slab(MayLock& guard, usize which);
    void destroy_slab(FrameNumber first, usize which);
    void make_magazines(MayLock& context);

    SizeClass classes_[class_count];
    Atomic<Magazines*> magazines_[cpu_count_max];
};

}  // namespace takt
