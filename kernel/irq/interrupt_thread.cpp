#include <kernel/base/text.hpp>
#include <kernel/core.hpp>
#include <kernel/irq/interrupt_table.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/sched/cpu.hpp>
#include <string.h>

namespace takt {

void InterruptTable::on_interrupt(IrqContext& context, u32 number)
{
    Line* line = lines_[number];
    if (!line) {
        hal::mask_line(number);
        return;
    }
    line->counts[this_cpu(context).cpu_id].fetch_add(1, Order::relaxed);
    // The line stays masked until the thread has served the device: a level would interrupt again at once.
    if (line->level) hal::mask_line(number);
    line->pending.store(1, Order::release);
    hal::core().scheduler.unpark(*line->thread);
}

void InterruptTable::thread_main(MayBlock& context, void* argument)
{
    u32 number = static_cast<u32>(reinterpret_cast<uptr>(argument));
    Line& line = *hal::core().interrupts.line(number);
    for (;;) {
        if (line.pending.exchange(0, Order::acquire) == 0) {
            hal::core().scheduler.park(context, WaitMode::uninterruptible);
            continue;
        }
        line.handler->handle(context);
        if (line.level) hal::unmask_line(number);
    }
}

Result<void> register_interrupt(MayBlock& context, u32 number, const char* name, InterruptHandler& handler)
{
    InterruptTable& table = hal::core().interrupts;
    if (number >= InterruptTable::line_count_max) return Errno::enodev;
    if (table.lines_[number]) return Errno::ebusy;
    if (!hal::claim_line(number, CpuId{0})) return Errno::enodev;
    void* memory = allocate(context, sizeof(InterruptTable::Line));
    if (!memory) return Errno::enomem;
    auto* line = new (memory) InterruptTable::Line;
    line->handler = &handler;
    usize length = strlen(name);
    memcpy(line->name, name, length < sizeof line->name ? length : sizeof line->name - 1);
    TextBuffer<16> thread_name;
    format(thread_name, "irq/{}-{}", number, name);
    Result<Thread*> thread = hal::core().scheduler.create_kernel_thread(
        context, thread_name.c_str(), level_interrupt_default, &InterruptTable::thread_main,
        reinterpret_cast<void*>(static_cast<uptr>(number)));
    if (!thread.ok()) {
        free(memory);
        return thread.error();
    }
    line->thread = thread.value();
    line->level = hal::line_trigger(number) == hal::Trigger::level;
    line->affinity = CpuSet::all(cpu_count_max);
    table.lines_[number] = line;
    hal::core().scheduler.start(*line->thread);
    hal::unmask_line(number);
    return {};
}

Result<void> InterruptTable::set_affinity(MayBlock& context, u32 number, const CpuSet& cpus)
{
    Line* target = line(number);
    if (!target) return Errno::enodev;
    TRY(hal::core().scheduler.set_affinity(context, *target->thread, cpus));
    target->affinity = cpus;
    CpuSet allowed = cpus & hal::core().scheduler.online();
    hal::route_line(number, CpuId{static_cast<u32>(allowed.next(0))});
    return {};
}

}  // namespace takt
