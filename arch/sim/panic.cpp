// A panic stops the simulated machine: run_until() throws. In host code, where no machine runs, it ends the process.
#include <kernel/base/assert.hpp>
#include <kernel/hal/console.hpp>
#include <sim/machine.hpp>
#include <stdio.h>
#include <stdlib.h>

namespace takt {

void panic(const char* message, const char* file, int line)
{
    std::string text = std::string(message) + " (" + file + ":" + std::to_string(line) + ")";
    if (sim::Machine::running()) sim::Machine::current()->stop(std::move(text));
    fprintf(stderr, "panic: %s\n", text.c_str());
    abort();
}

namespace hal {

void early_console_write(std::string_view text)
{
    if (sim::Machine* machine = sim::Machine::current()) machine->console += text;
}

namespace {

[[noreturn]] void stop(const char* why)
{
    if (sim::Machine::running()) sim::Machine::current()->stop(why);
    abort();
}

}  // namespace

void power_off() { stop("the machine was powered off"); }
void restart() { stop("the machine was restarted"); }
void halt_forever() { stop("the machine was halted"); }

}  // namespace hal
}  // namespace takt
