// Pseudo-terminals (pty(7)): a terminal whose device is a program that holds the master.
//
// PseudoTerminal is the slave, and the place of both ends' state, under the terminal's one lock. PtyMaster is the open
// master; it exists once. The slave's output waits in a ring for the master; what the master writes goes straight into
// the line discipline.
#pragma once

#include <kernel/drivers/tty.hpp>
#include <kernel/fs/file.hpp>

namespace takt {

class PseudoTerminal : public Terminal {
public:
    static constexpr usize ring_bytes = 8192;
    static constexpr u32 slave_major = 136, index_max = 4096;

    explicit PseudoTerminal(u32 index);

    const u32 index;
    bool is_pseudo_terminal() const override { return true; }

    // --- The master's side. Errors: eio (the slave was opened and is closed), eagain, erestartsys, efault.
    Result<usize> master_read(MayBlock& context, IoBuffer& into, bool nonblocking);
    Result<usize> master_write(MayBlock& context, IoBuffer& from, bool nonblocking);
    Result<i64> master_ioctl(MayBlock& context, u32 command, u64 argument);
    u32 master_poll(PollObserver* observer);
    void master_closed(MayBlock& context);

protected:
    // LineDisciplineHost
    usize transmit_room() override;
    void transmit(std::span<const u8> bytes) override;
    void discard_output() override;
    void input_discarded() override;
    void output_stopped(bool stopped) override;
    // Terminal
    Result<void> may_open() override REQUIRES(lock_);
    Result<void> opened(MayBlock& context) override REQUIRES(lock_);
    void closed(MayBlock& context) override REQUIRES(lock_);
    void begin_transmit() override REQUIRES(lock_) {}
    usize output_bytes() override REQUIRES(lock_) { return 0; }  // what the master has not read counts as sent
    usize wake_room() const override { return ring_bytes / 4; }
    void apply_settings(const abi::Termios& settings) override REQUIRES(lock_);
    void tell_other_end() override REQUIRES(lock_);
    Result<i64> own_ioctl(MayBlock& context, u32 command, u64 argument) override;

private:
    Result<usize> take_output(MayBlock& context, IoBuffer& into) REQUIRES(lock_);
    Result<i64> open_peer(MayBlock& context, u32 flags);
    void packet_event(u8 set, u8 clear) REQUIRES(lock_);

    bool locked_ GUARDED_BY(lock_) = true;  // TIOCSPTLCK
    bool master_open_ GUARDED_BY(lock_) = true;
    bool slave_closed_ GUARDED_BY(lock_) = false;  // was open, is not any more
    bool packet_mode_ GUARDED_BY(lock_) = false;
    bool flow_by_characters_ GUARDED_BY(lock_) = true;
    bool output_grew_ GUARDED_BY(lock_) = false;
    u8 packet_status_ GUARDED_BY(lock_) = 0;
    u32 head_ GUARDED_BY(lock_) = 0;
    u32 tail_ GUARDED_BY(lock_) = 0;
    WaitQueue master_readers_ GUARDED_BY(lock_);
    WaitQueue master_writers_ GUARDED_BY(lock_);
    PollSource master_observers_;
    Atomic<u32> master_readiness_{0};
    char label_[12];
    u8 ring_[ring_bytes] GUARDED_BY(lock_);
};

// The open master. Its end hangs the slave up and frees the number.
class PtyMaster : public File {
public:
    PtyMaster(u32 flags, Ref<PseudoTerminal> terminal) : File(flags), terminal_(std::move(terminal)) {}
    ~PtyMaster() override;

    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override
    {
        return terminal_->master_read(context, into, nonblocking());
    }
    Result<usize> write(MayBlock& context, IoBuffer& from, u64) override
    {
        return terminal_->master_write(context, from, nonblocking());
    }
    Result<i64> ioctl(MayBlock& context, u32 command, u64 argument) override
    {
        return terminal_->master_ioctl(context, command, argument);
    }
    u32 poll(MayLock&, PollObserver* observer) override { return terminal_->master_poll(observer); }

private:
    const Ref<PseudoTerminal> terminal_;
};

}  // namespace takt
