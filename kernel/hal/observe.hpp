// hal: a machine that is a model watches what the kernel does to its threads; on a real one this is nothing at all.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

class Thread;

namespace hal {

enum class Observed : u8 {
    made_ready,   // woken, placed or raised: to the end of its level's list
    put_last,     // it yielded, its turn is over, or it was taken to another CPU: to the end of its list
    put_first,    // preempted or lowered: to the front of its list
    picked,       // it runs next, or goes on
    handed_over,  // a lock, to the waiter that this is
};

// Any context, the run queue (for handed_over: the lock's waiters) locked.
void observe(Observed what, Thread& thread);

}  // namespace hal
}  // namespace takt

#include <machine/observe.hpp>
