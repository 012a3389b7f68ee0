// Random: a small seeded generator (Vigna's splitmix64). Each processor and each workload thread has its own, so that
// what one draws does not change what another sees.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

class Random {
public:
    explicit Random(u64 seed = 0) : state_(seed) {}
    // A generator of its own for part `index` of what `seed` decides.
    static Random stream(u64 seed, u64 index)
    {
        return Random(Random(seed ^ (index + 1) * 0xd1342543de82ef95ull).next());
    }

    u64 next()
    {
        u64 z = state_ += 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return z ^ z >> 31;
    }
    // 0 .. bound - 1
    u64 below(u64 bound) { return static_cast<u64>((static_cast<unsigned __int128>(next()) * bound) >> 64); }
    bool one_in(u64 count) { return below(count) == 0; }

private:
    u64 state_;
};

}  // namespace takt::sim
