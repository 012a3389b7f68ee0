// hal/paging.hpp: four levels of 512 entries (Intel SDM vol. 3, section 4.5). The simulated machine has the same.
//
// A user table's frame descriptor counts its entries in `references`, so that tables which have become empty are found
// without reading them. The top-level table's descriptor counts the tables of the whole tree instead.
//
// Processors set the accessed and dirty bits on their own, so entries that they may see are changed by atomic
// operations. Both bits are set from the start: nothing here looks for pages that are not used.
#include <arch/x86_64/page_entry.hpp>
#include <kernel/hal/fault.hpp>
#include <kernel/hal/paging.hpp>
#include <kernel/kernel.hpp>
#include <machine/mmu.hpp>
#include <string.h>

namespace takt::hal {
namespace {

using namespace machine;

constexpr u64 table_bits = page_present | page_write | page_user;
constexpr unsigned leaf_shift = 12, top_shift = 39;

u64 index_of(u64 address, unsigned shift) { return address >> shift & 511; }
u64 frame_of(u64 entry) { return (entry & page_frame_mask) >> page_shift; }
bool has_frame(u64 entry) { return entry & (page_present | page_held); }

Atomic<u32>& count_of(u64 table) { return kernel().frames.descriptor(FrameNumber{table >> page_shift}).references; }
void add_to(Atomic<u32>& count, i32 change)
{
    count.store(count.load(Order::relaxed) + static_cast<u32>(change), Order::relaxed);
}

u64 make_entry(FrameNumber frame, PageAccess access)
{
    u64 entry = physical_address(frame);
    if (!access.read && !access.write && !access.execute) return entry | page_held;
    entry |= page_present | page_user | page_accessed;
    if (access.write) entry |= page_write | page_dirty;
    if (!access.execute) entry |= page_no_execute;
    return entry;
}

Translation translation_of(u64 entry)
{
    Translation translation;
    if (!has_frame(entry)) return translation;
    translation.present = true;
    translation.frame = FrameNumber{frame_of(entry)};
    translation.read = entry & page_present;
    translation.write = translation.read && entry & page_write;
    translation.execute = translation.read && !(entry & page_no_execute);
    return translation;
}

// The table of last level that holds the entry for `address`; 0: it doesn't exist.
u64 leaf_table(u64 root, u64 address)
{
    u64 table = root;
    for (unsigned shift = top_shift; shift > leaf_shift; shift -= 9) {
        u64 entry = load_entry(table_at(table)[index_of(address, shift)]);
        if (!(entry & page_present)) return 0;
        table = entry & page_frame_mask;
    }
    return table;
}

// As leaf_table; where there is none, or nothing in it, moves `address` past what it would translate.
u64 leaf_table_or_skip(u64 root, u64& address)
{
    u64 table = root;
    for (unsigned shift = top_shift; shift > leaf_shift; shift -= 9) {
        u64 entry = load_entry(table_at(table)[index_of(address, shift)]);
        if (!(entry & page_present)) {
            address = ((address >> shift) + 1) << shift;
            return 0;
        }
        table = entry & page_frame_mask;
    }
    if (count_of(table).load(Order::relaxed) != 0) return table;
    address = ((address >> (leaf_shift + 9)) + 1) << (leaf_shift + 9);
    return 0;
}

// The first address at or above `address` that another table of last level translates, or `end` if that is less.
u64 end_in_leaf(u64 address, u64 end)
{
    u64 table_end = ((address >> (leaf_shift + 9)) + 1) << (leaf_shift + 9);
    return table_end < end ? table_end : end;
}

Result<u64> add_table(MayLock& context, u64 root, u64 parent, u64& entry)
{
    if (FAULT(page_table)) return Errno::enomem;
    u64 table = physical_address(TRY(kernel().frames.allocate_zeroed(context, FrameUse::page_table)).release());
    count_of(table).store(0, Order::relaxed);
    if (parent != root) add_to(count_of(parent), 1);
    add_to(count_of(root), 1);
    store_entry(entry, table | table_bits);
    return table;
}

// As leaf_table, making the tables that don't exist.
Result<u64> leaf_table_made(MayLock& context, u64 root, u64 address)
{
    u64 table = root;
    for (unsigned shift = top_shift; shift > leaf_shift; shift -= 9) {
        u64& entry = table_at(table)[index_of(address, shift)];
        u64 value = load_entry(entry);
        table = value & page_present ? value & page_frame_mask : TRY(add_table(context, root, table, entry));
    }
    return table;
}

// Frees the tables below one entry of a table at `shift`.
void free_below(MayLock& context, u64 root, u64 entry, unsigned shift)
{
    if (!(entry & page_present)) return;
    u64 table = entry & page_frame_mask;
    if (shift > leaf_shift + 9)
        for (u64 index = 0, left = count_of(table).load(Order::relaxed); left > 0 && index < 512; index++) {
            u64 below = load_entry(table_at(table)[index]);
            if (!below) continue;
            free_below(context, root, below, shift - 9);
            left--;
        }
    kernel().frames.free(FrameNumber{table >> page_shift});
    add_to(count_of(root), -1);
}

// Takes a table with nothing in it out of its parent's entry and puts it on the chain. The chain goes through the
// tables' second words with the present bit clear, so that a processor which still walks there finds nothing.
void detach(u64 root, u64 parent, u64& entry, u64& chain)
{
    u64 table = load_entry(entry) & page_frame_mask;
    store_entry(entry, 0);
    if (parent != root) add_to(count_of(parent), -1);
    add_to(count_of(root), -1);
    store_entry(table_at(table)[1], chain);
    chain = table;
}

void detach_in(u64 root, u64 table, unsigned shift, u64 start, u64 end, u64& chain)
{
    u64 step = 1ull << shift;
    for (u64 at = start; at < end; at = (at & ~(step - 1)) + step) {
        u64& entry = table_at(table)[index_of(at, shift)];
        u64 value = load_entry(entry);
        if (!(value & page_present)) continue;
        u64 below = value & page_frame_mask;
        u64 slot_end = (at & ~(step - 1)) + step;
        if (shift > leaf_shift + 9) detach_in(root, below, shift - 9, at, slot_end < end ? slot_end : end, chain);
        if (count_of(below).load(Order::relaxed) == 0) detach(root, table, entry, chain);
    }
}

}  // namespace

Result<u64> create_page_table(MayLock& context)
{
    if (FAULT(page_table)) return Errno::enomem;
    u64 root = physical_address(TRY(kernel().frames.allocate(context, FrameUse::page_table)).release());
    u64* table = table_at(root);
    memset(table, 0, page_size / 2);
    fill_kernel_half(table);
    count_of(root).store(1, Order::relaxed);
    return root;
}

void destroy_page_table(MayLock& context, u64 root)
{
    for (u64 index = 0; index < 256 && count_of(root).load(Order::relaxed) > 1; index++)
        free_below(context, root, load_entry(table_at(root)[index]), top_shift);
    kernel().frames.free(FrameNumber{root >> page_shift});
}

Result<void> map_page(MayLock& context, u64 root, u64 address, FrameNumber frame, PageAccess access)
{
    u64 table = TRY(leaf_table_made(context, root, address));
    u64& entry = table_at(table)[index_of(address, leaf_shift)];
    if (!has_frame(load_entry(entry))) add_to(count_of(table), 1);
    store_entry(entry, make_entry(frame, access));
    return {};
}

void protect_page(u64 root, u64 address, PageAccess access)
{
    u64 table = leaf_table(root, address);
    ASSERT(table != 0);
    u64& entry = table_at(table)[index_of(address, leaf_shift)];
    u64 value = load_entry(entry);
    ASSERT(has_frame(value));
    store_entry(entry, make_entry(FrameNumber{frame_of(value)}, access));
}

Translation unmap_page(u64 root, u64 address)
{
    u64 table = leaf_table(root, address);
    if (table == 0) return {};
    u64 value = exchange_entry(table_at(table)[index_of(address, leaf_shift)], 0);
    if (has_frame(value)) add_to(count_of(table), -1);
    return translation_of(value);
}

Translation translate(u64 root, u64 address)
{
    u64 table = leaf_table(root, address);
    return table ? translation_of(load_entry(table_at(table)[index_of(address, leaf_shift)])) : Translation{};
}

bool next_translation(u64 root, u64& address, u64 end, Translation& translation)
{
    while (address < end) {
        u64 table = leaf_table_or_skip(root, address);
        if (table == 0) continue;
        const u64* entry = &table_at(table)[index_of(address, leaf_shift)];
        for (u64 stop = end_in_leaf(address, end); address < stop; address += page_size, entry++) {
            u64 value = load_entry(*entry);
            if (!has_frame(value)) continue;
            translation = translation_of(value);
            return true;
        }
    }
    address = end;
    return false;
}

usize take_translations(u64 root, u64& address, u64 end, std::span<u64> frames)
{
    usize count = 0;
    while (address < end && count < frames.size()) {
        u64 table = leaf_table_or_skip(root, address);
        if (table == 0) continue;
        u64* entry = &table_at(table)[index_of(address, leaf_shift)];
        u64 stop = end_in_leaf(address, end);
        usize before = count;
        for (; address < stop && count < frames.size(); address += page_size, entry++) {
            u64 value = load_entry(*entry);
            if (!has_frame(value)) continue;
            store_entry(*entry, 0);
            frames[count++] = frame_of(value);
        }
        add_to(count_of(table), -static_cast<i32>(count - before));
    }
    if (address > end) address = end;
    return count;
}

Result<void> share_translations(MayLock& context, const ShareRequest& request, bool& narrowed, FrameNumber& refused)
{
    refused = FrameNumber{0};
    for (u64 address = request.start; address < request.end;) {
        u64 table = leaf_table_or_skip(request.from, address);
        if (table == 0) continue;
        u64* entry = &table_at(table)[index_of(address, leaf_shift)];
        u64 copy_table = 0;
        u64 added = 0;
        for (u64 stop = end_in_leaf(address, request.end); address < stop; address += page_size, entry++) {
            u64 value = load_entry(*entry);
            FrameNumber frame{frame_of(value)};
            if (!has_frame(value) || !request.share(request.argument, frame)) continue;
            if (copy_table == 0) {
                Result<u64> made = leaf_table_made(context, request.to, address);
                if (!made.ok()) {
                    refused = frame;
                    return made.error();
                }
                copy_table = made.value();
            }
            if (value & page_write) {
                value &= ~page_write;
                store_entry(*entry, value);
                narrowed = true;
            }
            store_entry(table_at(copy_table)[index_of(address, leaf_shift)], value);
            added++;
        }
        if (copy_table != 0) add_to(count_of(copy_table), static_cast<i32>(added));
    }
    return {};
}

u64 detach_empty_tables(u64 root, u64 start, u64 end)
{
    u64 chain = 0;
    detach_in(root, root, top_shift, start, end, chain);
    return chain;
}

void free_tables(MayLock&, u64 chain)
{
    while (chain != 0) {  // bound: the tables detached
        u64 next = table_at(chain)[1];
        kernel().frames.free(FrameNumber{chain >> page_shift});
        chain = next;
    }
}

u64 page_table_pages(u64 root) { return count_of(root).load(Order::relaxed); }

}  // namespace takt::hal
