#include <algorithm>
#include <new>
#include <sim/cache_lines.hpp>
#include <sys/mman.h>

namespace takt::sim {

CacheLines::CacheLines(const unsigned char* memory, u64 bytes) : memory_(memory), bytes_(bytes)
{
    void* table = mmap(nullptr, bytes / line_bytes * sizeof(Line), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED) throw std::bad_alloc();
    lines_ = static_cast<Line*>(table);
}

CacheLines::~CacheLines() { munmap(lines_, bytes_ / line_bytes * sizeof(Line)); }

CacheLines::Line* CacheLines::line_of(const void* word)
{
    auto offset = static_cast<u64>(static_cast<const unsigned char*>(word) - memory_);
    return offset < bytes_ ? lines_ + offset / line_bytes : nullptr;
}

i64 CacheLines::transfer(Line& line, i64 now_ns, i64 transfer_ns)
{
    transfers_++;
    line.busy_until_ns = std::max(line.busy_until_ns, now_ns) + transfer_ns;
    return line.busy_until_ns - now_ns;
}

i64 CacheLines::read_ns(u32 processor, const void* word, i64 now_ns, i64 transfer_ns)
{
    Line* line = line_of(word);
    if (!line) return 0;
    u64& holders = line->holders[processor / 64];
    const u64 self = 1ull << processor % 64;
    if (holders & self) return 0;
    const bool first = (line->holders[0] | line->holders[1]) == 0;
    holders |= self;
    if (first) return 0;
    return transfer(*line, now_ns, transfer_ns);
}

i64 CacheLines::write_ns(u32 processor, const void* word, i64 now_ns, i64 transfer_ns)
{
    Line* line = line_of(word);
    if (!line) return 0;
    u64 self[2] = {};
    self[processor / 64] = 1ull << processor % 64;
    const bool others = (line->holders[0] & ~self[0]) | (line->holders[1] & ~self[1]);
    line->holders[0] = self[0];
    line->holders[1] = self[1];
    return others ? transfer(*line, now_ns, transfer_ns) : 0;
}

}  // namespace takt::sim
