#include <kernel/ipc/message_queues.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

// What RLIMIT_MSGQUEUE counts for one message and for one priority in use (getrlimit(2)).
constexpr u64 message_overhead = 48;
constexpr u64 priority_overhead = 48;

u64 charge_of(const MessageQueueLimits& limits)
{
    u64 priorities =
        limits.messages_max < MessageQueue::priority_max + 1 ? limits.messages_max : MessageQueue::priority_max + 1;
    return u64{limits.messages_max} * (limits.message_bytes_max + message_overhead) + priorities * priority_overhead;
}

}  // namespace

Result<Ref<MessageQueue>> MessageQueue::create(MayBlock& context, FileSystem& file_system, u32 mode,
                                               const MessageQueueLimits& limits)
{
    u64 charge = charge_of(limits);
    u64 limit = current_limit(context, Resource::message_queue);
    Credentials own = current_credentials(context);
    Ref<UserAccount> account;
    {
        Process& process = current_process(context);
        LockGuard guard(process.lock(), context);
        account = process.account;
    }
    if (account->message_queue_bytes.fetch_add(charge, Order::relaxed) + charge > limit) {
        account->message_queue_bytes.fetch_sub(charge, Order::relaxed);
        return Errno::emfile;
    }
    Result<Ref<MessageQueue>> made =
        make_ref<MessageQueue>(context, file_system, file_mode::regular | (mode & file_mode::permissions),
                               own.file_user, own.file_group, limits, account, charge);
    if (!made.ok()) account->message_queue_bytes.fetch_sub(charge, Order::relaxed);
    return made;
}

MessageQueue::MessageQueue(FileSystem& file_system, u32 mode, u32 user, u32 group,
                           const MessageQueueLimits& queue_limits, Ref<UserAccount> account, u64 charged_bytes)
    : Inode(file_system, mode, 0, user, group), limits(queue_limits), account_(std::move(account)),
      charged_bytes_(charged_bytes)
{
}

MessageQueue::~MessageQueue()
{
    while (!messages_.empty()) {  // bound: messages
        Owned<StoredMessage> message(&*messages_.begin());
        messages_.erase(messages_.begin());
    }
    account_->message_queue_bytes.fetch_sub(charged_bytes_, Order::relaxed);
    hal::kernel().ipc.message_queues.queue_gone();
}

Result<Ref<File>> MessageQueue::open(MayBlock& context, const Path&, u32 flags)
{
    return Ref<File>(TRY(make_ref<MessageQueueFile>(context, flags, Ref<MessageQueue>::share(*this))));
}

// --- Messages.

void MessageQueue::insert(Owned<StoredMessage> message)
{
    bytes_ += message->size;
    messages_.insert(*message.release());
    // Before the PollSource looks for observers, who look here after they register.
    count_.store(count_.load(Order::relaxed) + 1, Order::seq_cst);
}

void MessageQueue::finish_first(Waiters& waiters)
{
    Waiter& first = *waiters.begin();
    waiters.erase(waiters.begin());
    first.finished = true;
    first.queue.wake_one();
}

// Until another thread has finished the waiter.
Result<void> MessageQueue::wait(MayBlock& context, MutexGuard<Mutex<Rank::message_queue>>& guard, Waiters& waiters,
                                Waiter& waiter, Patience patience)
{
    if (!patience.wait) return Errno::eagain;
    waiter.level = context.thread().level;
    waiters.insert(waiter);
    Result<void> waited;
    while (waited.ok() && !waiter.finished) waited = waiter.queue.wait(context, guard, {.deadline = patience.deadline});
    if (waiter.finished) return {};
    waiters.erase(waiters.iterator_to(waiter));
    return waited;
}

Result<void> MessageQueue::send(MayBlock& context, Owned<StoredMessage> message, Patience patience)
{
    Ref<Process> notified;
    {
        std::optional<PreemptOff> until_unlocked;
        MutexGuard guard(mutex_, context);
        if (count_.load(Order::relaxed) == limits.messages_max) {
            Waiter waiter;
            waiter.message = std::move(message);
            return wait(context, guard, senders_, waiter, patience);
        }
        if (!receivers_.empty()) {
            receivers_.begin()->message = std::move(message);
            until_unlocked.emplace();
            finish_first(receivers_);
            return {};
        }
        insert(std::move(message));
        if (count_.load(Order::relaxed) == 1 && notified_) notified = notify(context);
    }
    source_.notify(poll_event::in | poll_event::rdnorm);
    return {};
}

Result<Owned<StoredMessage>> MessageQueue::receive(MayBlock& context, Patience patience)
{
    std::optional<PreemptOff> until_unlocked;
    Owned<StoredMessage> message;
    {
        MutexGuard guard(mutex_, context);
        if (messages_.empty()) {
            Waiter waiter;
            TRY(wait(context, guard, receivers_, waiter, patience));
            return std::move(waiter.message);
        }
        message.reset(&*messages_.begin());
        messages_.erase(messages_.begin());
        bytes_ -= message->size;
        count_.store(count_.load(Order::relaxed) - 1, Order::seq_cst);
        if (!senders_.empty()) {
            insert(std::move(senders_.begin()->message));
            until_unlocked.emplace();
            finish_first(senders_);
            return message;
        }
    }
    source_.notify(poll_event::out | poll_event::wrnorm);
    return message;
}

// --- Notification.

// Gives back the process that was told, for the caller to drop without the mutex.
Ref<Process> MessageQueue::notify(MayLock& context)
{
    Ref<Process> process = std::exchange(notified_, nullptr);
    if (notification_.notify != abi::notify_signal || notification_.signal == 0) return process;
    abi::Siginfo info = siginfo_from_current(context, notification_.signal, abi::signal_code::message_queue);
    info.queued.value = notification_.value;
    // A signal that can't be queued for lack of memory is lost, as Linux loses it.
    (void)send_signal_to_process(context, *process, info);
    return process;
}

Result<void> MessageQueue::request_notification(MayBlock& context, const abi::Sigevent& event)
{
    MutexGuard guard(mutex_, context);
    if (notified_) return Errno::ebusy;
    notified_ = Ref<Process>::share(current_process(context));
    notification_ = event;
    return {};
}

void MessageQueue::cancel_notification(MayBlock& context)
{
    Ref<Process> cancelled;
    MutexGuard guard(mutex_, context);
    if (notified_.get() == &current_process(context)) std::swap(cancelled, notified_);
}

// --- State.

u32 MessageQueue::poll(PollObserver* observer)
{
    if (observer) source_.add(*observer);
    u32 count = count_.load(Order::seq_cst);
    u32 events = 0;
    if (count > 0) events |= poll_event::in | poll_event::rdnorm;
    if (count < limits.messages_max) events |= poll_event::out | poll_event::wrnorm;
    return events;
}

void MessageQueue::status(MayBlock& context, TextSink& text)
{
    MutexGuard guard(mutex_, context);
    bool signal = notified_ && notification_.notify == abi::notify_signal;
    format(text, "QSIZE:{-10} NOTIFY:{-5} SIGNO:{-5} NOTIFY_PID:{-6}\n", bytes_, notified_ ? notification_.notify : 0,
           signal ? notification_.signal : 0, notified_ ? notified_->pid.value : 0);
}

// --- The file.

abi::MqAttributes MessageQueueFile::attributes() const
{
    abi::MqAttributes attributes{};
    attributes.flags = flags() & open_flag::nonblock;
    attributes.messages_max = queue_->limits.messages_max;
    attributes.message_size_max = queue_->limits.message_bytes_max;
    attributes.messages = queue_->message_count();
    return attributes;
}

Result<usize> MessageQueueFile::read(MayBlock& context, IoBuffer& into, u64 position)
{
    TextBuffer<128> text;
    queue_->status(context, text);
    std::string_view view = text.view();
    if (position >= view.size()) return usize{0};
    usize bytes = view.size() - position < into.remaining() ? view.size() - position : into.remaining();
    return into.put(context, view.data() + position, bytes);
}

Result<u64> MessageQueueFile::size(MayBlock&) { return queue_->size(); }

u32 MessageQueueFile::poll(MayLock&, PollObserver* observer) { return queue_->poll(observer); }

Result<void> MessageQueueFile::stat(MayBlock& context, abi::Stat& stat)
{
    queue_->stat(context, stat);
    return {};
}

void MessageQueueFile::describe(MayBlock& context, TextSink& sink)
{
    if (inode())
        File::describe(context, sink);
    else
        sink.append("mqueue");
}

}  // namespace takt
