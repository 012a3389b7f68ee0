// AnonymousObject: memory that several address spaces share and no file names: mmap(2) with MAP_SHARED | MAP_ANONYMOUS,
// System V segments.
#pragma once

#include <kernel/mm/memory_object.hpp>
#include <kernel/mm/page_map.hpp>

namespace takt {

class AnonymousObject : public MemoryObject {
public:
    // `bytes` is rounded up to pages; they come when touched. `name` is what /proc/PID/maps shows, at most 31
    // characters. Errors: enomem when it is more than the machine has.
    static Result<Ref<AnonymousObject>> create(MayBlock& context, u64 bytes,
                                               std::string_view name = "/dev/zero (deleted)", u64 inode_number = 0);
    ~AnonymousObject() override;

    Result<FrameRef> page(MayBlock& context, u64 index, bool create) override;
    u64 size_bytes() const override { return pages_ << page_shift; }
    void describe(MayBlock& context, TextSink& sink) override;
    u64 inode_number() const override { return inode_number_; }
    u64 device_number() const override { return 1; }  // as Linux's internal tmpfs
    // Pages in memory.
    u64 resident_pages(MayBlock& context);

private:
    template <typename T, typename... Arguments>
    friend Result<Ref<T>> make_ref(MayLock& context, Arguments&&... arguments);
    AnonymousObject(u64 pages, std::string_view name, u64 inode_number);

    const u64 pages_;
    const u64 inode_number_;
    char name_[32] = {};
    Mutex<Rank::memory_object> mutex_;
    PageMap frames_ GUARDED_BY(mutex_);
};

}  // namespace takt
