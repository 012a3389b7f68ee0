// Terminals: the serial ports that are there, the console among them, and the thread that shows the kernel's log on it.
//
// The thread is of the fair class: a program that is on time never waits for the serial line on behalf of the log. It
// also tells those who wait for log lines (/dev/kmsg, /proc/kmsg, syslog(2)).
#pragma once

#include <kernel/drivers/serial_16550.hpp>
#include <kernel/trace/kernel_log.hpp>

namespace takt {

class File;
class Inode;

class Terminals : public LogListener {
public:
    static constexpr unsigned serial_count = 4;

    // Finds the serial ports, starts the log's thread and registers /dev/ttyS*, /dev/tty, /dev/console and /dev/kmsg.
    // After the file systems' and the interrupts' init. Errors: enomem.
    Result<void> init(MayBlock& context);

    // What console= names, or the first serial port; null when there is none.
    Ref<Terminal> console() const { return console_; }
    // Null: no such port.
    SerialPort* serial(unsigned index) const { return index < serial_count ? serial_[index].get() : nullptr; }
    // Fixed port and ISA interrupt of each.
    static u16 serial_port_of(unsigned index);
    static u32 serial_irq_of(unsigned index);

    // --- The log, for readers.

    // Waits until lines come after `position`. Errors: erestartsys.
    Result<void> wait_for_log(MayBlock& context, u64 position);
    PollSource log_observers;
    // The machine is about to stop: waits, for a second at most, until the console has shown all lines and has sent all
    // that was written to it. Lines that come afterwards, and those that did not make it, are written out at once.
    void finish_log(MayBlock& context);

    void log_grew() override;

private:
    Result<void> start_serial(MayBlock& context, unsigned index);
    void choose_console();
    void show_log(MayBlock& context);
    static void log_thread(MayBlock& context, void* terminals);

    Ref<SerialPort> serial_[serial_count];
    Ref<Terminal> console_;
    Thread* log_thread_ = nullptr;
    KernelLog::Cursor shown_;  // the log thread's
    Lock<Rank::log> log_lock_;
    WaitQueue log_readers_ GUARDED_BY(log_lock_);
    WaitQueue log_shown_ GUARDED_BY(log_lock_);
};

// Opens /dev/kmsg (kmsg.cpp): one record a read; writes become log lines.
Result<Ref<File>> open_kernel_log(MayBlock& context, u32 minor, u32 flags, Inode* node);

}  // namespace takt
