// memcpy and friends, which the compiler calls. Eight bytes a step: on the deterministic machine each repetition of a
// string instruction counts, and most copies are short.
#include <kernel/base/types.hpp>

using takt::u64;
using takt::u8;
using takt::usize;

extern "C" {

void* memcpy(void* to, const void* from, usize bytes)
{
    void* result = to;
    usize words = bytes / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    words = bytes % 8;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    return result;
}

void* memmove(void* to, const void* from, usize bytes)
{
    if (to <= from || static_cast<u8*>(to) >= static_cast<const u8*>(from) + bytes) return memcpy(to, from, bytes);
    u8* last_to = static_cast<u8*>(to) + bytes - 1;
    const u8* last_from = static_cast<const u8*>(from) + bytes - 1;
    asm volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(bytes)::"memory");
    return to;
}

void* memset(void* to, int value, usize bytes)
{
    void* result = to;
    u64 pattern = static_cast<u8>(value) * 0x0101010101010101ull;
    usize count = bytes / 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(pattern) : "memory");
    count = bytes % 8;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(pattern) : "memory");
    return result;
}

int memcmp(const void* left, const void* right, usize bytes)
{
    const u8* a = static_cast<const u8*>(left);
    const u8* b = static_cast<const u8*>(right);
    for (usize index = 0; index < bytes; index++)
        if (a[index] != b[index]) return a[index] < b[index] ? -1 : 1;
    return 0;
}

// What clang makes of comparisons for equality.
int bcmp(const void* left, const void* right, usize bytes) { return memcmp(left, right, bytes); }

usize strlen(const char* text)
{
    usize length = 0;
    while (text[length]) length++;
    return length;
}

void* memchr(const void* memory, int value, usize bytes)
{
    const u8* at = static_cast<const u8*>(memory);
    for (usize index = 0; index < bytes; index++)
        if (at[index] == static_cast<u8>(value)) return const_cast<u8*>(at + index);
    return nullptr;
}

int strcmp(const char* left, const char* right)
{
    while (*left && *left == *right) left++, right++;
    return static_cast<u8>(*left) - static_cast<u8>(*right);
}

}  // extern "C"
