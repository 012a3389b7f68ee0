#include "machine.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <regex>
#include <sstream>
#include <unistd.h>

namespace takt {

namespace {

constexpr unsigned cpus_max = 128;  // as kernel/base/cpu_set.hpp

bool processor_virtualizes()
{
    std::istringstream lines(read_text("/proc/cpuinfo"));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("flags")) return std::regex_search(line, std::regex("\\b(vmx|svm)\\b"));
    }
    return false;
}

bool kvm_opens()
{
    const Descriptor device(open("/dev/kvm", O_RDWR | O_CLOEXEC));
    return static_cast<bool>(device);
}

void append_debug_console(Arguments& command, const char* name, const std::string& chardev, const char* port)
{
    if (chardev.empty()) return;
    const size_t comma = chardev.find(',');
    command.insert(command.end(),
                   {"-chardev", fmt::format("{},id={}{}", chardev.substr(0, comma), name, chardev.substr(comma)),
                    "-device", fmt::format("isa-debugcon,iobase={},chardev={}", port, name)});
}

}  // namespace

Accelerator choose_accelerator(const MachineOptions& options)
{
    const bool usable = processor_virtualizes() && kvm_opens();
    if (options.accelerator == Accelerator::kvm && !usable)
        throw Failure(exit_takt_failed, "no KVM here: the processor shows neither vmx nor svm, or /dev/kvm does not "
                                        "open; leave --accel out");
    if (options.accelerator == Accelerator::automatic)
        return usable && !options.icount ? Accelerator::kvm : Accelerator::tcg;
    return options.accelerator;
}

const char* accelerator_name(Accelerator accelerator) { return accelerator == Accelerator::kvm ? "kvm" : "tcg"; }

void check_machine(const MachineOptions& options)
{
    if (options.cpus == 0 || options.cpus > cpus_max)
        throw Failure(exit_usage, "--cpus {}: a machine has 1 to {}", options.cpus, cpus_max);
    if (options.icount && options.cpus != 1)
        throw Failure(exit_usage, "--icount is one processor's clock; leave --cpus {} out", options.cpus);
    if (options.icount && options.accelerator == Accelerator::kvm)
        throw Failure(exit_usage, "--icount counts instructions, which KVM can't; leave one out");
    if (!std::regex_match(options.memory, std::regex("[1-9][0-9]*[KMGTkmgt]?")))
        throw Failure(exit_usage, "--memory {}: give a size such as 512M or 2G", options.memory);
}

Arguments machine_command(const MachineOptions& options, const MachineWiring& wiring)
{
    const bool kvm = options.accelerator == Accelerator::kvm;
    const char* backend = kvm ? "kvm" : options.icount ? "tcg" : "tcg,thread=multi";
    std::string append = "console=ttyS0 quiet panic=-1 tsc=reliable";
    if (!options.append.empty()) append += " " + options.append;
    Arguments command = {"qemu-system-x86_64"};
    const auto add = [&](std::initializer_list<std::string> arguments) { command.insert(command.end(), arguments); };
    add({"-machine", "q35", "-cpu", "max", "-smp", std::to_string(options.cpus)});
    add({"-m", options.memory, "-accel", backend});
    add({"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"});
    add({"-rtc", "base=2020-01-01T00:00:00,clock=vm", "-seed", "1"});
    for (const int file : wiring.inherited) add({"-add-fd", fmt::format("fd={},set={}", file, file)});
    const size_t comma = std::min(wiring.serial.find(','), wiring.serial.size());
    add({"-chardev", fmt::format("{},id=serial{}", wiring.serial.substr(0, comma), wiring.serial.substr(comma)),
         "-serial", "chardev:serial", "-monitor", "none"});
    append_debug_console(command, "output", wiring.output, "0x5e0");
    append_debug_console(command, "errors", wiring.errors, "0x5e4");
    append_debug_console(command, "control", wiring.control, "0x5e8");
    if (!wiring.kernel.empty()) add({"-kernel", wiring.kernel.string(), "-initrd", wiring.initrd, "-append", append});
    if (options.icount) add({"-icount", "shift=0,sleep=off"});
    if (options.gdb_port) add({"-S", "-gdb", fmt::format("tcp:127.0.0.1:{}", *options.gdb_port)});
    return command;
}

}  // namespace takt
