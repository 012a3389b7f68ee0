// A system call that is made again, for the PC and for the simulated machine: back to the instruction.
#include <kernel/process/signal_frame.hpp>

namespace takt {
namespace {

constexpr u64 restart_system_call_number = 219;
constexpr u64 system_call_instruction_size = 2;

}  // namespace

void restart_system_call(hal::UserFrame& frame)
{
    frame.rax = frame.orig_rax;
    frame.rip -= system_call_instruction_size;
}

void restart_system_call_by_restart_call(hal::UserFrame& frame)
{
    frame.rax = restart_system_call_number;
    frame.rip -= system_call_instruction_size;
}

}  // namespace takt
