// RandomGenerator: random bytes for getrandom(2), /dev/urandom, exec's AT_RANDOM and the kernel.
//
// ChaCha20 (RFC 8439) as a generator with fast key erasure (Bernstein, "Fast-key-erasure random-number generators",
// 2017): the first half of each block replaces the key, so that a key found later tells nothing about earlier output.
// A request takes one block under the lock; longer ones go on with a key of their own outside of it.
#pragma once

#include <kernel/fs/io_buffer.hpp>
#include <kernel/sync/lock.hpp>
#include <span>

namespace takt {

class RandomGenerator {
public:
    // At boot: the first seed.
    void init(MayBlock& context);
    // Any thread context. Cost: about 1,000 instructions per 64 bytes, outside of the lock but for the first block.
    void fill(MayLock& context, std::span<u8> bytes);
    u64 number(MayLock& context);
    // Copies random bytes until the buffer is full or, after the first 256, a signal is pending. Errors: efault.
    Result<usize> read(MayBlock& context, IoBuffer& into);
    // Makes the state depend on these bytes too. O(bytes).
    void mix(MayLock& context, std::span<const u8> bytes);

private:
    static constexpr usize key_words = 8;
    struct Key {
        u32 words[key_words];
    };
    struct Block {
        u32 words[16];
    };
    static Block chacha20(const Key& key, u64 counter, u64 nonce);
    // The next half block; replaces the key.
    void draw(Key& out) REQUIRES(lock_);

    Lock<Rank::object> lock_;
    Key key_ GUARDED_BY(lock_){};
    u64 requests_ GUARDED_BY(lock_) = 0;
};

}  // namespace takt
