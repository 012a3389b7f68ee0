// AddressSpace: the user memory of a process (or of several that share it, clone(CLONE_VM)): areas and page tables.
//
// One Mutex guards it all. Pages come at the first access (fault()); private pages are shared until someone writes.
// Sources: mmap(2), mprotect(2), mremap(2), brk(2), mlock(2), madvise(2), msync(2), mincore(2), mbind(2).
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/hal/paging.hpp>
#include <kernel/mm/area.hpp>
#include <span>

namespace takt {

class UnmapBatch;

namespace protection {
inline constexpr u32 none = 0, read = 1, write = 2, execute = 4;  // PROT_*
inline constexpr u32 grows_down = 0x01000000;
}  // namespace protection

// mmap(2) flags, Linux's numbers.
namespace map_flag {
inline constexpr u32 shared = 0x01, private_ = 0x02, shared_validate = 0x03, type = 0x0f, fixed = 0x10,
                     anonymous = 0x20, low_2_gib = 0x40, grows_down = 0x100, locked = 0x2000, no_reserve = 0x4000,
                     populate = 0x8000, non_block = 0x10000, stack = 0x20000, huge = 0x40000, sync = 0x80000,
                     fixed_no_replace = 0x100000;
}

// mremap(2) flags.
namespace remap_flag {
inline constexpr u32 may_move = 1, fixed = 2, dont_unmap = 4;
}

inline constexpr u64 user_address_min = 0x10000;           // vm.mmap_min_addr
inline constexpr u64 user_address_end = 0x7ffffffff000;    // first address user space can't have
inline constexpr u64 stack_guard_bytes = 256 * page_size;  // kept free below what grows down
inline constexpr u32 area_count_max = 65530;               // vm.max_map_count

// Access that faulted.
struct FaultAccess {
    bool write = false;
    bool execute = false;
    bool user = false;  // from user mode (else a kernel copy)
};

// What the faulting thread gets when a fault can't be served (signal(7)). out_of_memory: nothing, it is being killed.
enum class FaultSignal : u8 { none, segv_maperr, segv_accerr, bus_adrerr, out_of_memory };

struct MapRequest {
    u64 address = 0;  // hint, or place with map_flag::fixed
    u64 length = 0;
    u32 protection = 0;
    u32 flags = 0;
    Ref<MemoryObject> object{};     // null: anonymous
    u64 object_offset = 0;          // bytes, page-aligned
    bool object_writable = true;    // the file was opened for writing: a shared mapping may become writable
    bool object_executable = true;  // the file's mount allows execution
    const char* label = nullptr;    // "[vdso]" for /proc/PID/maps; static text
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
    const char* label;   // null: none
    u64 resident_pages;  // 0 unless asked for
    u16 flags;           // area_flag
};

struct MemoryLimits {
    u64 address_space_bytes = ~0ull, data_bytes = ~0ull, stack_bytes = 8ull << 20, locked_bytes = ~0ull;
    bool may_lock = true;     // CAP_IPC_LOCK
    bool may_map_low = true;  // CAP_SYS_RAWIO: below user_address_min
};

class AddressSpace : public RefCounted<AddressSpace>, public HeapObject {
public:
    // Empty, with the kernel's half mapped. Errors: enomem.
    static Result<Ref<AddressSpace>> create(MayBlock& context);
    // No thread runs in the space any more; CPUs that still have it loaded are made to leave.
    ~AddressSpace();

    // fork(2): same areas, private pages shared copy-on-write. Preemptible between pages. Bound: areas and present
    // private pages. Errors: enomem.
    Result<Ref<AddressSpace>> fork(MayBlock& context);

    // mmap(2): the address. Errors: enomem, einval, eexist, eperm, eagain, eacces, eoverflow.
    Result<u64> map(MayBlock& context, const MapRequest& request, const MemoryLimits& limits);
    Result<void> unmap(MayBlock& context, u64 address, u64 length);
    // Errors: einval, eacces, enomem (a hole in the range; then nothing is changed).
    Result<void> protect(MayBlock& context, u64 address, u64 length, u32 protection);
    Result<u64> remap(MayBlock& context, u64 old_address, u64 old_length, u64 new_length, u32 flags, u64 new_address,
                      const MemoryLimits& limits);
    // brk(2): the new (or unchanged) end of the heap.
    u64 set_break(MayBlock& context, u64 wanted, const MemoryLimits& limits);
    // exec(2), before the space is used: where the heap starts, and how far below the stack's place mappings go.
    void init_break(u64 start);
    void init_placement(u64 stack_limit_bytes);

    Result<void> lock_range(MayBlock& context, u64 address, u64 length, bool on_fault, const MemoryLimits& limits);
    Result<void> unlock_range(MayBlock& context, u64 address, u64 length);
    // mlockall(2): current areas, future areas, on fault.
    Result<void> lock_all(MayBlock& context, bool current, bool future, bool on_fault, const MemoryLimits& limits);
    void unlock_all(MayBlock& context);

    Result<void> advise(MayBlock& context, u64 address, u64 length, int advice);
    Result<void> sync(MayBlock& context, u64 address, u64 length, u32 flags);
    // mincore(2): one byte a page. Errors: enomem for a hole.
    Result<void> resident(MayBlock& context, u64 address, std::span<u8> pages);
    // mbind(2): remembers the mode. Errors: efault for a hole.
    Result<void> set_policy(MayBlock& context, u64 address, u64 length, u8 policy);
    Result<u8> policy_at(MayBlock& context, u64 address);

    // Page fault. Resolves it, or says which signal the thread gets; segv_maperr may still be a stack that should grow.
    // When memory runs out it has the out-of-memory killer run, without the mutex, and tries again: bus_adrerr when
    // there is nobody left to kill (mm/out_of_memory.hpp).
    FaultSignal fault(MayBlock& context, u64 address, FaultAccess access);
    // Extends an area that grows down to `address`. False: there is none, or a limit or a neighbour is in the way.
    bool grow_down(MayBlock& context, u64 address, const MemoryLimits& limits);

    // Copies to or from this address space, which need not be the current one (ptrace, /proc/PID/mem, cmdline). With
    // `force`, ignores protection as ptrace does. Returns bytes copied before a bad page.
    usize access(MayBlock& context, u64 address, void* buffer, usize bytes, bool write, bool force);

    // A futex word's identity: (object, offset) for shared mappings, so that processes agree; else this space and the
    // address. Errors: efault.
    struct FutexKey {
        const void* object;  // the MemoryObject, or this AddressSpace
        u64 offset;          // bytes in the object, or the address
        bool operator==(const FutexKey&) const = default;
    };
    Result<FutexKey> futex_key(MayBlock& context, u64 address, bool private_hint);

    MemoryUse use(MayBlock& context);
    // The area that contains `address` or the next above. enoent past the last.
    Result<AreaInfo> area_at_or_above(MayBlock& context, u64 address, bool count_resident = false);
    // Areas in order, each looked up on its own; the visitor returns false to stop.
    template <typename Visitor>
    void each_area(MayBlock& context, Visitor visitor)
    {
        for (u64 address = 0;;) {  // bound: areas
            Result<AreaInfo> info = area_at_or_above(context, address);
            if (!info.ok()) return;
            address = info.value().end;
            if (!visitor(info.value())) return;
        }
    }

    // Where exec put things, for /proc/PID/{cmdline,environ,stat}.
    struct Layout {
        u64 code_start = 0, code_end = 0, data_start = 0, data_end = 0, break_start = 0, stack_start = 0,
            argument_start = 0, argument_end = 0, environment_start = 0, environment_end = 0, vdso = 0;
    };
    Layout layout;

    // membarrier(2) registrations, by command bit.
    Atomic<u32> barrier_registrations{0};

    // For MemoryObject::unmap_pages(): takes the object's pages [first, end) out; with `copies`, private ones too.
    void unmap_object_pages(MayBlock& context, const MemoryObject& object, u64 first, u64 end, bool copies);

    // For the choice of a victim when memory is used up: a glance without the mutex, not of one moment.
    struct PageCounts {
        u64 total, anonymous, object;
    };
    PageCounts glance() const NO_THREAD_SAFETY_ANALYSIS
    {
        return {__atomic_load_n(&total_pages_, __ATOMIC_RELAXED), __atomic_load_n(&anonymous_pages_, __ATOMIC_RELAXED),
                __atomic_load_n(&object_pages_, __ATOMIC_RELAXED)};
    }

    // --- The machine's side.

    // Physical address of the top-level page table, for the context switch.
    u64 root() const { return root_; }
    // CPUs that have ever had the space loaded since it was made. The context switch calls entered_on() before it loads
    // the root; a CPU stays in the set, and CpuState::space says whether it still matters. One load when it is there.
    void entered_on(CpuId cpu)
    {
        Atomic<u64>& word = users_[cpu.value / 64];
        u64 bit = 1ull << cpu.value % 64;
        if (!(word.load(Order::relaxed) & bit)) word.fetch_or(bit, Order::seq_cst);
    }
    CpuSet users() const
    {
        CpuSet set;
        for (usize index = 0; index < CpuSet::word_count; index++)
            set.set_word(index, users_[index].load(Order::relaxed));
        return set;
    }

private:
    template <typename T, typename... Arguments>
    friend Result<Ref<T>> make_ref(MayLock& context, Arguments&&... arguments);
    explicit AddressSpace(u64 root) : root_(root) {}

    // --- address_space.cpp: areas.
    Area* containing(u64 address) REQUIRES(mutex_);
    Area* at_or_above(u64 address) REQUIRES(mutex_);
    Area* next(Area& area) REQUIRES(mutex_);
    Area* previous(Area& area) REQUIRES(mutex_);
    void insert(Area& area) REQUIRES(mutex_);
    void remove(Area& area) REQUIRES(mutex_);
    void link(Area& area) REQUIRES(mutex_);
    void unlink(Area& area) REQUIRES(mutex_);
    void account(const Area& area, i64 sign) REQUIRES(mutex_);
    Result<void> split(MayBlock& context, Area& area, u64 at, bool check_count) REQUIRES(mutex_);
    Result<void> split_edges(MayBlock& context, u64 start, u64 end, bool check_count) REQUIRES(mutex_);
    Area* merge_with_next(Area& area) REQUIRES(mutex_);
    void merge_range(u64 start, u64 end) REQUIRES(mutex_);
    bool covered(u64 start, u64 end) REQUIRES(mutex_);
    void clear_range(MayBlock& context, u64 start, u64 end, RemovedAreas& removed) REQUIRES(mutex_);
    usize uncount_pages(std::span<u64> frames) REQUIRES(mutex_);
    void drop_pages(u64 start, u64 end, UnmapBatch& batch) REQUIRES(mutex_);
    void drop_object_pages(u64 start, u64 end, UnmapBatch& batch) REQUIRES(mutex_);
    // Over the areas in the range, holes left out: clears and sets flags, and the policy if it is given. Error: enomem.
    Result<void> change_areas(MayBlock& context, u64 start, u64 end, u16 clear, u16 set, const u8* policy = nullptr)
        REQUIRES(mutex_);

    // --- address_space_map.cpp: places and limits.
    Result<u64> find_hole(u64 length, u64 low, u64 high, u64& largest_passed) REQUIRES(mutex_);
    Result<u64> find_place(u64 length) REQUIRES(mutex_);
    Result<u64> choose_address(const MapRequest& request, u64 length, const MemoryLimits& limits) REQUIRES(mutex_);
    bool is_free(u64 start, u64 end) REQUIRES(mutex_);
    u64 mapped_pages(u64 start, u64 end) REQUIRES(mutex_);
    Result<void> check_limits(u64 added_pages, u64 flags_pages, u16 flags, u32 protection, const MemoryLimits& limits)
        REQUIRES(mutex_);
    Result<u64> map_locked(MayBlock& context, const MapRequest& request, u64 length, const MemoryLimits& limits,
                           RemovedAreas& removed, bool& populate) REQUIRES(mutex_);
    Result<void> unmap_locked(MayBlock& context, u64 start, u64 end, RemovedAreas& removed) REQUIRES(mutex_);
    void protect_area(Area& area, u32 protection, UnmapBatch& batch) REQUIRES(mutex_);

    // --- address_space_remap.cpp
    struct RemapRequest {
        u64 old_address, old_length, new_length, new_address;
        u32 flags;
    };
    Result<void> check_resize(const Area& area, const RemapRequest& request, const MemoryLimits& limits)
        REQUIRES(mutex_);
    Result<u64> remap_fixed(MayBlock& context, RemapRequest request, const MemoryLimits& limits, RemovedAreas& removed)
        REQUIRES(mutex_);
    Result<u64> remap_anywhere(MayBlock& context, const RemapRequest& request, const MemoryLimits& limits,
                               RemovedAreas& removed) REQUIRES(mutex_);
    Result<u64> move(MayBlock& context, const RemapRequest& request, u64 to, RemovedAreas& removed) REQUIRES(mutex_);
    Result<void> move_pages(MayBlock& context, u64 from, u64 to, u64 length, UnmapBatch& batch) REQUIRES(mutex_);

    // --- address_space_fault.cpp: pages. Errors of all: enomem; efault where an object has no such page (SIGBUS).
    Result<void> bring_in(MayBlock& context, Area& area, u64 page, bool write) REQUIRES(mutex_);
    Result<void> bring_in_anonymous(MayBlock& context, Area& area, u64 page, bool write) REQUIRES(mutex_);
    Result<void> bring_in_object(MayBlock& context, Area& area, u64 page, bool write) REQUIRES(mutex_);
    void bring_in_around(MayBlock& context, Area& area, u64 page) REQUIRES(mutex_);
    Result<void> make_private(MayBlock& context, Area& area, u64 page, FrameNumber shared) REQUIRES(mutex_);
    Result<void> install(MayBlock& context, const Area& area, u64 page, FrameRef frame, bool write) REQUIRES(mutex_);
    void count_page(FrameNumber frame, i64 sign) REQUIRES(mutex_);
    FaultSignal try_fault(MayBlock& context, u64 address, FaultAccess access) REQUIRES(mutex_);
    Result<usize> access_page(MayBlock& context, u64 address, char* buffer, usize bytes, bool write, bool force)
        REQUIRES(mutex_);
    // Brings in what a locked or MAP_POPULATE range needs, giving the mutex up now and then. The first error, or none.
    Result<void> populate(MayBlock& context, u64 start, u64 end, bool all_areas);
    Result<void> populate_some(MayBlock& context, u64& address, u64 end, bool all_areas) REQUIRES(mutex_);

    // --- address_space_advice.cpp
    Result<void> advise_populate(MayBlock& context, u64 start, u64 end, int what);

    // --- address_space_fork.cpp
    Result<void> copy_areas(MayBlock& context, AddressSpace& child) REQUIRES(mutex_);
    Result<void> share_pages(MayBlock& context, AddressSpace& child, const Area& area, UnmapBatch& batch)
        REQUIRES(mutex_);
    static bool share_page(void* child, FrameNumber frame);

    const u64 root_;
    Atomic<u64> users_[CpuSet::word_count];

    Mutex<Rank::address_space> mutex_;
    Areas areas_ GUARDED_BY(mutex_);
    Area* last_found_ GUARDED_BY(mutex_) = nullptr;
    u32 area_count_ GUARDED_BY(mutex_) = 0;
    u16 future_locks_ GUARDED_BY(mutex_) = 0;  // area flags of mlockall(MCL_FUTURE)
    u64 break_end_ GUARDED_BY(mutex_) = 0;

    // Where mappings go: top-down from here. Invariant: holes above search_top_ are at most largest_hole_above_ long.
    u64 placement_top_ GUARDED_BY(mutex_) = user_address_end - (128ull << 20);
    u64 search_top_ GUARDED_BY(mutex_) = user_address_end - (128ull << 20);
    u64 largest_hole_above_ GUARDED_BY(mutex_) = 0;

    // Counts of pages.
    u64 total_pages_ GUARDED_BY(mutex_) = 0;
    u64 text_pages_ GUARDED_BY(mutex_) = 0;
    u64 data_pages_ GUARDED_BY(mutex_) = 0;
    u64 stack_pages_ GUARDED_BY(mutex_) = 0;
    u64 locked_pages_ GUARDED_BY(mutex_) = 0;
    u64 anonymous_pages_ GUARDED_BY(mutex_) = 0;  // resident
    u64 object_pages_ GUARDED_BY(mutex_) = 0;     // resident
    u64 peak_total_pages_ GUARDED_BY(mutex_) = 0;
    u64 peak_resident_pages_ GUARDED_BY(mutex_) = 0;
};

}  // namespace takt
