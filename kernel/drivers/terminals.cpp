#include <kernel/drivers/terminals.hpp>
#include <kernel/drivers/tty_file.hpp>
#include <kernel/fs/device_table.hpp>
#include <kernel/kernel.hpp>
#include <kernel/parameters.hpp>

namespace takt {

namespace {

struct SerialPlace {
    const char* name;
    u16 port;
    u32 irq;
};
constexpr SerialPlace places[Terminals::serial_count] = {
    {"ttyS0", 0x3f8, 4}, {"ttyS1", 0x2f8, 3}, {"ttyS2", 0x3e8, 4}, {"ttyS3", 0x2e8, 3}};

// "ttyS0" or "ttyS0,115200n8": the port's index, or serial_count.
unsigned serial_of(std::string_view name)
{
    name = name.substr(0, name.find(','));
    for (unsigned index = 0; index < Terminals::serial_count; index++)
        if (name == places[index].name) return index;
    return Terminals::serial_count;
}

Result<Ref<File>> open_serial(MayBlock& context, u32 minor, u32 flags, Inode*)
{
    SerialPort* port = hal::kernel().terminals.serial(minor - SerialPort::first_minor);
    if (!port) return Errno::enxio;
    return TerminalFile::open(context, Ref<Terminal>::share(*port), flags);
}

// /dev/tty: the running process's own terminal.
Result<Ref<File>> open_own(MayBlock& context, u32, u32 flags, Inode*)
{
    if (!context.thread().user) return Errno::enxio;
    Ref<Terminal> terminal = controlling_terminal(context, current_process(context));
    if (!terminal) return Errno::enxio;
    return TerminalFile::open(context, std::move(terminal), flags);
}

// /dev/console never becomes a controlling terminal.
Result<Ref<File>> open_console(MayBlock& context, u32, u32 flags, Inode*)
{
    Ref<Terminal> terminal = hal::kernel().terminals.console();
    if (!terminal) return Errno::enodev;
    return TerminalFile::open(context, std::move(terminal), flags, true);
}

}  // namespace

u16 Terminals::serial_port_of(unsigned index) { return places[index].port; }
u32 Terminals::serial_irq_of(unsigned index) { return places[index].irq; }

Result<void> Terminals::start_serial(MayBlock& context, unsigned index)
{
    abi::Termios settings = abi::initial_termios();
    settings.control |= abi::control_flag::local;
    const std::string_view console = parameter("console");
    const usize comma = console.find(',');
    if (serial_of(console) != index || comma == std::string_view::npos ||
        !SerialPort::parse_options(console.substr(comma + 1), settings))
        (void)SerialPort::parse_options("115200n8", settings);
    Ref<SerialPort> port = TRY(make_ref<SerialPort>(context, index, places[index].name, places[index].port, settings));
    TRY(port->start(context, places[index].irq));
    serial_[index] = std::move(port);
    log(LogLevel::info, "serial: {} at I/O {x} (irq = {}) is a 16550A", places[index].name, places[index].port,
        places[index].irq);
    return {};
}

void Terminals::choose_console()
{
    const unsigned wanted = serial_of(parameter("console"));
    if (wanted < serial_count && serial_[wanted]) {
        console_ = serial_[wanted];
        return;
    }
    for (const Ref<SerialPort>& port : serial_) {
        if (!port) continue;
        console_ = port;
        return;
    }
}

Result<void> Terminals::init(MayBlock& context)
{
    for (unsigned index = 0; index < serial_count; index++) {
        if (!SerialPort::probe(places[index].port)) continue;
        // ISA interrupts are not shared: ttyS2 and ttyS3 work where ttyS0 and ttyS1 are missing.
        const Result<void> started = start_serial(context, index);
        if (!started.ok())
            log(LogLevel::warning, "serial: {} does not start: error {}", places[index].name, started.error());
    }
    choose_console();
    log_thread_ = TRY(hal::kernel().scheduler.create_kernel_thread(context, "klog", level_fair, log_thread, this));
    if (console_) shown_ = hal::kernel().log.hand_to_driver(*this);
    hal::kernel().scheduler.start(*log_thread_);

    for (unsigned index = 0; index < serial_count; index++)
        if (serial_[index])
            TRY(register_character_device(context, places[index].name, serial_[index]->device, 0660, open_serial,
                                          "ttyS"));
    TRY(register_character_device(context, "tty", make_device(5, 0), 0666, open_own, "/dev/tty"));
    TRY(register_character_device(context, "console", make_device(5, 1), 0600, open_console, "/dev/console"));
    return register_character_device(context, "kmsg", make_device(1, 11), 0644, open_kernel_log, "mem");
}

// --- The log

void Terminals::log_grew() { hal::kernel().scheduler.unpark(*log_thread_); }

void Terminals::log_thread(MayBlock& context, void* self)
{
    Terminals& terminals = *static_cast<Terminals*>(self);
    while (true) {
        {
            LockGuard guard(terminals.log_lock_, context);
            terminals.log_readers_.wake_all();
        }
        terminals.log_observers.notify(poll_event::in | poll_event::rdnorm);
        if (terminals.console_) terminals.show_log(context);
        {
            LockGuard guard(terminals.log_lock_, context);
            terminals.log_shown_.wake_all();
        }
        (void)hal::kernel().scheduler.park(context, WaitMode::uninterruptible);
    }
}

void Terminals::show_log(MayBlock& context)
{
    KernelLog& log = hal::kernel().log;
    char storage[KernelLog::line_max];
    KernelLog::Record record;
    while (log.next(shown_, storage, record)) {  // bound: the ring, and what is logged meanwhile
        if (log.shown(record.priority)) {
            const usize prefix = record.line.find('[');
            storage[record.line.size()] = '\n';  // a line has at most line_max - 1 characters
            console_->write_kernel_text(context, {storage + prefix, record.line.size() + 1 - prefix});
        }
        log.shown_up_to(shown_);
    }
}

void Terminals::finish_log(MayBlock& context)
{
    KernelLog& log = hal::kernel().log;
    if (console_) {
        const Instant deadline = hal::now() + seconds(1);
        {
            LockGuard guard(log_lock_, context);
            while (!log.all_shown() && hal::now() < deadline)
                (void)log_shown_.wait(context, guard, {.mode = WaitMode::uninterruptible, .deadline = deadline});
        }
        (void)console_->drain(context, deadline);
    }
    log.write_at_once();
}

Result<void> Terminals::wait_for_log(MayBlock& context, u64 position)
{
    LockGuard guard(log_lock_, context);
    while (hal::kernel().log.bytes_after(position) == 0) TRY(log_readers_.wait(context, guard));
    return {};
}

}  // namespace takt
