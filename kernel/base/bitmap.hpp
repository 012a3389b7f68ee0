// A fixed-size bitmap whose highest set bit is found by testing its words: four at most for 256 bits.
#pragma once

#include <bit>
#include <kernel/base/types.hpp>

namespace takt {

template <usize bit_count>
class Bitmap {
public:
    static constexpr usize word_count = (bit_count + 63) / 64;

    constexpr void set(usize bit) { words_[bit / 64] |= 1ull << (bit % 64); }
    constexpr void clear(usize bit) { words_[bit / 64] &= ~(1ull << (bit % 64)); }
    constexpr bool test(usize bit) const { return words_[bit / 64] >> (bit % 64) & 1; }
    constexpr bool none() const
    {
        u64 any = 0;
        for (u64 word : words_) any |= word;
        return any == 0;
    }
    constexpr usize count() const
    {
        usize total = 0;
        for (u64 word : words_) total += static_cast<usize>(std::popcount(word));
        return total;
    }
    // The highest set bit, or -1. O(1): bit_count / 64 words.
    constexpr int highest() const
    {
        for (usize index = word_count; index-- > 0;)
            if (words_[index]) return static_cast<int>(index * 64 + 63) - std::countl_zero(words_[index]);
        return -1;
    }
    // The highest set bit below `bit`, or -1.
    constexpr int highest_below(usize bit) const
    {
        for (usize index = bit / 64 + 1; index-- > 0;) {
            u64 word = index == bit / 64 ? words_[index] & ((1ull << (bit % 64)) - 1) : words_[index];
            if (word) return static_cast<int>(index * 64 + 63) - std::countl_zero(word);
        }
        return -1;
    }
    // The lowest set bit at or above `from`, or -1.
    constexpr int next(usize from) const
    {
        for (usize index = from / 64; index < word_count; index++) {
            u64 word = words_[index];
            if (index == from / 64) word &= ~0ull << (from % 64);
            if (word) return static_cast<int>(index * 64) + std::countr_zero(word);
        }
        return -1;
    }
    constexpr u64 word(usize index) const { return words_[index]; }
    constexpr void set_word(usize index, u64 word) { words_[index] = word; }
    constexpr Bitmap operator&(const Bitmap& other) const
    {
        Bitmap result;
        for (usize index = 0; index < word_count; index++) result.words_[index] = words_[index] & other.words_[index];
        return result;
    }
    constexpr bool operator==(const Bitmap&) const = default;

private:
    u64 words_[word_count] = {};
};

}  // namespace takt
