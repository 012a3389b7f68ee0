// Execution contexts as types: what the code that runs now may do.
//
//     IrqContext  a hard interrupt handler: may wake, may not lock
//     PreemptOff  proof that this thread stays on this CPU
//     MayLock     may take a Lock (wait for another thread's critical section, with priority inheritance)
//     MayBlock    may wait for an event, touch user memory, take a Mutex
//
// Contexts nest: Irq < Atomic < MayLock < MayBlock. A function takes the least it needs; one that takes none works
// anywhere and never waits. Guards withdraw: under a Lock pass the guard (a MayLock) on; under a RawSpinLock pass
// nothing. Types narrow the gap; Scheduler::assert_may_block() closes it at run time.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

class Thread;

class IrqContext {
public:
    IrqContext(const IrqContext&) = delete;

private:
    friend class InterruptEntry;
    IrqContext() = default;
};

class MayLock {
public:
    MayLock(const MayLock&) = delete;
    MayLock& operator=(const MayLock&) = delete;
    // The thread that runs this code.
    Thread& thread() const { return thread_; }

protected:
    explicit MayLock(Thread& thread) : thread_(thread) {}

private:
    Thread& thread_;
};

class MayBlock : public MayLock {
private:
    friend class ContextMint;
    explicit MayBlock(Thread& thread) : MayLock(thread) {}
};

// The only maker of MayBlock. Used by system call entry, thread start, the fault handler, and destructors of files
// (which run where the last descriptor is closed; they assert that the thread may block).
class ContextMint {
public:
    static MayBlock may_block(Thread& thread) { return MayBlock(thread); }
};

}  // namespace takt
