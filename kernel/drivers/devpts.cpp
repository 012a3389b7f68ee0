#include <kernel/drivers/devpts.hpp>
#include <kernel/drivers/tty_file.hpp>
#include <kernel/fs/device_table.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u64 multiplexer_device = make_device(5, 2);

Result<Ref<File>> open_ptmx(MayBlock& context, u32, u32 flags, Inode*)
{
    return hal::kernel().devpts.open_master(context, flags);
}

Result<Ref<File>> open_pts(MayBlock& context, u32 minor, u32 flags, Inode*)
{
    return hal::kernel().devpts.open_slave(context, minor, flags);
}

// "620": mode options are octal.
bool parse_octal(std::string_view text, u32& number)
{
    if (text.empty()) return false;
    u32 value = 0;
    for (const char character : text) {
        if (character < '0' || character > '7' || value > 0777) return false;
        value = value * 8 + static_cast<u32>(character - '0');
    }
    number = value;
    return true;
}

}  // namespace

// --- Options

Result<void> DevptsFileSystem::set_options(MayBlock&, std::string_view options)
{
    while (!options.empty()) {  // bound: the text
        const usize end = options.find(',');
        const std::string_view option = options.substr(0, end);
        options = end == std::string_view::npos ? std::string_view() : options.substr(end + 1);
        const usize equals = option.find('=');
        const std::string_view name = option.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
        u64 number = 0;
        u32 bits = 0;
        if (name == "uid" && parse_number(value, number) && number <= 0xffffffff)
            user.store(static_cast<i64>(number), Order::relaxed);
        else if (name == "gid" && parse_number(value, number) && number <= 0xffffffff)
            group.store(static_cast<i64>(number), Order::relaxed);
        else if (name == "mode" && parse_octal(value, bits))
            mode.store(bits & 0777, Order::relaxed);
        else if (name == "ptmxmode" && parse_octal(value, bits))
            multiplexer_mode.store(bits & 0777, Order::relaxed);
        else if (name != "newinstance" && !name.empty())
            return Errno::einval;
    }
    return {};
}

void DevptsFileSystem::show_options(TextSink& text)
{
    if (const i64 id = user.load(Order::relaxed); id >= 0) format(text, ",uid={}", id);
    if (const i64 id = group.load(Order::relaxed); id >= 0) format(text, ",gid={}", id);
    format(text, ",mode={03o},ptmxmode={03o}", mode.load(Order::relaxed), multiplexer_mode.load(Order::relaxed));
}

// --- Start

Result<void> Devpts::init(MayBlock& context)
{
    file_system_ = TRY(make_ref<DevptsFileSystem>(context));
    PseudoTree root = TRY(file_system_->make_root(context, 0755));
    TRY(root.add(context, "ptmx",
                 TRY(make_ref<SpecialNode>(context, *file_system_, file_mode::character, multiplexer_device))));
    TRY(hal::kernel().devices.add(context, PseudoTerminal::slave_major, 0, PseudoTerminal::index_max, "pts", open_pts));
    TRY(register_character_device(context, "ptmx", multiplexer_device, 0666, open_ptmx, "/dev/ptmx"));
    return register_file_system(
        context, "devpts", [](MayBlock& caller, std::string_view options) -> Result<Ref<FileSystem>> {
            Ref<DevptsFileSystem> instance = hal::kernel().devpts.file_system();
            TRY(instance->set_options(caller, options));
            Dentry& root = *instance->root();
            Ref<Dentry> ptmx = TRY(root.inode().as_directory()->lookup(caller, root, EntryName("ptmx")));
            ptmx->inode().set_permissions(instance->multiplexer_mode.load(Order::relaxed));
            return Ref<FileSystem>(std::move(instance));
        });
}

// --- Masters and slaves

Result<Ref<PseudoTerminal>> Devpts::create(MayBlock& context)
{
    LockGuard guard(lock_, context);
    u32 index = 0;
    while (index < terminals_.size() && terminals_[index]) index++;  // bound: index_max
    if (index == PseudoTerminal::index_max) return Errno::enospc;
    Ref<PseudoTerminal> terminal = TRY(make_ref<PseudoTerminal>(guard, index));
    if (index == terminals_.size())
        TRY(terminals_.push_back(guard, terminal));
    else
        terminals_[index] = terminal;
    return terminal;
}

Result<Ref<File>> Devpts::open_master(MayBlock& context, u32 flags)
{
    const Credentials credentials = context.thread().user ? current_credentials(context) : Credentials{};
    Ref<PseudoTerminal> terminal = TRY(create(context));
    // From here on the master's end undoes everything.
    Result<Ref<PtyMaster>> master = make_ref<PtyMaster>(context, flags, terminal);
    if (!master.ok()) {
        remove(context, *terminal);
        return master.error();
    }
    const i64 user = file_system_->user.load(Order::relaxed);
    const i64 group = file_system_->group.load(Order::relaxed);
    TextBuffer<12> name;
    format(name, "{}", terminal->index);
    PseudoTree root(file_system_->root());
    TRY(root.add(context, name.view(),
                 TRY(make_ref<SpecialNode>(context, *file_system_,
                                           file_mode::character | file_system_->mode.load(Order::relaxed),
                                           terminal->device, user >= 0 ? static_cast<u32>(user) : credentials.file_user,
                                           group >= 0 ? static_cast<u32>(group) : credentials.file_group))));
    return Ref<File>(std::move(master).value());
}

Result<Ref<File>> Devpts::open_slave(MayBlock& context, u32 index, u32 flags)
{
    Ref<PseudoTerminal> terminal;
    {
        LockGuard guard(lock_, context);
        if (index < terminals_.size()) terminal = terminals_[index];
    }
    if (!terminal) return Errno::enxio;
    return TerminalFile::open(context, std::move(terminal), flags);
}

void Devpts::remove(MayBlock& context, PseudoTerminal& terminal)
{
    TextBuffer<12> name;
    format(name, "{}", terminal.index);
    (void)PseudoTree(file_system_->root()).remove(context, name.view());  // not there if adding it failed
    Ref<PseudoTerminal> last;                                             // dropped outside the lock
    LockGuard guard(lock_, context);
    last = std::move(terminals_[terminal.index]);
}

}  // namespace takt
