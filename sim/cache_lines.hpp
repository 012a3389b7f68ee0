// CacheLines: who has a copy of a line of the machine's memory, and what it costs to get one. Invalidation-based, as in
// MESI: any number of readers, or one writer. Transfers of one line go one after the other, so processors that fight
// over a line wait for each other. Lines are known by their offset in memory, never by a host address.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

class CacheLines {
public:
    CacheLines(const unsigned char* memory, u64 bytes);
    ~CacheLines();
    CacheLines(const CacheLines&) = delete;
    CacheLines& operator=(const CacheLines&) = delete;

    // A processor reads (writes) a word at `now_ns`: how long it waits for the line. 0: it has a copy (the only one),
    // or the word is no word of the machine's memory.
    i64 read_ns(u32 processor, const void* word, i64 now_ns, i64 transfer_ns);
    i64 write_ns(u32 processor, const void* word, i64 now_ns, i64 transfer_ns);
    u64 transfers() const { return transfers_; }

private:
    static constexpr u64 line_bytes = 64;
    struct Line {
        u64 holders[2];  // bit set of processors
        i64 busy_until_ns;
    };
    Line* line_of(const void* word);
    i64 transfer(Line& line, i64 now_ns, i64 transfer_ns);

    const unsigned char* memory_;
    u64 bytes_;
    Line* lines_;
    u64 transfers_ = 0;
};

}  // namespace takt::sim
