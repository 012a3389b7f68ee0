#include <algorithm>
#include <capstone/capstone.h>
#include <sim/block_costs.hpp>
#include <stdexcept>

// Of the linker: the program's text lies between.
extern "C" const unsigned char __executable_start[], __etext[];

namespace takt::sim {
namespace {

constexpr u16 instructions_max = 2000;  // of one block

class Decoder {
public:
    Decoder()
    {
        if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle_) != CS_ERR_OK) throw std::runtime_error("no disassembler");
        cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
        instruction_ = cs_malloc(handle_);
    }
    ~Decoder()
    {
        cs_free(instruction_, 1);
        cs_close(&handle_);
    }
    Decoder(const Decoder&) = delete;

    const cs_insn& at(const unsigned char*& place)
    {
        usize room = 16;
        u64 address = reinterpret_cast<u64>(place);
        if (!cs_disasm_iter(handle_, &place, &room, &address, instruction_)) throw std::runtime_error("no instruction");
        return *instruction_;
    }

private:
    csh handle_{};
    cs_insn* instruction_ = nullptr;
};

// Of a direct call or jump; 0: an indirect one.
u64 target_of(const cs_insn& instruction)
{
    const cs_x86& x86 = instruction.detail->x86;
    return x86.op_count == 1 && x86.operands[0].type == X86_OP_IMM ? static_cast<u64>(x86.operands[0].imm) : 0;
}

const unsigned char* place_of(u64 address) { return reinterpret_cast<const unsigned char*>(address); }

// Of one thread of the host: Capstone's handles are not for two.
Decoder& decoder()
{
    static thread_local Decoder decoder;
    return decoder;
}

}  // namespace

BlockCosts::BlockCosts(const void* callback)
    : text_(__executable_start), callback_(reinterpret_cast<u64>(callback)),
      counts_(static_cast<usize>(__etext - __executable_start))
{
}

u16 BlockCosts::decode(const unsigned char* place) const
{
    // A function whose last block is nothing but its end jumps to the callback, that returns to the caller.
    constexpr usize call_bytes = 5;
    const unsigned char* call = place - call_bytes;
    const cs_insn& caller = decoder().at(call);
    if (caller.id != X86_INS_CALL || target_of(caller) != callback_) return 1;
    return std::max<u16>(count_to_callback(place, true).instructions, 1);
}

BlockCosts::Count BlockCosts::count_to_callback(const unsigned char* next, bool with_calls) const
{
    Count count{0, false};
    while (count.instructions < instructions_max) {
        const cs_insn& instruction = decoder().at(next);
        const u64 target = target_of(instruction);
        const unsigned id = instruction.id;
        if (id == X86_INS_NOP) continue;
        if (target == callback_) return {count.instructions, true};
        count.instructions++;
        switch (id) {
        case X86_INS_CALL:
            if (!with_calls) return count;
            if (target != 0) {
                const Count entry = count_to_callback(place_of(target), false);
                if (entry.complete) count.instructions += entry.instructions;
            }
            break;
        case X86_INS_JMP:
            if (target == 0) return count;
            next = place_of(target);
            break;
        case X86_INS_RET:
        case X86_INS_UD2:
            return count;
        default:
            break;
        }
    }
    return count;
}

}  // namespace takt::sim
