// Waiting for any of many files: poll(2) and select(2).
//
// A PollSet holds a reference to each file and an observer of it. The first pass over the files registers observers
// until a file is ready, so no event is missed; later passes only ask. The thread sleeps by park(), woken by the first
// event.
#pragma once

#include <abi/types.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/mm/vector.hpp>

namespace takt {

// A deadline for calls that may not wait at all.
inline constexpr Instant poll_no_wait{0};

class PollSet;

class PollItem final : public PollObserver {
public:
    void notify(u32 events) override;

    Ref<File> file;    // null: nothing to wait for
    u32 interest = 0;  // poll_event bits, hup and err only if they count
    u32 returned = 0;
    int descriptor = -1;
    u8 sets = 0;  // select(2)

private:
    friend class PollSet;
    explicit PollItem(PollSet& set) : set_(set) {}
    PollSet& set_;
};

class PollSet {
public:
    explicit PollSet(MayBlock& context) : thread_(context.thread()) {}
    // Takes the observers back.
    ~PollSet();
    PollSet(const PollSet&) = delete;

    // A new item at the end. Errors: enomem. Address stays.
    Result<PollItem*> add(MayBlock& context);
    usize size() const { return size_; }
    PollItem& operator[](usize index) { return *pointer(index); }

    // Sets `returned` of every item (an item without a file keeps its own) and says how many are not zero; waits until
    // one is. 0: the deadline passed. Errors: erestartsys. Cost: one poll() a file and pass.
    Result<usize> wait(MayBlock& context, Instant deadline);

private:
    friend class PollItem;
    static constexpr usize inline_count = 8;
    static constexpr usize chunk_count = 64;
    struct alignas(PollItem) Storage {
        unsigned char bytes[sizeof(PollItem)];
    };

    PollItem* pointer(usize index);
    usize scan(MayBlock& context, bool observe);

    Thread& thread_;
    Atomic<bool> triggered_{false};
    usize size_ = 0;
    Storage inline_[inline_count];
    Vector<Storage*> chunks_;
};

// poll(2): fills in `returned` of user memory's pollfds. Errors: efault, enomem, erestartsys.
Result<i64> poll_descriptors(MayBlock& context, UserPointer<abi::PollFd> descriptors, usize count, Instant deadline);

struct SelectSets {
    UserAddress readable;  // 0: none
    UserAddress writable;
    UserAddress exceptional;
};
// select(2): the number of bits set in the results. Errors: ebadf, efault, enomem, erestartsys.
Result<i64> select_descriptors(MayBlock& context, usize count, const SelectSets& sets, Instant deadline);

}  // namespace takt
