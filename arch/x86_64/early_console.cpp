// Messages before the serial driver, and in a panic: COM1, polled.
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/interrupt_vectors.hpp>
#include <kernel/hal/console.hpp>
#include <kernel/hal/cpu.hpp>
#include <kernel/hal/port_io.hpp>

namespace takt::hal {

namespace {
constexpr u16 com1 = 0x3f8;

void put(char character)
{
    for (unsigned tries = 0; tries < 100'000 && !(in8(com1 + 5) & 0x20); tries++) spin_hint();
    out8(com1, static_cast<u8>(character));
}
}  // namespace

void early_console_write(std::string_view text)
{
    for (char character : text) {
        if (character == '\n') put('\r');
        put(character);
    }
}

void power_off()
{
    disable_interrupts();
    machine::acpi_power_off();
    halt_forever();
}

void restart()
{
    disable_interrupts();
    machine::acpi_reset();
    halt_forever();
}

void halt_forever()
{
    for (;;) asm volatile("cli; hlt");
}

}  // namespace takt::hal
