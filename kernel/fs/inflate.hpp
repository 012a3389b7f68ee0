// Inflate: decompresses a gzip member (RFC 1951, RFC 1952) that is in memory, in order, through a 32 KiB window.
//
// Cost: about 40 instructions a byte of output. 48 KiB of state, so make<Inflate>() it.
#pragma once

#include <kernel/mm/allocate.hpp>
#include <span>

namespace takt {

// Receives the output in pieces of at most 32 KiB.
class InflateSink {
public:
    virtual Result<void> take(MayBlock& context, std::span<const u8> bytes) = 0;

protected:
    ~InflateSink() = default;
};

class Inflate : public HeapObject {
public:
    Inflate(std::span<const u8> input, InflateSink& sink);

    static bool is_gzip(std::span<const u8> input)
    {
        return input.size() >= 18 && input[0] == 0x1f && input[1] == 0x8b;
    }

    // One member: the bytes of input it had. Errors: einval (not gzip, damaged, wrong checksum), and the sink's.
    Result<usize> run(MayBlock& context);

private:
    static constexpr u32 window_size = 32768;
    static constexpr u32 length_max = 15;  // bits of a code
    static constexpr u32 fast_bits = 10;
    static constexpr u32 symbol_max = 288;

    // A canonical prefix code: codes of up to fast_bits by one look, others bit by bit.
    struct Code {
        u16 fast[1u << fast_bits];  // symbol << 4 | length, 0: a longer code
        u16 count[length_max + 1];
        u16 symbols[symbol_max];
    };

    Result<void> skip_header();
    Result<bool> block(MayBlock& context);  // true: it was the last
    Result<void> stored(MayBlock& context);
    Result<void> compressed(MayBlock& context);
    void fixed_codes();
    Result<void> dynamic_codes();
    Result<void> copy_match(MayBlock& context, u32 length, u32 distance);
    static bool build(Code& code, const u8* lengths, u32 count);
    Result<u32> decode(const Code& code);
    Result<u32> decode_long(const Code& code);
    Result<void> emit(MayBlock& context, u8 byte)
    {
        window_[at_++] = byte;
        if (at_ == window_size) [[unlikely]]
            return flush(context);
        return {};
    }
    Result<void> flush(MayBlock& context);

    void refill()
    {
        while (bit_count_ <= 56) {
            u64 byte = next_ < input_.size() ? input_[next_] : 0;
            next_++;
            bits_ |= byte << bit_count_;
            bit_count_ += 8;
        }
    }
    u32 take_bits(u32 count)
    {
        if (bit_count_ < count) refill();
        u32 value = static_cast<u32>(bits_ & ((1ull << count) - 1));
        bits_ >>= count;
        bit_count_ -= count;
        return value;
    }
    // More was taken than there is.
    bool overrun() const { return next_ - bit_count_ / 8 > input_.size(); }

    std::span<const u8> input_;
    InflateSink& sink_;
    usize next_ = 0;
    u64 bits_ = 0;
    u32 bit_count_ = 0;
    u32 at_ = 0;       // in the window
    u64 flushed_ = 0;  // bytes given to the sink
    u32 checksum_ = 0xffffffff;
    Code literals_;
    Code distances_;
    u32 checksum_table_[256];
    u8 window_[window_size];
};

}  // namespace takt
