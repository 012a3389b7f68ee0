// PipeFile: the file of one end of a pipe, or of a FIFO (which may be both ends).
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/ipc/anonymous_stat.hpp>
#include <kernel/ipc/pipe.hpp>

namespace takt {

class PipeFile : public File {
public:
    // Takes over ends that were opened: those that the access mode in `flags` says. `anonymous`: of pipe(2); unused for
    // a FIFO, which gets a path. `writers_seen`: see Pipe::poll().
    PipeFile(u32 flags, Ref<Pipe> pipe, const AnonymousStat& anonymous, u32 writers_seen);
    ~PipeFile() override;

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;
    Result<i64> ioctl(MayBlock& context, u32 command, u64 argument) override;
    u32 poll(MayLock& context, PollObserver* observer) override;
    Result<void> stat(MayBlock& context, abi::Stat& stat) override;
    void describe(MayBlock& context, TextSink& sink) override;
    Result<Ref<File>> reopen(MayBlock& context, u32 flags) override;
    Result<i64> pipe_size(MayBlock& context) override;
    Result<i64> set_pipe_size(MayBlock& context, u32 bytes) override;

private:
    Ref<Pipe> pipe_;
    AnonymousStat anonymous_;
    u32 writers_seen_;
};

struct PipeEnds {
    Ref<File> reader;
    Ref<File> writer;
};
// pipe2(2); `flags`: nonblock and direct. Errors: enomem.
Result<PipeEnds> create_pipe(MayBlock& context, u32 flags);

}  // namespace takt
