// StoreBuffers: total store order. A processor's atomic store is its own at once, and the others' a little later; each
// processor's stores become visible in order; an atomic update or a fence makes all of them visible first.
//
// Memory always holds the newest value of a word; a pending entry holds what the others still see there. So plain code
// that reuses the memory never meets a store that comes too late. At most one processor has stores to one word pending.
//
// Source: Sewell, Sarkar, Owens, Nardelli, Myreen, "x86-TSO: A Rigorous and Usable Programmer's Model for x86
// Multiprocessors", CACM 53(7), 2010.
#pragma once

#include <kernel/base/types.hpp>
#include <vector>

namespace takt::sim {

class StoreBuffers {
public:
    bool empty() const { return pending_.empty(); }

    // The word as `processor` sees it: a place that holds at least its bytes.
    const void* seen_by(u32 processor, const void* word) const
    {
        for (const Pending& store : pending_)
            if (store.word == word && store.processor != processor) return &store.old_value;
        return word;
    }
    void* seen_by(u32 processor, void* word)
    {
        return const_cast<void*>(seen_by(processor, static_cast<const void*>(word)));
    }
    // `word` is about to change, and others see that at `visible_ns`, or as soon as earlier stores are visible. Returns
    // when that will be.
    i64 add(u32 processor, const void* word, usize bytes, i64 visible_ns);
    // The others have seen what was visible by `now_ns`.
    void retire(i64 now_ns);
    // They see everything that `processor` has stored.
    void drain(u32 processor);
    bool has_pending(u32 processor) const;
    // When the others see the last pending store to `word`; 0: there is none.
    i64 visible_ns(const void* word) const;

private:
    struct Pending {
        i64 visible_ns;
        const void* word;
        u64 old_value;
        u32 processor;
    };
    std::vector<Pending> pending_;  // in the order of the stores
};

}  // namespace takt::sim
