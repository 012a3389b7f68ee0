// set_mempolicy(2), get_mempolicy(2), mbind(2), on a machine with one memory node: policies are checked and remembered,
// and every page comes from node 0 whatever they say.
#include <abi/memory.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/process/task.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {
namespace {

namespace policy = abi::memory_policy;

constexpr u32 node_words_max = page_size / sizeof(u64);

enum class Nodes : u8 { none, node_0, others };

// A node mask as Linux reads it: `bits` counts one more than the mask has; null is empty. Bound: a page of words.
// Errors: efault, einval.
Result<Nodes> read_nodes(MayBlock& context, UserPointer<u64> mask, u64 bits)
{
    bits--;
    if (bits == 0 || !mask) return Nodes::none;
    if (bits > page_size * 8) return Errno::einval;
    Nodes nodes = Nodes::none;
    for (u64 word = 0; word * 64 < bits; word++) {
        u64 value = TRY(mask.offset(word).load(context));
        if (bits - word * 64 < 64) value &= (1ull << (bits - word * 64)) - 1;
        if (value & ~(word == 0 ? 1ull : 0ull)) return Errno::einval;
        if (value) nodes = Nodes::node_0;
    }
    return nodes;
}

Result<void> write_nodes(MayBlock& context, UserPointer<u64> mask, u64 bits, bool node_0)
{
    u64 words = (bits + 62) / 64;
    if (words > node_words_max) return Errno::einval;
    for (u64 word = 0; word < words; word++) TRY(mask.offset(word).store(context, word == 0 && node_0 ? 1 : 0));
    return {};
}

// Mode and flags in a byte: the flags are bits 13 to 15 of the call's argument.
u8 packed(u32 mode, u32 flags) { return static_cast<u8>(mode | flags >> 8); }
u32 mode_of(u8 stored) { return stored & 7; }
u32 unpacked(u8 stored) { return mode_of(stored) | (stored & ~7u) << 8; }
bool has_node(u8 stored) { return mode_of(stored) != policy::default_ && mode_of(stored) != policy::local; }

// The policy that (mode with flags, nodes) asks for. Errors: einval.
Result<u8> make_policy(u32 mode_and_flags, Nodes nodes)
{
    constexpr u32 all_flags = policy::static_nodes | policy::relative_nodes | policy::numa_balancing;
    u32 flags = mode_and_flags & all_flags;
    u32 mode = mode_and_flags & ~all_flags;
    bool placing = flags & (policy::static_nodes | policy::relative_nodes);
    if (mode >= policy::mode_count) return Errno::einval;
    if ((flags & policy::static_nodes) && (flags & policy::relative_nodes)) return Errno::einval;
    if (flags & policy::numa_balancing && mode != policy::bind) return Errno::einval;
    if (mode == policy::default_) {
        if (nodes != Nodes::none) return Errno::einval;
        return packed(mode, 0);
    }
    if (mode == policy::local || (mode == policy::preferred && nodes == Nodes::none)) {
        if (nodes != Nodes::none || placing) return Errno::einval;
        return packed(policy::local, 0);
    }
    if (nodes == Nodes::none) return Errno::einval;
    return packed(mode, flags);
}

}  // namespace

Result<i64> set_mempolicy(MayBlock& context, u32 mode, UserPointer<u64> mask, u64 bits)
{
    Nodes nodes = TRY(read_nodes(context, mask, bits));
    current_task(context).memory_policy = TRY(make_policy(mode, nodes));
    return 0;
}

Result<i64> get_mempolicy(MayBlock& context, UserPointer<u32> mode, UserPointer<u64> mask, u64 bits,
                          UserAddress address, u64 flags)
{
    if (flags & ~u64{policy::get_node | policy::get_address | policy::get_allowed}) return Errno::einval;
    if (mask && bits < 1) return Errno::einval;
    u32 answer = 0;
    bool node_0 = true;
    if (flags & policy::get_allowed) {
        if (flags & (policy::get_node | policy::get_address)) return Errno::einval;
    } else {
        if (!(flags & policy::get_address) && address.value != 0) return Errno::einval;
        u8 stored = current_task(context).memory_policy;
        if (flags & policy::get_address) {
            AddressSpace& space = *current_process(context).address_space;
            stored = TRY(space.policy_at(context, address.value));
            // Which node a page is on is asked of a page that is there.
            if (flags & policy::get_node) TRY(fault_in_user(context, address, false));
        } else if (flags & policy::get_node && mode_of(stored) != policy::interleave) {
            return Errno::einval;
        }
        answer = flags & policy::get_node ? 0 : unpacked(stored);
        node_0 = has_node(stored);
    }
    if (mode) TRY(mode.store(context, answer));
    if (mask) TRY(write_nodes(context, mask, bits, node_0));
    return 0;
}

Result<i64> mbind(MayBlock& context, UserAddress address, u64 length, u64 mode, UserPointer<u64> mask, u64 bits,
                  u32 flags)
{
    if (flags & ~(policy::move_strict | policy::move | policy::move_all)) return Errno::einval;
    if (flags & policy::move_all && !current_has(context, Capability::sys_nice)) return Errno::eperm;
    if (address.value % page_size) return Errno::einval;
    Nodes nodes = TRY(read_nodes(context, mask, bits));
    u8 made = TRY(make_policy(static_cast<u32>(mode), nodes));
    TRY(current_process(context).address_space->set_policy(context, address.value, length, made));
    return 0;
}

}  // namespace takt::system_call
