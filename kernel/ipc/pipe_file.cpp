#include <abi/ipc.hpp>
#include <kernel/ipc/fifo.hpp>
#include <kernel/ipc/pipe_file.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

PipeFile::PipeFile(u32 flags, Ref<Pipe> pipe, const AnonymousStat& anonymous, u32 writers_seen)
    : File(flags), pipe_(std::move(pipe)), anonymous_(anonymous), writers_seen_(writers_seen)
{
}

PipeFile::~PipeFile()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    pipe_->close_end(context, readable(), writable());
}

Result<usize> PipeFile::read(MayBlock& context, IoBuffer& into, u64)
{
    return pipe_->read(context, into, nonblocking());
}

Result<usize> PipeFile::write(MayBlock& context, IoBuffer& from, u64)
{
    Result<usize> result = pipe_->write(context, from, nonblocking(), flags() & open_flag::direct);
    if (!result.ok() && result.error() == Errno::epipe) send_signal_to_current(context, signal_number::pipe);
    return result;
}

Result<i64> PipeFile::ioctl(MayBlock& context, u32 command, u64 argument)
{
    if (command != abi::ioctl_bytes_readable) return Errno::enotty;
    TRY(UserPointer<i32>(argument).store(context, static_cast<i32>(pipe_->queued_bytes())));
    return i64{0};
}

u32 PipeFile::poll(MayLock&, PollObserver* observer)
{
    return pipe_->poll(readable(), writable(), writers_seen_, observer);
}

Result<void> PipeFile::stat(MayBlock& context, abi::Stat& stat)
{
    if (inode()) return File::stat(context, stat);
    anonymous_.fill(stat);
    return {};
}

void PipeFile::describe(MayBlock& context, TextSink& sink)
{
    if (inode())
        File::describe(context, sink);
    else
        format(sink, "pipe:[{}]", anonymous_.inode_number);
}

Result<i64> PipeFile::pipe_size(MayBlock&) { return static_cast<i64>(pipe_->capacity_bytes()); }

Result<i64> PipeFile::set_pipe_size(MayBlock& context, u32 bytes) { return pipe_->set_capacity(context, bytes); }

Result<PipeEnds> create_pipe(MayBlock& context, u32 flags)
{
    Ref<Pipe> pipe = TRY(Pipe::create(context));
    AnonymousStat anonymous = AnonymousStat::make(context, file_mode::fifo | 0600);
    u32 reader_flags = open_flag::read_only | (flags & ~open_flag::direct);
    // Each file's destructor closes the end that it took over.
    pipe->open_end(context, true, false);
    Ref<PipeFile> reader = TRY(make_ref<PipeFile>(context, reader_flags, pipe, anonymous, 0u));
    pipe->open_end(context, false, true);
    Ref<PipeFile> writer = TRY(make_ref<PipeFile>(context, open_flag::write_only | flags, pipe, anonymous, 0u));
    return PipeEnds{std::move(reader), std::move(writer)};
}

namespace {

// A new file for the ends that the access mode says; waits as a FIFO's opener does.
Result<Ref<File>> open_ends(MayBlock& context, const Ref<Pipe>& pipe, u32 flags, const AnonymousStat& anonymous)
{
    u32 mode = flags & open_flag::access_mode;
    bool reader = mode == open_flag::read_only || mode == open_flag::read_write;
    bool writer = mode == open_flag::write_only || mode == open_flag::read_write;
    bool nonblocking = flags & open_flag::nonblock;
    // POLLHUP only after a writer came: unless there is one now, or this open waits for one.
    u32 writers_seen = pipe->writer_opens();
    if (writer || !nonblocking || pipe->has_writers()) writers_seen--;
    TRY(pipe->open_fifo_end(context, reader, writer, nonblocking));
    Result<Ref<PipeFile>> file = make_ref<PipeFile>(context, flags, pipe, anonymous, writers_seen);
    if (!file.ok()) {
        pipe->close_end(context, reader, writer);
        return file.error();
    }
    return Ref<File>(std::move(file).value());
}

}  // namespace

Result<Ref<File>> PipeFile::reopen(MayBlock& context, u32 flags)
{
    return open_ends(context, pipe_, flags, anonymous_);
}

Result<Ref<File>> open_fifo(MayBlock& context, Inode& inode, u32 flags)
{
    AttachmentSlot* slot = inode.attachment_slot();
    ASSERT(slot);
    Ref<Attachment> attached = slot->get(context);
    if (!attached) attached = slot->set_if_empty(context, TRY(Pipe::create(context)));
    return open_ends(context, Ref<Pipe>::share(static_cast<Pipe&>(*attached)), flags, AnonymousStat());
}

}  // namespace takt
