// hal: FAULT(point) says whether something goes wrong here and now. On a real machine it is the constant false; on a
// simulated one a plan that the run's seed decides (sim/fault_plan.hpp) says so.
//
//     if (FAULT(slab)) return nullptr;
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

enum class FaultPoint : u8 {
    // What the kernel asks for is not there: it says FAULT() where an answer of that kind is allowed anyway.
    frame,         // page frames for the kernel itself
    user_frame,    // a page frame for a program
    page_table,    // a table of an address space
    slab,          // an object of the kernel's heap
    kernel_stack,  // a new thread's stack
    // Of the machine itself.
    spurious_timer,  // the timer interrupts before its deadline
    spurious_ipi,    // a reschedule or a flush that no CPU has sent
    spurious_line,   // a line, used or not, without a cause
    delayed_ipi,     // an inter-processor interrupt takes much longer
    lost_ipi,        // one is lost in another of its kind that is on its way to the same CPU
    clock_step,      // a CPU's counter steps against the others'
};
inline constexpr usize fault_point_count = static_cast<usize>(FaultPoint::clock_step) + 1;

namespace hal {

// Any context. O(1).
bool fault(FaultPoint point);

}  // namespace hal
}  // namespace takt

#include <machine/fault.hpp>

#define FAULT(point) (::takt::hal::fault(::takt::FaultPoint::point))
