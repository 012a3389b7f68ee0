#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt::machine {

constinit volatile u32* local_apic = nullptr;

namespace {

constexpr u32 masked = 1 << 16;
constexpr u32 delivery_pending = 1 << 12;

void wait_until_sent()
{
    while (read_apic(apic_register::command_low) & delivery_pending) hal::spin_hint();  // bound: a few bus cycles
}

void send(u32 apic_id, u32 command)
{
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    wait_until_sent();
    write_apic(apic_register::command_high, apic_id << 24);
    write_apic(apic_register::command_low, command);
    hal::restore_interrupts(interrupts);
}

void delay(Duration duration)
{
    Instant end = hal::now() + duration;
    while (hal::now() < end) hal::spin_hint();
}

}  // namespace

void map_local_apic(u64 physical) { local_apic = map_device(physical, page_size); }

void init_local_apic()
{
    write_msr(0x1b, (read_msr(0x1b) & ~0x400ull) | 0x800);  // enabled, xAPIC
    write_apic(apic_register::spurious, 0x100 | vector_spurious);
    write_apic(apic_register::task_priority, 0);
    write_apic(apic_register::lint0, masked);
    write_apic(apic_register::lint1, masked);
    write_apic(apic_register::error, 0);
    write_apic(apic_register::timer_divide, 0xb);    // by 1
    write_apic(apic_register::timer, vector_timer);  // one-shot
    write_apic(apic_register::timer_initial, 0);
    write_apic(apic_register::end_of_interrupt, 0);
}

u32 local_apic_id() { return read_apic(apic_register::id) >> 24; }

void send_ipi(CpuId cpu, u8 vector) { send(hal::core().scheduler.cpu(cpu).apic_id, 0x4000 | vector); }

void send_nmi(CpuId cpu) { send(hal::core().scheduler.cpu(cpu).apic_id, 0x4400); }

void send_init_and_startup(u32 apic_id, u8 start_page)
{
    send(apic_id, 0xc500);  // INIT, assert
    delay(milliseconds(10));
    for (int attempt = 0; attempt < 2; attempt++) {
        send(apic_id, 0x4600 | start_page);
        delay(microseconds(200));
    }
}

}  // namespace takt::machine

namespace takt::hal {

void send_reschedule(CpuId cpu) { machine::send_ipi(cpu, machine::vector_reschedule); }

}  // namespace takt::hal
