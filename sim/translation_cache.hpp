// TranslationCache: what a processor remembers of page tables: entries of pages, and where tables of the last level
// are. It forgets what it is told to forget, and what it needs the room for.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

class TranslationCache {
public:
    // The entry of the page (its address >> 12); 0: not here.
    u64 page(u64 number) const { return find(pages_[number % page_room], number); }
    void keep_page(u64 number, u64 entry) { pages_[number % page_room] = {number, entry}; }
    // The physical address of the last level's table (address >> 21); 0: not here.
    u64 table(u64 number) const { return find(tables_[number % table_room], number); }
    void keep_table(u64 number, u64 table) { tables_[number % table_room] = {number, table}; }

    // One page, and every table (Intel SDM vol. 3, 4.10.4.1: INVLPG).
    void forget(u64 number)
    {
        if (pages_[number % page_room].number == number) pages_[number % page_room] = {};
        for (Entry& entry : tables_) entry = {};
    }
    void forget_all()
    {
        for (Entry& entry : pages_) entry = {};
        for (Entry& entry : tables_) entry = {};
    }
    // Calls visit(entry) for each page's entry that is here.
    template <typename Visitor>
    void each_page(Visitor visit) const
    {
        for (const Entry& entry : pages_)
            if (entry.value != 0) visit(entry.value);
    }
    template <typename Visitor>
    void each_table(Visitor visit) const
    {
        for (const Entry& entry : tables_)
            if (entry.value != 0) visit(entry.value);
    }

private:
    static constexpr u64 page_room = 64, table_room = 8;
    struct Entry {
        u64 number = ~0ull;
        u64 value = 0;
    };
    static u64 find(const Entry& entry, u64 number) { return entry.number == number ? entry.value : 0; }

    Entry pages_[page_room];
    Entry tables_[table_room];
};

}  // namespace takt::sim
