// EventPoll: epoll(7): a set of files of interest and the list of those that may be ready.
//
// Interest changes under one lock for all instances (EventPolls). The ready list has a raw lock of its own, because
// files report events from any context; waiting and reporting take nothing else. An item holds no reference to its
// file: the file's last reference takes the item out before anything of the file goes (File::last_reference_gone).
#pragma once

#include <abi/event.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

struct EventInterestTag;
struct EventReadyTag;

// One file that one instance watches.
class EventPollItem final : public RefCounted<EventPollItem>,
                            public HeapObject,
                            public PollObserver,
                            public TreeHook<EventInterestTag>,
                            public ListHook<EventReadyTag> {
public:
    EventPollItem(EventPoll& owner, File& file, int descriptor, const abi::EpollEvent& event)
        : owner_(owner), file_(&file), descriptor_(descriptor), interest_(event.events), data_(event.data)
    {
    }
    void notify(u32 events) override;

private:
    friend class EventPoll;
    friend class EventPolls;
    friend struct EventPollOrder;

    EventPoll& owner_;  // while attached_
    File* file_;        // while attached_
    const int descriptor_;
    EventPollItem* next_of_file_ = nullptr;  // guarded by EventPolls' lock

    // Guarded by the owner's ready lock; interest_ is read without it where events are reported.
    bool attached_ = true;
    Atomic<u32> interest_;  // event bits and modes; no event bits: a one-shot interest that has fired
    u64 data_;
    u64 pass_ = 0;  // the collecting pass that last took it
};

struct EventPollOrder {
    using Key = std::pair<const File*, int>;
    static Key key(const EventPollItem& item) { return {item.file_, item.descriptor_}; }
    bool operator()(const EventPollItem& left, const EventPollItem& right) const { return key(left) < key(right); }
    bool operator()(const EventPollItem& left, const Key& right) const { return key(left) < right; }
    bool operator()(const Key& left, const EventPollItem& right) const { return left < key(right); }
};

class EventPoll final : public File {
public:
    EventPoll() : File(open_flag::read_write) {}
    ~EventPoll() override;

    // epoll_ctl(2). Errors: eexist, enoent, einval, eperm, eloop, enomem. O(log items).
    Result<void> add(MayBlock& context, File& file, int descriptor, abi::EpollEvent event);
    Result<void> modify(MayBlock& context, File& file, int descriptor, abi::EpollEvent event);
    Result<void> remove(MayBlock& context, File& file, int descriptor);

    // epoll_wait(2): stores up to `count` events; 0: the deadline passed. Errors: eintr, efault. Cost: one poll() for
    // each item on the ready list.
    Result<i64> wait(MayBlock& context, UserPointer<abi::EpollEvent> events, usize count, Instant deadline);

    // Readable while an item is ready. No lock may be held: it may drop the last reference of a watched file.
    u32 poll(MayLock& context, PollObserver* observer) override;
    void describe(MayBlock& context, TextSink& sink) override;
    EventPoll* as_event_poll() override { return this; }

private:
    friend class EventPollItem;
    friend class EventPolls;

    struct Waiter : ListHook<> {
        explicit Waiter(Thread& waiting) : thread(waiting) {}
        Thread& thread;
    };
    struct Candidate {
        Ref<EventPollItem> item;
        Ref<File> file;
    };
    static constexpr usize batch_count = 16;

    void item_ready(EventPollItem& item);
    void wake_first_waiter() REQUIRES(ready_lock_);
    void wake_next();
    u64 begin_pass();
    usize take_ready(Candidate* batch, usize capacity, u64 pass);
    bool report(EventPollItem& item, u32 events, abi::EpollEvent& event, u32& interest);
    void take_back(EventPollItem& item, u32 interest);
    Result<i64> collect(MayBlock& context, UserPointer<abi::EpollEvent> events, usize count);
    Thread::Wake sleep(MayBlock& context, Instant deadline);

    using Interest =
        boost::intrusive::set<EventPollItem, boost::intrusive::base_hook<TreeHook<EventInterestTag>>,
                              boost::intrusive::compare<EventPollOrder>, boost::intrusive::constant_time_size<false>>;
    Interest items_;  // guarded by EventPolls' lock; holds a reference each
    u32 nested_ = 0;  // items that are epoll instances; guarded by EventPolls' lock

    RawSpinLock<Rank::event_ready> ready_lock_;
    List<EventPollItem, EventReadyTag> ready_ GUARDED_BY(ready_lock_);  // holds no reference: detaching unlinks
    List<Waiter> waiters_ GUARDED_BY(ready_lock_);                      // highest priority first
    u64 pass_ GUARDED_BY(ready_lock_) = 0;
    PollSource source_;
};

// Which instance watches which file. Member of Ipc.
class EventPolls {
public:
    Lock<Rank::event_poll>& lock() RETURN_CAPABILITY(lock_) { return lock_; }

    // Links a new item into its instance and file. Takes over one reference. Errors: eexist, eloop.
    Result<void> attach(EventPollItem& item) REQUIRES(lock_);
    // Null: there is none.
    EventPollItem* find(EventPoll& instance, const File& file, int descriptor) REQUIRES(lock_);
    // The item is known to nobody afterwards; the caller gets its reference.
    Ref<EventPollItem> detach(EventPollItem& item) REQUIRES(lock_);
    // Any one item of the instance, or of the file, detached; null when there is none left.
    Ref<EventPollItem> detach_any(EventPoll& instance) REQUIRES(lock_);
    Ref<EventPollItem> detach_any(const File& file) REQUIRES(lock_);

private:
    static constexpr int depth_max = 5;  // instances above one another, as Linux

    int depth_below(EventPoll& instance, const EventPoll& forbidden, int allowed) REQUIRES(lock_);
    int depth_above(EventPoll& instance, int allowed) REQUIRES(lock_);

    Lock<Rank::event_poll> lock_;
};

}  // namespace takt
