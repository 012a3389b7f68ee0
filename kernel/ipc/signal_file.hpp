// SignalFile: signalfd(2): pending signals of whoever reads are read as a file.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/mm/vector.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

class SignalFile final : public File {
public:
    // flags: open_flag::nonblock. SIGKILL and SIGSTOP drop out of the mask.
    SignalFile(u32 flags, SignalSet mask) : File(open_flag::read_write | flags) { set_mask(mask); }

    void set_mask(SignalSet mask);

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    // Tells of signals of the process that polls (epoll: that added the file).
    u32 poll(MayLock& context, PollObserver* observer) override;
    void describe(MayBlock& context, TextSink& sink) override;
    SignalFile* as_signal_file() override { return this; }

private:
    Result<void> keep(MayLock& context, Ref<ProcessSignals> signals);

    Atomic<u64> mask_{0};
    Lock<Rank::object> lock_;
    // Whose signals are observed through this file: the observers' sources must not go before the file does.
    Vector<Ref<ProcessSignals>> observed_ GUARDED_BY(lock_);
};

}  // namespace takt
