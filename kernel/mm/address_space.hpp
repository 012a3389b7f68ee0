// AddressSpace: the user memory of a process (or of several that share it, clone(CLONE_VM)): areas and page tables.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/mm/memory_object.hpp>
#include <span>

namespace takt {

class File;

namespace protection {
inline constexpr u32 none = 0, read = 1, write = 2, execute = 4;  // PROT_*
}

// mmap(2) flags, Linux's numbers.
namespace map_flag {
inline constexpr u32 shared = 0x01, private_ = 0x02, shared_validate = 0x03, fixed = 0x10, anonymous = 0x20,
                     grows_down = 0x100, locked = 0x2000, no_reserve = 0x4000, populate = 0x8000, non_block = 0x10000,
                     stack = 0x20000, huge = 0x40000, sync = 0x80000, fixed_no_replace = 0x100000;
}

inline constexpr u64 user_address_min = 0x10000;          // vm.mmap_min_addr
inline constexpr u64 user_address_end = 0x7ffffffff000;   // first address user space can't have

// Access that faulted.
struct FaultAccess {
    bool write = false;
    bool execute = false;
    bool user = false;  // from user mode (else a kernel copy)
};

// What the faulting thread gets when a fault can't be served (signal(7)).
enum class FaultSignal : u8 { none, segv_maperr, segv_accerr, bus_adrerr, out_of_memory };

struct MapRequest {
    u64 address = 0;  // hint, or place with map_flag::fixed
    u64 length = 0;
    u32 protection = 0;
    u32 flags = 0;
    Ref<MemoryObject> object{};  // null: anonymous
    u64 object_offset = 0;       // bytes, page-aligned
    bool object_writable = true;  // the file was opened for writing: a shared mapping may become writable
    const char* label = nullptr;  // "[stack]", "[vdso]" for /proc/PID/maps; static text
};

struct MemoryUse {
    u64 total_pages = 0, resident_pages = 0, shared_pages = 0, text_pages = 0, data_pages = 0, locked_pages = 0,
        stack_pages = 0, page_table_pages = 0, peak_total_pages = 0, peak_resident_pages = 0;
};

// One area as /proc/PID/maps shows it.
struct AreaInfo {
    u64 start, end;
    u32 protection;
    bool shared;
    u64 offset;
    Ref<MemoryObject> object;
    const char* label;
    u64 resident_pages;
};

struct MemoryLimits {
    u64 address_space_bytes = ~0ull, data_bytes = ~0ull, stack_bytes = 8ull << 20, locked_bytes = ~0ull;
    bool may_lock = true;  // CAP_IPC_LOCK
};

class AddressSpace : public RefCounted<AddressSpace>, public HeapObject {
public:
    // Empty, with the kernel's half mapped. Errors: enomem.
    static Result<Ref<AddressSpace>> create(MayBlock& context);
    ~AddressSpace();

    // fork(2): same areas, private pages shared copy-on-write. Preemptible between pages. Errors: enomem.
    Result<Ref<AddressSpace>> fork(MayBlock& context);

    // mmap(2): the address. Errors: enomem, einval, eexist, eperm, eagain, eacces, eoverflow.
    Result<u64> map(MayBlock& context, const MapRequest& request, const MemoryLimits& limits);
    Result<void> unmap(MayBlock& context, u64 address, u64 length);
    Result<void> protect(MayBlock& context, u64 address, u64 length, u32 protection);
    Result<u64> remap(MayBlock& context, u64 old_address, u64 old_length, u64 new_length, u32 flags, u64 new_address,
                      const MemoryLimits& limits);
    // brk(2): the new (or unchanged) end of the heap.
    u64 set_break(MayBlock& context, u64 wanted, const MemoryLimits& limits);
    void init_break(u64 start);
    Result<void> lock_range(MayBlock& context, u64 address, u64 length, bool on_fault, const MemoryLimits& limits);
    Result<void> unlock_range(MayBlock& context, u64 address, u64 length);
    // mlockall(2): current areas, future areas, on fault.
    Result<void> lock_all(MayBlock& context, bool current, bool future, bool on_fault, const MemoryLimits& limits);
    void unlock_all(MayBlock& context);
    Result<void> advise(MayBlock& context, u64 address, u64 length, int advice);
    Result<void> sync(MayBlock& context, u64 address, u64 length, u32 flags);
    // mincore(2): one byte a page.
    Result<void> resident(MayBlock& context, u64 address, std::span<u8> pages);

    // Page fault. Resolves it, or says which signal the thread gets.
    FaultSignal fault(MayBlock& context, u64 address, FaultAccess access, u64 stack_limit_bytes);

    // Copies to or from this address space, which need not be the current one (ptrace, /proc/PID/mem, cmdline). With
    // `force`, ignores protection as ptrace does. Returns bytes copied before a bad page.
    usize access(MayBlock& context, u64 address, void* buffer, usize bytes, bool write, bool force);

    // A futex word's identity: (object, page index, offset) for shared mappings, so that processes agree; null object
    // for private memory. Errors: efault.
    struct FutexKey {
        const void* object;  // the MemoryObject, or this AddressSpace
        u64 offset;          // bytes in the object, or the address
        bool operator==(const FutexKey&) const = default;
    };
    Result<FutexKey> futex_key(MayBlock& context, u64 address, bool private_hint);

    MemoryUse use(MayBlock& context);
    // Areas in order; the visitor returns false to stop.
    template <typename Visitor>
    void each_area(MayBlock& context, Visitor visitor);
    Result<AreaInfo> area_at_or_above(MayBlock& context, u64 address);  // enoent past the last

    // Where exec put things, for /proc/PID/{cmdline,environ,stat}.
    struct Layout {
        u64 code_start = 0, code_end = 0, data_start = 0, data_end = 0, break_start = 0, stack_start = 0, argument_start = 0,
            argument_end = 0, environment_start = 0, environment_end = 0, vdso = 0;
    };
    Layout layout;

    // Physical address of the top-level page table, for the context switch.
    u64 root() const { return root_; }
    // CPUs whose TLB may hold translations of this space.
    void entered_on(CpuId cpu);
    void left_on(CpuId cpu);

private:
    class Impl;
    u64 root_ = 0;
};

}  // namespace takt
