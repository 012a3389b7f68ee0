// Segment descriptors, task state, interrupt descriptor table (Intel SDM vol. 3, sections 3.4, 6.14, 8.7).
//
// Selectors are Linux's, which programs may see in signal frames: kernel 0x10/0x18, user 0x2b/0x33.
#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <kernel/sched/cpu.hpp>

extern "C" {
extern const takt::u64 takt_exception_entries[32];
extern const takt::u64 takt_device_entries[takt::machine::vector_device_count];
void takt_timer_entry();
void takt_reschedule_entry();
void takt_tlb_entry();
void takt_call_entry();
void takt_spurious_entry();
}

namespace takt::machine {
namespace {

struct Gate {
    u64 low, high;
};
constinit Gate gates[256] = {};

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

void set_gate(unsigned vector, u64 entry, unsigned interrupt_stack, bool user)
{
    u64 type = user ? 0xee00 : 0x8e00;  // interrupt gate: interrupts off on entry
    gates[vector].low = (entry & 0xffff) | 0x10ull << 16 | static_cast<u64>(interrupt_stack) << 32 | type << 32 |
                        (entry >> 16 & 0xffff) << 48;
    gates[vector].high = entry >> 32;
}

u64 address_of(void (*entry)()) { return reinterpret_cast<u64>(entry); }

void fill_gates()
{
    for (unsigned vector = 0; vector < 32; vector++) {
        unsigned stack = vector == 2 ? 1 : vector == 8 ? 2 : vector == 18 ? 3 : 0;
        set_gate(vector, takt_exception_entries[vector], stack, vector == 3 || vector == 4);
    }
    for (unsigned index = 0; index < vector_device_count; index++)
        set_gate(vector_device_first + index, takt_device_entries[index], 0, false);
    set_gate(vector_timer, address_of(takt_timer_entry), 0, false);
    set_gate(vector_reschedule, address_of(takt_reschedule_entry), 0, false);
    set_gate(vector_tlb, address_of(takt_tlb_entry), 0, false);
    set_gate(vector_call, address_of(takt_call_entry), 0, false);
    set_gate(vector_spurious, address_of(takt_spurious_entry), 0, false);
}

// Stacks for NMI, double fault and machine check: the CPU's state stands above the stack, where the entry code finds
// it.
void set_interrupt_stack(Cpu& cpu, unsigned number, u64 stack_end)
{
    u64* slot = reinterpret_cast<u64*>(stack_end - 16);
    *slot = reinterpret_cast<u64>(static_cast<CpuState*>(&cpu));
    cpu.task_state.interrupt_stacks[number - 1] = stack_end - 16;
}

}  // namespace

void init_descriptors(Cpu& cpu, u64 interrupt_stacks)
{
    if (cpu.cpu_id == 0) fill_gates();
    for (unsigned number = 1; number <= 3; number++)
        set_interrupt_stack(cpu, number, interrupt_stacks + number * interrupt_stack_size);
    u64 base = reinterpret_cast<u64>(&cpu.task_state);
    u64* table = cpu.descriptors;
    table[1] = 0x00cf9b000000ffff;                                                        // kernel code, 32 bits
    table[2] = 0x00af9b000000ffff;                                                        // 0x10 kernel code
    table[3] = 0x00cf93000000ffff;                                                        // 0x18 kernel data
    table[4] = 0x00cffb000000ffff;                                                        // 0x23 user code, 32 bits
    table[5] = 0x00cff3000000ffff;                                                        // 0x2b user data
    table[6] = 0x00affb000000ffff;                                                        // 0x33 user code
    table[8] = 0x0000890000000067 | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;  // 0x40 task state
    table[9] = base >> 32;
    TablePointer gdt{sizeof cpu.descriptors - 1, reinterpret_cast<u64>(table)};
    TablePointer idt{sizeof gates - 1, reinterpret_cast<u64>(gates)};
    asm volatile("lgdt %0\n"
                 "pushq $0x10\n"
                 "leaq 1f(%%rip), %%rax\n"
                 "pushq %%rax\n"
                 "lretq\n"
                 "1: mov $0x18, %%eax\n"
                 "mov %%eax, %%ss\n"
                 "xor %%eax, %%eax\n"
                 "mov %%eax, %%ds\n"
                 "mov %%eax, %%es\n"
                 "mov %%eax, %%fs\n"
                 "mov %%eax, %%gs\n"
                 "lidt %1\n"
                 "mov $0x40, %%eax\n"
                 "ltr %%ax\n"
                 :
                 : "m"(gdt), "m"(idt)
                 : "rax", "memory");
    cpu.self = &cpu;
    write_msr(0xc0000101, reinterpret_cast<u64>(static_cast<CpuState*>(&cpu)));  // GS base
    write_msr(0xc0000102, 0);                                                    // shadow GS base: the user's
}

}  // namespace takt::machine
