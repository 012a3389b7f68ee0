// /proc/kmsg: the kernel's log as one stream; each line is read once, whoever reads it (syslog(2), SYSLOG_ACTION_READ).
#include <kernel/fs/proc/proc.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Result<usize> read_log_stream(MayBlock& context, IoBuffer& into, bool nonblocking)
{
    ProcState& state = hal::kernel().proc;
    char chunk[256];
    if (into.remaining() == 0) return usize{0};
    while (true) {  // waits for lines
        usize count = 0;
        u64 position = 0;
        {
            LockGuard guard(state.log_lock, context);
            count = hal::kernel().log.read(state.log_position,
                                           {chunk, into.remaining() < sizeof chunk ? into.remaining() : sizeof chunk});
            position = state.log_position;
        }
        if (count > 0) return into.put(context, chunk, count);
        if (nonblocking) return Errno::eagain;
        TRY(hal::kernel().terminals.wait_for_log(context, position));
    }
}

u64 log_stream_bytes(MayLock& context)
{
    ProcState& state = hal::kernel().proc;
    LockGuard guard(state.log_lock, context);
    return hal::kernel().log.bytes_after(state.log_position);
}

namespace {

class LogStream : public File {
public:
    using File::File;
    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override
    {
        return read_log_stream(context, into, nonblocking());
    }
    u32 poll(MayLock& context, PollObserver* observer) override
    {
        if (observer) hal::kernel().terminals.log_observers.add(*observer);
        return log_stream_bytes(context) > 0 ? poll_event::in | poll_event::rdnorm : 0;
    }
};

class LogNode : public PseudoFile {
public:
    using PseudoFile::PseudoFile;
    Result<Ref<File>> open(MayBlock& context, const Path&, u32 flags) override
    {
        if (context.thread().user && !current_has(context, Capability::syslog)) return Errno::eperm;
        return Ref<File>(TRY(make_ref<LogStream>(context, flags)));
    }
};

}  // namespace

Result<void> add_log_file(MayBlock& context, PseudoTree& root)
{
    return root.add(context, "kmsg", TRY(make_ref<LogNode>(context, root.file_system(), 0400u)));
}

}  // namespace takt
