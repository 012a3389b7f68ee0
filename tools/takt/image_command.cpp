#include "image_command.hpp"

#include "build.hpp"
#include "cpio.hpp"
#include "elf_file.hpp"
#include "failure.hpp"
#include "guest.hpp"

#include <cstdlib>
#include <fcntl.h>

namespace takt {

namespace {

// An ELF image is Takt's and has a multiboot2 header; anything else is a Linux bzImage.
std::string grub_configuration(const fs::path& kernel, const std::string& append)
{
    const bool multiboot = read_elf(kernel).kind != ElfKind::not_elf;
    const std::string options = "console=ttyS0 quiet panic=-1" + (append.empty() ? std::string() : " " + append);
    return fmt::format("serial --unit=0 --speed=115200\n"
                       "terminal_input serial console\n"
                       "terminal_output serial console\n"
                       "set timeout=0\n"
                       "menuentry Takt {{\n"
                       "    {} /boot/kernel {}\n"
                       "    {} /boot/initramfs.cpio\n"
                       "}}\n",
                       multiboot ? "multiboot2" : "linux", options, multiboot ? "module2" : "initrd");
}

}  // namespace

int image_command(const ImageOptions& options)
{
    check_writable("--output", options.output);
    const Arguments program = options.program.empty() ? Arguments{"sh"} : options.program;
    const GuestStreams console = {InputStream::terminal, OutputStream::terminal, OutputStream::terminal};
    const Guest guest = make_guest(program, options.added, options.packages, console);
    const std::string output = fs::absolute(options.output).string();
    if (output.ends_with(".cpio")) {
        write_cpio(guest.tree, open_file(output, O_WRONLY | O_CREAT | O_TRUNC).get());
        fmt::print("{}\n", output);
        return 0;
    }
    const fs::path kernel = kernel_image(options.model);
    const ScratchDirectory scratch;
    const fs::path boot = scratch.path() / "boot";
    fs::create_directories(boot / "grub");
    fs::copy_file(kernel, boot / "kernel");
    write_cpio(guest.tree, open_file(boot / "initramfs.cpio", O_WRONLY | O_CREAT).get());
    write_text(boot / "grub" / "grub.cfg", grub_configuration(kernel, options.append));
    capture_or_fail("cannot make the image",
                    {"grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", output, scratch.path().string()},
                    {.directory = {}, .merge_errors = true});
    fmt::print("{}\n", output);
    say("to try it: qemu-system-x86_64 -m 1G -nographic -cdrom {}", options.output);
    return 0;
}

}  // namespace takt
