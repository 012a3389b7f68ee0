// Page tables in the machine's memory, and the translations that processors remember of them. A remembered translation
// is used whatever the tables say now, as a processor may; only a fault looks again.
#include <arch/sim/mmu.hpp>
#include <arch/x86_64/page_entry.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/observe_memory.hpp>
#include <kernel/kernel.hpp>
#include <machine/atomic.hpp>
#include <machine/mmu.hpp>
#include <sim/machine.hpp>

namespace takt::machine {
namespace {

constexpr unsigned leaf_shift = 12, table_shift = 21, top_shift = 39;

sim::Machine& running_machine() { return *sim::Machine::current(); }

FrameUse use_of(u64 physical)
{
    FrameAllocator& frames = running_machine().kernel->frames;
    const FrameNumber frame{physical >> page_shift};
    return frames.is_memory(frame) ? frames.descriptor(frame).use : FrameUse::unavailable;
}

std::string text_of(const char* what, u64 address, u64 physical)
{
    char text[128];
    snprintf(text, sizeof text, "CPU %u %s for address %#lx at %#lx", sim::Machine::running()->number, what, address,
             physical);
    return text;
}

std::string freed_text(u64 physical, const char* why)
{
    char text[128];
    snprintf(text, sizeof text, "the frame at %#lx is freed, and %s", physical, why);
    return text;
}

// A table's entry for the address.
u64 entry_in(u64 table, u64 address, unsigned shift)
{
    if (use_of(table) != FrameUse::page_table)
        running_machine().stop(text_of("looks into a page table that is none any more", address, table));
    return load_entry(table_at(table)[address >> shift & 511]);
}

u64 walk(sim::Processor& processor, u64 address)
{
    u64 table = processor.translations.table(address >> table_shift);
    if (table == 0) {
        table = processor.root;
        if (table == 0) return 0;
        for (unsigned shift = top_shift; shift > leaf_shift; shift -= 9) {
            const u64 entry = entry_in(table, address, shift);
            if (!(entry & page_present)) return 0;
            table = entry & page_frame_mask;
        }
        processor.translations.keep_table(address >> table_shift, table);
    }
    const u64 entry = entry_in(table, address, leaf_shift);
    return entry & page_present ? entry : 0;
}

bool allows(u64 entry, UserAccess access)
{
    return (entry & page_present) && (!access.write || (entry & page_write)) &&
           (!access.execute || !(entry & page_no_execute));
}

// Entries of pages, not of tables: processors here don't set the accessed bit, which those of pages have from the
// start.
bool maps_page(u64 entry)
{
    return (entry & page_held) || (entry & (page_present | page_accessed)) == (page_present | page_accessed);
}

void count_mapping(u64 entry, int change)
{
    if (!maps_page(entry)) return;
    std::vector<u32>& mappings = running_machine().mappings;
    mappings[(entry & page_frame_mask) >> page_shift] += static_cast<u32>(change);
}

// Nobody may reach a frame that is freed: no page table, and no processor by what it remembers of one.
void check_freed(u64 frame)
{
    sim::Machine& machine = running_machine();
    const u64 physical = frame << page_shift;
    if (machine.mappings[frame] != 0) machine.fail(freed_text(physical, "a page table maps it"));
    for (u32 number = 0; number < machine.processor_count(); number++) {
        const sim::Processor& processor = machine.processor(number);
        bool remembered = processor.root == physical;
        const auto look = [&](u64 entry) { remembered |= (entry & page_frame_mask) == physical; };
        processor.translations.each_page(look);
        processor.translations.each_table(look);
        if (remembered) machine.fail(freed_text(physical, "a CPU remembers it"));
    }
}

}  // namespace

u64* table_at(u64 physical) { return static_cast<u64*>(hal::direct_map(physical)); }
u64 load_entry(const u64& entry) { return load_word(&entry, sizeof entry); }

void store_entry(u64& entry, u64 value)
{
    const u64 old = entry;
    count_mapping(old, -1);
    count_mapping(value, 1);
    store_word(&entry, sizeof entry, value, false);
}

u64 exchange_entry(u64& entry, u64 value)
{
    const u64 old = exchange_word(&entry, sizeof entry, value);
    count_mapping(old, -1);
    count_mapping(value, 1);
    return old;
}

// Loading a root is a serialising instruction.
void load_root(u64 root)
{
    sim::Machine& machine = running_machine();
    machine.order(machine.cost.load_root);
    machine.fence();
    sim::Machine::running()->root = root;
    forget_translations();
}

void load_kernel_root() { load_root(0); }

void forget_translations() { sim::Machine::running()->translations.forget_all(); }

void forget_translation(u64 address)
{
    running_machine().pass(running_machine().cost.forget_page);
    sim::Machine::running()->translations.forget(address >> page_shift);
}

void full_barrier()
{
    running_machine().order(running_machine().cost.atomic_update);
    running_machine().fence();
}

void send_flush_interrupt(CpuId cpu)
{
    running_machine().order(running_machine().cost.send_interrupt);
    running_machine().fence();
    running_machine().post(cpu.value, sim::InterruptKind::flush);
}

void* translate_for(u64 address, UserAccess access)
{
    sim::Processor& processor = *sim::Machine::running();
    const u64 number = address >> page_shift;
    u64 entry = processor.translations.page(number);
    if (!allows(entry, access)) {
        entry = walk(processor, address);
        if (!allows(entry, access)) {
            processor.translations.forget(number);  // a fault does (SDM vol. 3, 4.10.4.1)
            return nullptr;
        }
        processor.translations.keep_page(number, entry);
    }
    const u64 physical = entry & page_frame_mask;
    const FrameUse use = use_of(physical);
    const bool zeros = physical == physical_address(running_machine().kernel->frames.zero_frame());
    if (zeros ? access.write : use != FrameUse::anonymous && use != FrameUse::object)
        running_machine().stop(text_of("uses a frame that is not the program's any more", address, physical));
    return static_cast<unsigned char*>(hal::direct_map(physical)) + address % page_size;
}

}  // namespace takt::machine

void takt::hal::observe_freed(FrameNumber first, unsigned order)
{
    sim::Machine& machine = *sim::Machine::current();
    if (!sim::Machine::running()) return;
    {
        sim::Machine::Outside outside(machine);
        for (u64 frame = first.value; frame < first.value + (1ull << order); frame++) machine::check_freed(frame);
    }
}
