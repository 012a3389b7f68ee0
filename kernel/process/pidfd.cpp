#include <kernel/process/pidfd.hpp>

#include <kernel/kernel.hpp>

namespace takt {

u32 Pidfd::poll(MayLock& context, PollObserver* observer)
{
    if (observer) process_->ended.add(*observer);
    ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
    return process_->zombie ? poll_event::in | poll_event::rdnorm : 0;
}

void Pidfd::describe(MayBlock&, TextSink& sink) { sink.append("anon_inode:[pidfd]"); }

}  // namespace takt
