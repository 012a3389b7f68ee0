// What the C++ compiler and the standard headers expect of a runtime, and a kernel must never reach.
#include <kernel/base/assert.hpp>
#include <kernel/base/types.hpp>

namespace std {

void __throw_out_of_range_fmt(const char*, ...) { PANIC("string_view out of range"); }
void __throw_length_error(const char*) { PANIC("length error"); }
void __throw_bad_optional_access() { PANIC("empty optional"); }

}  // namespace std

// Deleting destructors of polymorphic types that are not HeapObjects name these; nobody deletes such an object.
void operator delete(void*) noexcept { PANIC("delete of an object that is not a HeapObject"); }
void operator delete(void*, takt::usize) noexcept { PANIC("delete of an object that is not a HeapObject"); }

// std::popcount on processors without the instruction (baseline x86-64).
extern "C" int __popcountdi2(takt::u64 word)
{
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return static_cast<int>(word * 0x0101010101010101 >> 56);
}

extern "C" void __cxa_pure_virtual() { PANIC("pure virtual function called"); }
