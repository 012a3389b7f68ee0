#include <kernel/fs/sys/sysfs.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

// The kernel is fully preemptible: what rt-tests and tuna ask.
Result<void> show_realtime(MayBlock&, TextSink& text, u64)
{
    text.append("1\n");
    return {};
}

Result<void> show_device(MayBlock&, TextSink& text, u64 device)
{
    format(text, "{}:{}\n", device_major(device), device_minor(device));
    return {};
}

Result<void> show_active_console(MayBlock&, TextSink& text, u64)
{
    if (const Ref<Terminal> console = hal::kernel().terminals.console()) format(text, "{}\n", console->name());
    return {};
}

Result<void> add_terminal(MayBlock& context, PseudoTree& terminals, std::string_view name, u64 device)
{
    PseudoTree directory = TRY(terminals.directory(context, name));
    return directory.add_file(context, "dev", 0444, show_device, nullptr, device);
}

Result<void> add_terminals(MayBlock& context, PseudoTree& classes)
{
    PseudoTree terminals = TRY(classes.add_directory(context, "tty"));
    for (unsigned index = 0; index < Terminals::serial_count; index++)
        if (const SerialPort* port = hal::kernel().terminals.serial(index))
            TRY(add_terminal(context, terminals, port->name(), port->device));
    TRY(add_terminal(context, terminals, "tty", make_device(5, 0)));
    TRY(add_terminal(context, terminals, "ptmx", make_device(5, 2)));
    TRY(add_terminal(context, terminals, "console", make_device(5, 1)));
    PseudoTree console = TRY(terminals.directory(context, "console"));
    return console.add_file(context, "active", 0444, show_active_console);
}

}  // namespace

Result<void> init_sysfs(MayBlock& context)
{
    Ref<PseudoFileSystem> file_system = TRY(make_ref<PseudoFileSystem>(context, "sysfs", 0x62656572ull));
    PseudoTree root = TRY(file_system->make_root(context));
    for (const std::string_view name : {"block", "bus", "dev", "firmware", "module", "power"})
        TRY(root.add_directory(context, name));
    PseudoTree devices = TRY(root.add_directory(context, "devices"));
    PseudoTree system = TRY(devices.add_directory(context, "system"));
    TRY(add_cpu_tree(context, system));
    TRY(add_node_tree(context, system));
    TRY(add_clock_tree(context, system));
    PseudoTree classes = TRY(root.add_directory(context, "class"));
    TRY(add_terminals(context, classes));
    PseudoTree file_systems = TRY(root.add_directory(context, "fs"));
    TRY(file_systems.add_directory(context, "cgroup"));
    PseudoTree kernel = TRY(root.add_directory(context, "kernel"));
    TRY(kernel.add_file(context, "realtime", 0444, show_realtime));
    hal::kernel().sys.file_system = std::move(file_system);
    return register_file_system(context, "sysfs", [](MayBlock&, std::string_view) -> Result<Ref<FileSystem>> {
        return Ref<FileSystem>(hal::kernel().sys.file_system);
    });
}

}  // namespace takt
