#include <kernel/drivers/random.hpp>

#include <algorithm>
#include <bit>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/entropy.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

namespace {

void quarter_round(u32& a, u32& b, u32& c, u32& d)
{
    a += b;
    d = std::rotl(d ^ a, 16);
    c += d;
    b = std::rotl(b ^ c, 12);
    a += b;
    d = std::rotl(d ^ a, 8);
    c += d;
    b = std::rotl(b ^ c, 7);
}

constexpr u64 requests_between_seeds = 1024;

}  // namespace

// RFC 8439, 2.3, with a 64-bit counter and a 64-bit nonce (the layout of the original cipher).
RandomGenerator::Block RandomGenerator::chacha20(const Key& key, u64 counter, u64 nonce)
{
    const Block start = {{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key.words[0], key.words[1], key.words[2],
                          key.words[3], key.words[4], key.words[5], key.words[6], key.words[7],
                          static_cast<u32>(counter), static_cast<u32>(counter >> 32), static_cast<u32>(nonce),
                          static_cast<u32>(nonce >> 32)}};
    Block block = start;
    u32* x = block.words;
    for (int round = 0; round < 10; round++) {
        quarter_round(x[0], x[4], x[8], x[12]);
        quarter_round(x[1], x[5], x[9], x[13]);
        quarter_round(x[2], x[6], x[10], x[14]);
        quarter_round(x[3], x[7], x[11], x[15]);
        quarter_round(x[0], x[5], x[10], x[15]);
        quarter_round(x[1], x[6], x[11], x[12]);
        quarter_round(x[2], x[7], x[8], x[13]);
        quarter_round(x[3], x[4], x[9], x[14]);
    }
    for (int word = 0; word < 16; word++) x[word] += start.words[word];
    return block;
}

void RandomGenerator::draw(Key& out)
{
    // A machine without an entropy source still gets the time of each request.
    Block block = chacha20(key_, requests_, hal::cycles());
    std::copy_n(block.words, key_words, key_.words);
    std::copy_n(block.words + key_words, key_words, out.words);
    if (++requests_ % requests_between_seeds == 0) {
        u64 fresh = hal::entropy();
        key_.words[0] ^= static_cast<u32>(fresh);
        key_.words[1] ^= static_cast<u32>(fresh >> 32);
    }
}

void RandomGenerator::init(MayBlock& context)
{
    LockGuard guard(lock_, context);
    for (usize word = 0; word < key_words; word += 2) {
        u64 seed = hal::entropy();
        key_.words[word] ^= static_cast<u32>(seed);
        key_.words[word + 1] ^= static_cast<u32>(seed >> 32);
    }
    key_.words[0] ^= static_cast<u32>(hal::boot_time_of_day_ns());
    Key unused;
    draw(unused);
}

void RandomGenerator::fill(MayLock& context, std::span<u8> bytes)
{
    Key key;
    {
        LockGuard guard(lock_, context);
        draw(key);
    }
    if (bytes.size() <= sizeof key) {
        std::copy_n(reinterpret_cast<const u8*>(key.words), bytes.size(), bytes.data());
        return;
    }
    for (u64 counter = 0; !bytes.empty(); counter++) {  // bound: the bytes
        Block block = chacha20(key, counter, 0);
        usize piece = std::min(bytes.size(), sizeof block);
        std::copy_n(reinterpret_cast<const u8*>(block.words), piece, bytes.data());
        bytes = bytes.subspan(piece);
    }
}

u64 RandomGenerator::number(MayLock& context)
{
    u64 value = 0;
    fill(context, {reinterpret_cast<u8*>(&value), sizeof value});
    return value;
}

Result<usize> RandomGenerator::read(MayBlock& context, IoBuffer& into)
{
    u8 chunk[256];
    usize total = 0;
    while (into.remaining() > 0) {  // bound: the buffer
        usize piece = std::min(into.remaining(), sizeof chunk);
        fill(context, {chunk, piece});
        Result<usize> done = into.put(context, chunk, piece);
        if (!done.ok()) return total > 0 ? Result<usize>(total) : done;
        total += done.value();
        if (done.value() < piece || context.thread().has_work(Work::signal) || context.thread().has_work(Work::fatal))
            break;
    }
    return total;
}

void RandomGenerator::mix(MayLock& context, std::span<const u8> bytes)
{
    LockGuard guard(lock_, context);
    while (!bytes.empty()) {
        usize piece = std::min(bytes.size(), sizeof key_.words);
        auto* key = reinterpret_cast<u8*>(key_.words);
        for (usize index = 0; index < piece; index++) key[index] ^= bytes[index];
        Key unused;
        draw(unused);
        bytes = bytes.subspan(piece);
    }
}

}  // namespace takt
