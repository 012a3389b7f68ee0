// UserStack: the stack of a program that is being executed, filled from the top down before anyone runs in its address
// space (System V ABI x86-64, 3.4.1 "Initial Stack and Register State").
#pragma once

#include <kernel/mm/address_space.hpp>
#include <kernel/mm/user_copy.hpp>
#include <string_view>

namespace takt {

class UserStack {
public:
    static constexpr u64 top = user_address_end;
    static constexpr u64 initial_bytes = 132 << 10;
    static constexpr usize string_length_max = 128 << 10;  // MAX_ARG_STRLEN, with the NUL

    UserStack(AddressSpace& space, const MemoryLimits& limits) : space_(space), limits_(limits) {}
    ~UserStack() { free(page_); }
    UserStack(const UserStack&) = delete;

    // Maps the stack. Errors: enomem.
    Result<void> create(MayBlock& context, bool executable);

    // Bytes that strings may take from here on.
    void set_string_budget(u64 bytes) { budget_ = bytes; }

    // Each puts something below what is there; the address is pointer() afterwards. Strings get a NUL. Errors: e2big
    // (over budget or too long), efault, enomem.
    Result<void> push(MayBlock& context, const void* data, usize bytes);
    Result<void> push_word(MayBlock& context, u64 word) { return push(context, &word, sizeof word); }
    Result<void> push_string(MayBlock& context, std::string_view text);
    // A string in the running thread's user memory.
    Result<void> push_user_string(MayBlock& context, UserAddress string);
    void align(u64 alignment) { skip_to(pointer_ & ~(alignment - 1)); }

    // Writes what is still in the buffer. Last.
    Result<void> flush(MayBlock& context);
    u64 pointer() const { return pointer_; }

private:
    void skip_to(u64 pointer);
    Result<void> next_page(MayBlock& context);
    Result<void> charge(usize bytes);
    template <typename Copy>
    Result<void> push_pieces(MayBlock& context, usize bytes, Copy copy);
    static Result<usize> user_string_bytes(MayBlock& context, UserAddress string, void* scratch);

    AddressSpace& space_;
    const MemoryLimits& limits_;
    u8* page_ = nullptr;  // what is to stand at page_address_; the second half is scratch
    u64 page_address_ = top;
    u64 pointer_ = top;
    u64 mapped_from_ = top;
    u64 budget_ = ~0ull;
};

}  // namespace takt
