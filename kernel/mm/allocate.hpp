// Kernel memory: slab caches by size below a page, whole pages above.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>
#include <kernel/sync/ref.hpp>
#include <memory>

namespace takt {

// Null when memory is used up. At most one Lock (of this CPU's slab) on the common path; O(1). Not zeroed.
// Aligned to 16 bytes, or to the size for powers of two up to a page.
[[nodiscard]] void* allocate(MayLock& context, usize bytes);
[[nodiscard]] void* allocate_zeroed(MayLock& context, usize bytes);
// Null is allowed. Any thread context that may take a Lock.
void free(void* memory);

// Base of objects made by make() and make_ref(): `delete` gives the memory back to the kernel's allocator.
class HeapObject {
public:
    static void operator delete(void* memory, usize) { free(memory); }
    static void* operator new(usize, void* place) { return place; }
};

// Owned<T>: one owner.
template <typename T>
using Owned = std::unique_ptr<T>;

// T must derive from HeapObject. Error: enomem.
template <typename T, typename... Arguments>
Result<Owned<T>> make(MayLock& context, Arguments&&... arguments)
{
    void* memory = allocate(context, sizeof(T));
    if (!memory) return Errno::enomem;
    return Owned<T>(new (memory) T(std::forward<Arguments>(arguments)...));
}

// T must derive from HeapObject and RefCounted. Error: enomem.
template <typename T, typename... Arguments>
Result<Ref<T>> make_ref(MayLock& context, Arguments&&... arguments)
{
    void* memory = allocate(context, sizeof(T));
    if (!memory) return Errno::enomem;
    return Ref<T>::adopt(new (memory) T(std::forward<Arguments>(arguments)...));
}

}  // namespace takt
