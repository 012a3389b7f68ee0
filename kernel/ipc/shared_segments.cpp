#include <kernel/ipc/shared_segments.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/process/process.hpp>

namespace takt {

SegmentMemory::~SegmentMemory()
{
    if (id() < 0) return;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    hal::kernel().ipc.shared_segments.memory_gone(context, *this);
}

// --- shmget(2).

Result<i32> SharedSegments::open_existing(MayLock& context, Segment& segment, u64 bytes, u32 flags)
{
    if ((flags & abi::ipc::create) && (flags & abi::ipc::exclusive)) return Errno::eexist;
    SysvPermissions permissions;
    u64 size = 0;
    {
        LockGuard guard(lock_, context);
        permissions = segment.permissions;
        size = segment.bytes;
    }
    if (bytes > size) return Errno::einval;
    TRY(permissions.check(context, flags & 0777));
    return segment.id();
}

Result<i32> SharedSegments::get(MayBlock& context, i32 key, u64 bytes, u32 flags)
{
    if (flags & abi::shared_memory::huge_pages) return Errno::einval;
    for (;;) {  // bound: as often as another process makes and removes the key in between
        Ref<Segment> existing;
        {
            LockGuard guard(lock_, context);
            existing = table_.find_key(key);
        }
        if (existing) return open_existing(context, *existing, bytes, flags);
        if (key != abi::ipc::key_private && !(flags & abi::ipc::create)) return Errno::enoent;
        if (bytes == 0 || bytes > bytes_max) return Errno::einval;
        u64 pages = page_ceiling(bytes) / page_size;
        TextBuffer<32> name;
        format(name, "/SYSV{08x} (deleted)", static_cast<u32>(key));
        Ref<AnonymousObject> anonymous = TRY(AnonymousObject::create(context, bytes, name.view()));
        Ref<SegmentMemory> memory = TRY(make_ref<SegmentMemory>(context, std::move(anonymous), -1));
        Ref<Segment> segment = TRY(make_ref<Segment>(context));
        segment->permissions = SysvPermissions::make(context, flags);
        segment->memory = memory.get();
        segment->held = memory;
        segment->bytes = bytes;
        segment->change_time = sysv_time();
        segment->creator_pid = sysv_pid(context);
        Result<i32> id = Errno::enospc;
        {
            LockGuard guard(lock_, context);
            id = table_.add(guard, key, segment, segments_max);
            if (id.ok()) {
                memory->id_.store(id.value(), Order::relaxed);
                pages_ += pages;
            }
        }
        if (id.ok() || id.error() != Errno::eexist) return id;
    }
}

// Null: its last mapping is just going.
Ref<MemoryObject> SharedSegments::memory_of(Segment& segment)
{
    if (segment.held) return segment.held;
    if (segment.memory && segment.memory->try_add_reference()) return Ref<MemoryObject>::adopt(segment.memory);
    return nullptr;
}

// --- shmat(2), shmdt(2).

namespace {

Result<MapRequest> map_request(u64 address, u32 flags)
{
    namespace flag = abi::shared_memory;
    MapRequest request;
    request.flags = map_flag::shared;
    request.protection = protection::read;
    if (!(flags & flag::read_only)) request.protection |= protection::write;
    if (flags & flag::execute) request.protection |= protection::execute;
    request.object_writable = !(flags & flag::read_only);
    if (address % page_size != 0) {
        if (!(flags & flag::round)) return Errno::einval;
        address = page_floor(address);
        if (address == 0 && (flags & flag::remap)) return Errno::einval;
    }
    if (address == 0 && (flags & flag::remap)) return Errno::einval;
    request.address = address;
    if (address != 0) request.flags |= flags & flag::remap ? map_flag::fixed : map_flag::fixed_no_replace;
    return request;
}

u32 wanted_access(u32 flags)
{
    u32 wanted = sysv_read;
    if (!(flags & abi::shared_memory::read_only)) wanted |= sysv_write;
    if (flags & abi::shared_memory::execute) wanted |= 0111;
    return wanted;
}

}  // namespace

Result<u64> SharedSegments::attach(MayBlock& context, i32 id, u64 address, u32 flags)
{
    MapRequest request = TRY(map_request(address, flags));
    Ref<Segment> segment;
    SysvPermissions permissions;
    {
        LockGuard guard(lock_, context);
        segment = table_.find(id);
        if (!segment) return Errno::einval;
        permissions = segment->permissions;
        request.length = segment->bytes;
    }
    TRY(permissions.check(context, wanted_access(flags)));
    Ref<MemoryObject> memory;
    {
        LockGuard guard(lock_, context);
        memory = memory_of(*segment);
    }
    if (!memory) return Errno::eidrm;
    request.object = memory;
    Result<u64> mapped = current_process(context).address_space->map(context, request, current_memory_limits(context));
    if (!mapped.ok()) return mapped.error() == Errno::eexist ? Errno::einval : mapped.error();
    LockGuard guard(lock_, context);
    segment->attach_time = sysv_time();
    segment->last_pid = sysv_pid(context);
    return mapped.value();
}

Result<void> SharedSegments::detach(MayBlock& context, u64 address)
{
    if (address % page_size != 0) return Errno::einval;
    AddressSpace& space = *current_process(context).address_space;
    Ref<MemoryObject> memory;
    Ref<Segment> segment;
    u64 end = address;
    // The first area that shows a segment as if its start were at `address`, then all others of it that do. The place
    // of the first one may lie anywhere in the segment.
    for (u64 at = address; !memory || at < end;) {  // bound: areas above the address
        Result<AreaInfo> area = space.area_at_or_above(context, at);
        if (!area.ok()) break;
        AreaInfo& found = area.value();
        at = found.end;
        if (!found.object || found.start - address != found.offset || (memory && !(found.object == memory))) continue;
        if (!memory) {
            LockGuard guard(lock_, context);
            segment = table_.find(static_cast<i32>(found.object->inode_number()));
            if (!segment || segment->memory != found.object.get()) continue;
            memory = found.object;
            end = address + page_ceiling(segment->bytes);
        }
        TRY(space.unmap(context, found.start, found.end - found.start));
    }
    if (!memory) return Errno::einval;
    LockGuard guard(lock_, context);
    segment->detach_time = sysv_time();
    segment->last_pid = sysv_pid(context);
    return {};
}

void SharedSegments::memory_gone(MayLock& context, const SegmentMemory& memory)
{
    Ref<Segment> removed;
    LockGuard guard(lock_, context);
    Ref<Segment> segment = table_.find(memory.id());
    if (!segment || segment->memory != &memory) return;
    segment->memory = nullptr;
    pages_ -= page_ceiling(segment->bytes) / page_size;
    removed = table_.remove(*segment);
}

// --- shmctl(2).

void SharedSegments::describe(const Segment& segment, abi::SharedMemoryStat& stat)
{
    stat = {};
    stat.permissions = segment.permissions.describe(segment.key(), segment.id());
    if (!segment.held) stat.permissions.mode |= abi::shared_memory::mode_destroyed;
    stat.size_bytes = segment.bytes;
    stat.attach_time = segment.attach_time;
    stat.detach_time = segment.detach_time;
    stat.change_time = segment.change_time;
    stat.creator_pid = segment.creator_pid;
    stat.last_pid = segment.last_pid;
    stat.attached = (segment.memory ? segment.memory->reference_count() : 0) - (segment.held ? 1 : 0);
}

Result<i32> SharedSegments::stat(MayBlock& context, i32 place, bool by_index, bool check_access,
                                 abi::SharedMemoryStat& stat)
{
    Ref<Segment> segment;
    SysvPermissions permissions;
    {
        LockGuard guard(lock_, context);
        segment = by_index ? table_.at_index(place) : table_.find(place);
        if (!segment) return Errno::einval;
        permissions = segment->permissions;
        describe(*segment, stat);
    }
    if (check_access) TRY(permissions.check(context, sysv_read));
    return segment->id();
}

Result<void> SharedSegments::set(MayBlock& context, i32 id, const abi::IpcPermissions& wanted)
{
    Ref<Segment> segment;
    SysvPermissions permissions;
    {
        LockGuard guard(lock_, context);
        segment = table_.find(id);
        if (!segment) return Errno::einval;
        permissions = segment->permissions;
    }
    TRY(permissions.check_owner(context));
    LockGuard guard(lock_, context);
    segment->permissions.set(wanted);
    segment->change_time = sysv_time();
    return {};
}

// There is no swap: memory once touched stays. The mode says what was asked for.
Result<void> SharedSegments::lock(MayBlock& context, i32 id, bool locked)
{
    Ref<Segment> segment;
    SysvPermissions permissions;
    {
        LockGuard guard(lock_, context);
        segment = table_.find(id);
        if (!segment) return Errno::einval;
        permissions = segment->permissions;
    }
    if (!current_has(context, Capability::ipc_lock)) {
        TRY(permissions.check_owner(context));
        if (locked && current_limit(context, Resource::locked_memory) == 0) return Errno::eperm;
    }
    LockGuard guard(lock_, context);
    if (locked)
        segment->permissions.mode |= abi::shared_memory::mode_locked;
    else
        segment->permissions.mode &= ~abi::shared_memory::mode_locked;
    return {};
}

Result<void> SharedSegments::remove(MayBlock& context, i32 id)
{
    Ref<Segment> segment;
    SysvPermissions permissions;
    Ref<MemoryObject> dropped;
    {
        LockGuard guard(lock_, context);
        segment = table_.find(id);
        if (!segment) return Errno::einval;
        permissions = segment->permissions;
    }
    TRY(permissions.check_owner(context));
    // Outside of the lock `dropped` may be the last reference: memory_gone() follows.
    LockGuard guard(lock_, context);
    table_.forget_key(*segment);
    std::swap(dropped, segment->held);
    return {};
}

i32 SharedSegments::limits(MayLock& context, abi::SharedMemoryLimits& limits)
{
    LockGuard guard(lock_, context);
    limits = {};
    limits.size_max = limits.pages_max = bytes_max;
    limits.size_min = 1;
    limits.segments_max = limits.per_process_max = segments_max;
    return table_.highest_index();
}

i32 SharedSegments::use(MayBlock& context, abi::SharedMemoryUse& use)
{
    use = {};
    i32 highest = 0;
    for (i32 index = 0;; index++) {  // bound: index_end()
        Ref<MemoryObject> memory;
        {
            LockGuard guard(lock_, context);
            use.used = table_.used();
            use.total_pages = pages_;
            highest = table_.highest_index();
            if (index >= table_.index_end()) return highest;
            if (Ref<Segment> segment = table_.at_index(index)) memory = memory_of(*segment);
        }
        if (memory) use.resident_pages += static_cast<SegmentMemory&>(*memory).resident_pages(context);
    }
}

void SharedSegments::show(MayBlock& context, TextSink& text)
{
    text.append(
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime"
        "      dtime      ctime                   rss                  swap\n");
    for (i32 index = 0;; index++) {  // bound: index_end()
        Ref<MemoryObject> memory;
        abi::SharedMemoryStat stat;
        i32 id = 0;
        {
            LockGuard guard(lock_, context);
            if (index >= table_.index_end()) return;
            Ref<Segment> segment = table_.at_index(index);
            if (!segment) continue;
            id = segment->id();
            describe(*segment, stat);
            memory = memory_of(*segment);
        }
        u64 resident_pages = memory ? static_cast<SegmentMemory&>(*memory).resident_pages(context) : 0;
        const abi::IpcPermissions& who = stat.permissions;
        format(text, "{10} {10}  {4o} {21} {5} {5}  {5} {5} {5} {5} {5} {10} {10} {10} {21} {21}\n", who.key, id,
               who.mode, stat.size_bytes, stat.creator_pid, stat.last_pid, stat.attached, who.user, who.group,
               who.creator_user, who.creator_group, stat.attach_time, stat.detach_time, stat.change_time,
               resident_pages * page_size, 0);
    }
}

}  // namespace takt
