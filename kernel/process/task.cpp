#include <kernel/process/task.hpp>

#include <kernel/hal/clock.hpp>
#include <kernel/process/futex_pi.hpp>

namespace takt {

Task::Task(ThreadId task_id, const char* task_name, Ref<Process> owner)
    : Thread(task_id, task_name), process(std::move(owner))
{
    user = true;
    created = hal::now();
}

Task::~Task() { ASSERT(!tracer && pending.queue.empty()); }

}  // namespace takt
