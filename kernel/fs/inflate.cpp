#include <kernel/fs/inflate.hpp>

#include <algorithm>

namespace takt {

namespace {

// RFC 1951, 3.2.5.
constexpr u16 length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr u8 length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr u16 distance_base[30] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                   33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                   1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr u8 distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                   6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
constexpr u32 end_of_block = 256;

u32 reversed(u32 code, u32 length)
{
    u32 result = 0;
    for (u32 bit = 0; bit < length; bit++) result |= (code >> bit & 1) << (length - 1 - bit);
    return result;
}

}  // namespace

Inflate::Inflate(std::span<const u8> input, InflateSink& sink) : input_(input), sink_(sink)
{
    for (u32 byte = 0; byte < 256; byte++) {
        u32 value = byte;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        checksum_table_[byte] = value;
    }
}

Result<void> Inflate::skip_header()
{
    constexpr u8 has_checksum = 2, has_extra = 4, has_name = 8, has_comment = 16, reserved = 0xe0;
    if (!is_gzip(input_) || input_[2] != 8) return Errno::einval;
    u8 flags = input_[3];
    if (flags & reserved) return Errno::einval;
    next_ = 10;
    auto byte = [&] { return next_ < input_.size() ? input_[next_++] : u8{0}; };
    if (flags & has_extra) {
        usize length = byte();
        length |= static_cast<usize>(byte()) << 8;
        next_ += length;
    }
    for (u8 text : {has_name, has_comment})
        if (flags & text)
            while (next_ < input_.size() && byte() != 0) {
            }
    if (flags & has_checksum) next_ += 2;
    return next_ < input_.size() ? Result<void>() : Errno::einval;
}

Result<usize> Inflate::run(MayBlock& context)
{
    TRY(skip_header());
    for (bool last = false; !last;) last = TRY(block(context));  // bound: the input
    TRY(flush(context));
    take_bits(bit_count_ & 7);
    u32 checksum = take_bits(16);
    checksum |= take_bits(16) << 16;
    u32 length = take_bits(16);
    length |= take_bits(16) << 16;
    if (overrun() || checksum != ~checksum_ || length != static_cast<u32>(flushed_)) return Errno::einval;
    return next_ - bit_count_ / 8;
}

Result<bool> Inflate::block(MayBlock& context)
{
    bool last = take_bits(1);
    switch (take_bits(2)) {
    case 0:
        TRY(stored(context));
        break;
    case 1:
        fixed_codes();
        TRY(compressed(context));
        break;
    case 2:
        TRY(dynamic_codes());
        TRY(compressed(context));
        break;
    default:
        return Errno::einval;
    }
    return last;
}

Result<void> Inflate::stored(MayBlock& context)
{
    take_bits(bit_count_ & 7);
    u32 length = take_bits(16);
    if ((take_bits(16) ^ length) != 0xffff) return Errno::einval;
    for (; length > 0; length--) TRY(emit(context, static_cast<u8>(take_bits(8))));
    return overrun() ? Result<void>(Errno::einval) : Result<void>();
}

Result<void> Inflate::compressed(MayBlock& context)
{
    for (;;) {  // bound: the input; overrun() ends it
        u32 symbol = TRY(decode(literals_));
        if (symbol < end_of_block) {
            TRY(emit(context, static_cast<u8>(symbol)));
            continue;
        }
        if (symbol == end_of_block) return {};
        symbol -= end_of_block + 1;
        if (symbol >= std::size(length_base)) return Errno::einval;
        u32 length = length_base[symbol] + take_bits(length_extra[symbol]);
        u32 place = TRY(decode(distances_));
        if (place >= std::size(distance_base)) return Errno::einval;
        u32 distance = distance_base[place] + take_bits(distance_extra[place]);
        TRY(copy_match(context, length, distance));
    }
}

Result<void> Inflate::copy_match(MayBlock& context, u32 length, u32 distance)
{
    if (distance > flushed_ + at_ || overrun()) return Errno::einval;
    while (length > 0) {  // bound: three pieces, as the window's end may cut source and target
        u32 from = (at_ - distance) & (window_size - 1);
        u32 piece = std::min(length, window_size - std::max(at_, from));
        const u8* source = window_ + from;
        u8* target = window_ + at_;
        // Bytes that this very match makes may be its source: one at a time.
        for (u32 index = 0; index < piece; index++) target[index] = source[index];
        at_ += piece;
        length -= piece;
        if (at_ == window_size) TRY(flush(context));
    }
    return {};
}

Result<void> Inflate::flush(MayBlock& context)
{
    std::span<const u8> piece(window_, at_);
    u32 checksum = checksum_;
    for (u8 byte : piece) checksum = checksum_table_[(checksum ^ byte) & 0xff] ^ checksum >> 8;
    checksum_ = checksum;
    flushed_ += at_;
    at_ = 0;
    return sink_.take(context, piece);
}

void Inflate::fixed_codes()
{
    u8 lengths[symbol_max];
    for (u32 symbol = 0; symbol < symbol_max; symbol++)
        lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
    build(literals_, lengths, symbol_max);
    std::fill_n(lengths, 30, u8{5});
    build(distances_, lengths, 30);
}

Result<void> Inflate::dynamic_codes()
{
    constexpr u8 order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    u32 literal_count = take_bits(5) + 257;
    u32 distance_count = take_bits(5) + 1;
    u32 length_count = take_bits(4) + 4;
    if (literal_count > 286 || distance_count > 30) return Errno::einval;
    u8 lengths[320] = {};
    for (u32 index = 0; index < length_count; index++) lengths[order[index]] = static_cast<u8>(take_bits(3));
    if (!build(literals_, lengths, 19)) return Errno::einval;
    std::fill_n(lengths, sizeof lengths, u8{0});
    for (u32 index = 0; index < literal_count + distance_count;) {
        u32 symbol = TRY(decode(literals_));
        u32 repeat = 1;
        u8 value = static_cast<u8>(symbol);
        if (symbol == 16) {
            if (index == 0) return Errno::einval;
            value = lengths[index - 1];
            repeat = 3 + take_bits(2);
        } else if (symbol > 16) {
            value = 0;
            repeat = symbol == 17 ? 3 + take_bits(3) : 11 + take_bits(7);
        }
        if (index + repeat > literal_count + distance_count) return Errno::einval;
        std::fill_n(lengths + index, repeat, value);
        index += repeat;
    }
    if (overrun() || lengths[end_of_block] == 0) return Errno::einval;
    if (!build(literals_, lengths, literal_count) || !build(distances_, lengths + literal_count, distance_count))
        return Errno::einval;
    return {};
}

// False when the lengths ask for more codes than there are. Fewer are allowed: one distance code alone is (RFC
// 1951, 3.2.7).
bool Inflate::build(Code& code, const u8* lengths, u32 count)
{
    std::fill_n(code.count, length_max + 1, u16{0});
    for (u32 symbol = 0; symbol < count; symbol++) code.count[lengths[symbol]]++;
    code.count[0] = 0;
    u16 first_index[length_max + 2] = {};
    u32 next_code[length_max + 2] = {};
    i32 left = 1;
    u32 codes = 0;
    for (u32 length = 1; length <= length_max; length++) {
        left = left * 2 - code.count[length];
        if (left < 0) return false;
        first_index[length + 1] = static_cast<u16>(first_index[length] + code.count[length]);
        next_code[length] = codes;
        codes = (codes + code.count[length]) << 1;
    }
    std::fill_n(code.fast, std::size(code.fast), u16{0});
    for (u32 symbol = 0; symbol < count; symbol++) {
        u32 length = lengths[symbol];
        if (length == 0) continue;
        code.symbols[first_index[length]++] = static_cast<u16>(symbol);
        u32 value = reversed(next_code[length]++, length);
        if (length > fast_bits) continue;
        for (; value < 1u << fast_bits; value += 1u << length)
            code.fast[value] = static_cast<u16>(symbol << 4 | length);
    }
    return true;
}

Result<u32> Inflate::decode(const Code& code)
{
    if (bit_count_ < 32) refill();
    u16 entry = code.fast[bits_ & ((1u << fast_bits) - 1)];
    if (entry == 0) [[unlikely]]
        return decode_long(code);
    u32 length = entry & 15;
    bits_ >>= length;
    bit_count_ -= length;
    if (next_ > input_.size() + 8) [[unlikely]]
        return Errno::einval;
    return static_cast<u32>(entry >> 4);
}

// Length by length: codes of one length are consecutive numbers, first bit highest.
Result<u32> Inflate::decode_long(const Code& code)
{
    u32 value = 0;
    u32 first = 0;
    u32 index = 0;
    for (u32 length = 1; length <= length_max; length++) {
        value |= take_bits(1);
        u32 count = code.count[length];
        if (value < first + count) return static_cast<u32>(code.symbols[index + (value - first)]);
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    return Errno::einval;
}

}  // namespace takt
