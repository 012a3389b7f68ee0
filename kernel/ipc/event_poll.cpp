#include <kernel/ipc/event_poll.hpp>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u32 mode_bits =
    abi::epoll::exclusive | abi::epoll::wake_up | abi::epoll::one_shot | abi::epoll::edge_triggered;
constexpr u32 always_events = poll_event::err | poll_event::hup;
constexpr u32 exclusive_allowed = poll_event::in | poll_event::out | always_events | abi::epoll::wake_up |
                                  abi::epoll::edge_triggered | abi::epoll::exclusive;

EventPolls& instances() { return hal::kernel().ipc.event_polls; }

}  // namespace

// --- Who watches what.

EventPollItem* EventPolls::find(EventPoll& instance, const File& file, int descriptor)
{
    auto found = instance.items_.find(EventPollOrder::Key(&file, descriptor), EventPollOrder());
    return found == instance.items_.end() ? nullptr : &*found;
}

// Levels of instances that `instance` stands on, itself included; more than `allowed` when it is too deep or stands on
// `forbidden`. Bound: the items of instances that watch instances, `allowed` levels deep.
int EventPolls::depth_below(EventPoll& instance, const EventPoll& forbidden, int allowed)
{
    if (&instance == &forbidden || allowed <= 0) return allowed + 1;
    if (instance.nested_ == 0) return 1;
    int deepest = 0;
    for (EventPollItem& item : instance.items_)
        if (EventPoll* inner = item.file_->as_event_poll()) {
            int depth = depth_below(*inner, forbidden, allowed - 1);
            if (depth > deepest) deepest = depth;
        }
    return deepest + 1;
}

int EventPolls::depth_above(EventPoll& instance, int allowed)
{
    if (allowed <= 0) return allowed + 1;
    int highest = 0;
    for (EventPollItem* item = instance.event_poll_items.load(Order::relaxed); item; item = item->next_of_file_) {
        int depth = depth_above(item->owner_, allowed - 1);
        if (depth > highest) highest = depth;
    }
    return highest + 1;
}

Result<void> EventPolls::attach(EventPollItem& item)
{
    EventPoll& owner = item.owner_;
    File& file = *item.file_;
    if (find(owner, file, item.descriptor_)) return Errno::eexist;
    if (EventPoll* inner = file.as_event_poll()) {
        int above = depth_above(owner, depth_max);
        if (above > depth_max || depth_below(*inner, owner, depth_max - above) > depth_max - above) return Errno::eloop;
        owner.nested_++;
    }
    owner.items_.insert(item);
    item.next_of_file_ = file.event_poll_items.load(Order::relaxed);
    file.event_poll_items.store(&item, Order::release);
    return {};
}

Ref<EventPollItem> EventPolls::detach(EventPollItem& item)
{
    EventPoll& owner = item.owner_;
    File& file = *item.file_;
    owner.items_.erase(owner.items_.iterator_to(item));
    if (file.as_event_poll()) owner.nested_--;
    EventPollItem* before = nullptr;
    for (EventPollItem* other = file.event_poll_items.load(Order::relaxed); other != &item;
         other = other->next_of_file_)
        before = other;  // bound: instances that watch the file
    if (before)
        before->next_of_file_ = item.next_of_file_;
    else
        file.event_poll_items.store(item.next_of_file_, Order::release);
    item.stop_observing();
    {
        RawGuard guard(owner.ready_lock_);
        item.attached_ = false;
        item.interest_.store(0, Order::relaxed);
        if (item.ListHook<EventReadyTag>::is_linked()) owner.ready_.erase(owner.ready_.iterator_to(item));
    }
    return Ref<EventPollItem>::adopt(&item);
}

Ref<EventPollItem> EventPolls::detach_any(EventPoll& instance)
{
    if (instance.items_.empty()) return nullptr;
    return detach(*instance.items_.begin());
}

Ref<EventPollItem> EventPolls::detach_any(const File& file)
{
    EventPollItem* item = file.event_poll_items.load(Order::relaxed);
    if (!item) return nullptr;
    return detach(*item);
}

void leave_event_polls(const File& file)
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    EventPolls& all = instances();
    for (Ref<EventPollItem> item;;) {  // bound: instances that watch the file
        {
            LockGuard guard(all.lock(), context);
            item = all.detach_any(file);
        }
        if (!item) return;
    }
}

// --- The instance.

EventPoll::~EventPoll()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    EventPolls& all = instances();
    for (Ref<EventPollItem> item;;) {  // bound: watched files
        {
            LockGuard guard(all.lock(), context);
            item = all.detach_any(*this);
        }
        if (!item) return;
    }
}

Result<void> EventPoll::add(MayBlock& context, File& file, int descriptor, abi::EpollEvent event)
{
    EventPoll* inner = file.as_event_poll();
    if (inner == this) return Errno::einval;
    if (!file.pollable()) return Errno::eperm;
    if (event.events & abi::epoll::exclusive && (inner || event.events & ~exclusive_allowed)) return Errno::einval;
    event.events |= always_events;
    Ref<EventPollItem> item = TRY(make_ref<EventPollItem>(context, *this, file, descriptor, event));
    u32 events = 0;
    {
        EventPolls& all = instances();
        LockGuard guard(all.lock(), context);
        TRY(all.attach(*item));
        item->add_reference();
        // Under the lock: whoever detaches the item finds it observing. An instance is asked later, without the lock.
        if (inner)
            inner->source_.add(*item);
        else
            events = file.poll(guard, item.get());
    }
    if (inner) events = inner->poll(context, nullptr);
    if (events & event.events) item_ready(*item);
    return {};
}

Result<void> EventPoll::modify(MayBlock& context, File& file, int descriptor, abi::EpollEvent event)
{
    if (&file == this || event.events & abi::epoll::exclusive) return Errno::einval;
    if (!file.pollable()) return Errno::eperm;
    event.events |= always_events;
    Ref<EventPollItem> item;
    {
        EventPolls& all = instances();
        LockGuard guard(all.lock(), context);
        EventPollItem* found = all.find(*this, file, descriptor);
        if (!found) return Errno::enoent;
        if (found->interest_.load(Order::relaxed) & abi::epoll::exclusive) return Errno::einval;
        item = Ref<EventPollItem>::share(*found);
        RawGuard ready(ready_lock_);
        item->data_ = event.data;
        // Before the file is asked below; partner: notify() reads it after the file changed.
        item->interest_.store(event.events, Order::seq_cst);
    }
    if (file.poll(context, nullptr) & event.events) item_ready(*item);
    return {};
}

Result<void> EventPoll::remove(MayBlock& context, File& file, int descriptor)
{
    if (&file == this) return Errno::einval;
    if (!file.pollable()) return Errno::eperm;
    Ref<EventPollItem> item;
    EventPolls& all = instances();
    LockGuard guard(all.lock(), context);
    EventPollItem* found = all.find(*this, file, descriptor);
    if (!found) return Errno::enoent;
    item = all.detach(*found);
    return {};
}

// --- Events.

void EventPollItem::notify(u32 events)
{
    u32 wanted = interest_.load(Order::seq_cst) & ~mode_bits;
    if (wanted == 0 || (events != 0 && !(events & wanted))) return;
    owner_.item_ready(*this);
}

void EventPoll::item_ready(EventPollItem& item)
{
    {
        RawGuard guard(ready_lock_);
        if (!item.attached_) return;
        if (!item.ListHook<EventReadyTag>::is_linked()) ready_.push_back(item);
        wake_first_waiter();
    }
    source_.notify(poll_event::in | poll_event::rdnorm);
}

void EventPoll::wake_first_waiter()
{
    if (waiters_.empty()) return;
    Waiter& first = waiters_.front();
    waiters_.pop_front();
    hal::kernel().scheduler.unpark(first.thread);
}

// What is left on the ready list may be for another waiter.
void EventPoll::wake_next()
{
    RawGuard guard(ready_lock_);
    if (!ready_.empty()) wake_first_waiter();
}

u64 EventPoll::begin_pass()
{
    RawGuard guard(ready_lock_);
    return ++pass_;
}

// Takes items off the list that this pass has not seen, with a reference to each and to its file.
usize EventPoll::take_ready(Candidate* batch, usize capacity, u64 pass)
{
    RawGuard guard(ready_lock_);
    usize count = 0;
    while (count < capacity && !ready_.empty()) {  // bound: capacity, and files that are going away
        EventPollItem& item = ready_.front();
        if (item.pass_ >= pass) break;
        ready_.pop_front();
        if (!item.file_->try_add_reference()) continue;
        item.pass_ = pass;
        batch[count++] = {Ref<EventPollItem>::share(item), Ref<File>::adopt(item.file_)};
    }
    return count;
}

// Makes the event to store, if there is one. A level-triggered item goes to the end of the list; a one-shot interest
// ends.
bool EventPoll::report(EventPollItem& item, u32 events, abi::EpollEvent& event, u32& interest)
{
    RawGuard guard(ready_lock_);
    interest = item.interest_.load(Order::relaxed);
    u32 wanted = interest & ~mode_bits;
    if (!item.attached_ || !(events & wanted)) return false;
    event.events = events & wanted;
    event.data = item.data_;
    if (interest & abi::epoll::one_shot)
        item.interest_.store(interest & mode_bits, Order::relaxed);
    else if (!(interest & abi::epoll::edge_triggered) && !item.ListHook<EventReadyTag>::is_linked())
        ready_.push_back(item);
    return true;
}

// The event could not be stored: it stays to be reported.
void EventPoll::take_back(EventPollItem& item, u32 interest)
{
    RawGuard guard(ready_lock_);
    if (!item.attached_) return;
    if (interest != 0 && (item.interest_.load(Order::relaxed) & ~mode_bits) == 0)
        item.interest_.store(interest, Order::relaxed);
    if (!item.ListHook<EventReadyTag>::is_linked()) ready_.push_front(item);
}

Result<i64> EventPoll::collect(MayBlock& context, UserPointer<abi::EpollEvent> events, usize count)
{
    usize stored = 0;
    u64 pass = begin_pass();
    while (stored < count) {  // bound: items on the ready list
        Candidate batch[batch_count];
        usize capacity = count - stored < batch_count ? count - stored : batch_count;
        usize taken = take_ready(batch, capacity, pass);
        if (taken == 0) break;
        for (usize index = 0; index < taken; index++) {
            abi::EpollEvent event;
            u32 interest = 0;
            EventPollItem& item = *batch[index].item;
            u32 ready = batch[index].file->poll(context, nullptr);
            if (!report(item, ready, event, interest)) continue;
            Result<void> copied = events.offset(stored).store(context, event);
            if (copied.ok()) {
                stored++;
                continue;
            }
            take_back(item, interest);
            for (usize rest = index + 1; rest < taken; rest++) take_back(*batch[rest].item, 0);
            if (stored == 0) return copied.error();
            return static_cast<i64>(stored);
        }
    }
    if (stored > 0) wake_next();
    return static_cast<i64>(stored);
}

// Until an item becomes ready. Woken or not, the thread is on no list afterwards.
Thread::Wake EventPoll::sleep(MayBlock& context, Instant deadline)
{
    Waiter waiter(context.thread());
    {
        RawGuard guard(ready_lock_);
        if (!ready_.empty()) return Thread::Wake::unparked;
        auto place = waiters_.begin();
        while (place != waiters_.end() && place->thread.level >= waiter.thread.level) ++place;  // bound: waiters
        waiters_.insert(place, waiter);
    }
    Thread::Wake wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, deadline);
    RawGuard guard(ready_lock_);
    if (waiter.is_linked())
        waiters_.erase(waiters_.iterator_to(waiter));
    else if (wake != Thread::Wake::unparked && !ready_.empty())
        wake_first_waiter();  // chosen, but its wait ended otherwise: the event is for another
    return wake;
}

Result<i64> EventPoll::wait(MayBlock& context, UserPointer<abi::EpollEvent> events, usize count, Instant deadline)
{
    Thread::Wake wake = Thread::Wake::unparked;
    for (;;) {  // bound: each turn waits
        i64 stored = TRY(collect(context, events, count));
        if (stored > 0 || deadline == poll_no_wait || wake == Thread::Wake::timed_out) return stored;
        if (wake == Thread::Wake::interrupted) return Errno::eintr;
        wake = sleep(context, deadline);
    }
}

u32 EventPoll::poll(MayLock& context, PollObserver* observer)
{
    if (observer) source_.add(*observer);
    u64 pass = begin_pass();
    for (;;) {  // bound: items on the ready list
        Candidate candidate;
        if (take_ready(&candidate, 1, pass) == 0) return 0;
        EventPollItem& item = *candidate.item;
        u32 wanted = item.interest_.load(Order::relaxed) & ~mode_bits;
        if (!(candidate.file->poll(context, nullptr) & wanted)) continue;
        take_back(item, 0);
        return poll_event::in | poll_event::rdnorm;
    }
}

void EventPoll::describe(MayBlock&, TextSink& sink) { sink.append("anon_inode:[eventpoll]"); }

}  // namespace takt
