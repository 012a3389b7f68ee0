// Forgetting user translations, here and on other CPUs (Intel SDM vol. 3, section 4.10). The simulated machine does it
// the same way.
//
// Each CPU has a mailbox into which requests of all initiators merge, so nobody waits for room: a ticket counts
// requests, and the interrupt handler says up to which ticket it has served. An initiator waits with preemption and
// interrupts on, and therefore serves others meanwhile; two that ask each other can't deadlock.
//
// Race: a CPU that switches to the space while the tables change. The switch stores CpuState::space (and the space's
// CpuSet) before it loads the root; we change the table, then fence, then read CpuState::space. Either we see the CPU,
// or it loads the root after our change is visible. And a CPU that switches away: until it has loaded the other root it
// may walk the old tables. So while it switches it counts as a user of either.
#include <arch/x86_64/tlb.hpp>
#include <kernel/hal/paging.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/sched/cpu.hpp>
#include <machine/mmu.hpp>

namespace takt {
namespace machine {
namespace {

// A request: a range (first page's address, and the number of pages in the low bits), everything, or none of them; and
// whether the CPU must leave a space that it doesn't use.
constexpr u64 request_leave = 1ull << 63;
constexpr u64 request_all = 1ull << 62;
constexpr u64 request_barrier = 1ull << 61;
constexpr u64 range_bits = request_leave - 1 - request_all - request_barrier;
constexpr u64 flush_pages_max = 32;  // beyond, one reload costs less
static_assert(flush_pages_max < page_size);

u64 request_for(u64 start, u64 end)
{
    u64 first = page_floor(start);
    u64 pages = (page_ceiling(end) - first) >> page_shift;
    return pages <= flush_pages_max ? first | pages : request_all;
}

u64 merge(u64 left, u64 right)
{
    u64 flags = (left | right) & ~range_bits;
    u64 a = left & range_bits;
    u64 b = right & range_bits;
    if (flags & request_all) return flags;
    if (a == 0 || a == b) return flags | b;
    return b == 0 ? flags | a : flags | request_all;
}

u32 post(FlushMailbox& box, u64 request)
{
    u64 seen = box.pending.load(Order::relaxed);
    while (!box.pending.compare_exchange(seen, merge(seen, request), Order::release)) {
    }  // bound: other initiators
    // Partner: the handler reads `requested` before it takes `pending`, so a ticket it has seen has its request there.
    return box.requested.fetch_add(1, Order::seq_cst) + 1;
}

void leave_unused_space(CpuState& cpu)
{
    AddressSpace* space = cpu.space.load(Order::relaxed);
    if (space && cpu.current->context.space != space) load_space(cpu, nullptr);
}

void serve(CpuState& cpu, u64 request)
{
    if (request & request_leave) leave_unused_space(cpu);
    if (request & request_all) return forget_translations();
    u64 first = request & range_bits & ~(page_size - 1);
    u64 pages = request & (page_size - 1);
    for (u64 page = 0; page < pages; page++) forget_translation(first + page * page_size);
}

// CpuState::space of a CPU that switches, which may be to or from any.
AddressSpace* const switching = reinterpret_cast<AddressSpace*>(1);

bool runs(CpuState& cpu, const AddressSpace& space)
{
    const AddressSpace* loaded = cpu.space.load(Order::relaxed);
    return loaded == &space || loaded == switching;
}

// Serves the request on this CPU and on all others that run the space.
void ask_users(AddressSpace& space, u64 request)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    CpuSet asked;
    u32 tickets[cpu_count_max];
    {
        PreemptOff off;
        full_barrier();
        CpuState& self = this_cpu(off);
        if (runs(self, space)) {
            hal::InterruptState interrupts = hal::save_and_disable_interrupts();
            serve(self, request);
            hal::restore_interrupts(interrupts);
        }
        CpuSet users = space.users();
        users.clear(self.cpu_id);
        for (int next = users.next(0); next >= 0; next = users.next(static_cast<usize>(next) + 1)) {
            CpuId cpu{static_cast<u32>(next)};
            if (!runs(scheduler.cpu(cpu), space)) continue;
            tickets[cpu.value] = post(scheduler.cpu(cpu).flush_mailbox, request);
            asked.set(cpu.value);
            send_flush_interrupt(cpu);
        }
    }
    for (int next = asked.next(0); next >= 0; next = asked.next(static_cast<usize>(next) + 1)) {
        ASSERT(hal::interrupts_enabled());
        const FlushMailbox& box = scheduler.cpu(CpuId{static_cast<u32>(next)}).flush_mailbox;
        // bound: the longest time that the CPU has interrupts off
        while (static_cast<i32>(box.served.load(Order::acquire) - tickets[next]) < 0) hal::spin_hint();
    }
}

}  // namespace

void load_space(CpuState& cpu, AddressSpace* space)
{
    if (space) space->entered_on(CpuId{cpu.cpu_id});
    cpu.space.store(switching, Order::relaxed);
    if (space)
        load_root(space->root());
    else
        load_kernel_root();
    cpu.space.store(space, Order::relaxed);
}

void on_tlb_interrupt(IrqContext&)
{
    CpuState& cpu = hal::current_cpu();
    FlushMailbox& box = cpu.flush_mailbox;
    u32 ticket = box.requested.load(Order::acquire);
    serve(cpu, box.pending.exchange(0, Order::acq_rel));
    // Entry and return of an interrupt serialise: that is the barrier of barrier_on_users().
    box.served.store(ticket, Order::release);
}

}  // namespace machine

void hal::flush_user_range(MayLock&, AddressSpace& space, u64 start, u64 end)
{
    machine::ask_users(space, machine::request_for(start, end));
}

void hal::barrier_on_users(MayLock&, AddressSpace& space) { machine::ask_users(space, machine::request_barrier); }

void hal::retire_address_space(MayLock&, AddressSpace& space) { machine::ask_users(space, machine::request_leave); }

}  // namespace takt
