#include <kernel/process/user_stack.hpp>

#include <algorithm>

namespace takt {

Result<void> UserStack::create(MayBlock& context, bool executable)
{
    page_ = static_cast<u8*>(allocate_zeroed(context, 2 * page_size));
    if (!page_) return Errno::enomem;
    MapRequest request;
    request.address = top - initial_bytes;
    request.length = initial_bytes;
    request.protection = protection::read | protection::write | (executable ? protection::execute : 0);
    request.flags = map_flag::private_ | map_flag::anonymous | map_flag::fixed | map_flag::grows_down | map_flag::stack;
    TRY(space_.map(context, request, limits_));
    mapped_from_ = request.address;
    page_address_ = top - page_size;
    // The last word stays zero, as on Linux.
    pointer_ = top - sizeof(u64);
    return {};
}

Result<void> UserStack::flush(MayBlock& context)
{
    if (page_address_ < mapped_from_) {
        if (!space_.grow_down(context, page_address_, limits_)) return Errno::e2big;
        mapped_from_ = page_address_;
    }
    usize bytes = page_size - (pointer_ - page_address_);
    void* from = page_ + (pointer_ - page_address_);
    return space_.access(context, pointer_, from, bytes, true, true) == bytes ? Result<void>() : Errno::enomem;
}

Result<void> UserStack::next_page(MayBlock& context)
{
    TRY(flush(context));
    page_address_ -= page_size;
    __builtin_memset(page_, 0, page_size);
    return {};
}

// Precondition: in the page that is being filled; alignments are below a page's.
void UserStack::skip_to(u64 pointer)
{
    ASSERT(pointer >= page_address_);
    pointer_ = pointer;
}

template <typename Copy>
Result<void> UserStack::push_pieces(MayBlock& context, usize bytes, Copy copy)
{
    while (bytes > 0) {  // bound: bytes / page_size + 1
        if (pointer_ == page_address_) TRY(next_page(context));
        usize piece = std::min<u64>(bytes, pointer_ - page_address_);
        bytes -= piece;
        TRY(copy(page_ + (pointer_ - page_address_) - piece, bytes, piece));
        pointer_ -= piece;
    }
    return {};
}

Result<void> UserStack::push(MayBlock& context, const void* data, usize bytes)
{
    return push_pieces(context, bytes, [&](u8* to, usize offset, usize piece) -> Result<void> {
        __builtin_memcpy(to, static_cast<const u8*>(data) + offset, piece);
        return {};
    });
}

Result<void> UserStack::charge(usize bytes)
{
    if (bytes > string_length_max || bytes > budget_) return Errno::e2big;
    budget_ -= bytes;
    return {};
}

Result<void> UserStack::push_string(MayBlock& context, std::string_view text)
{
    TRY(charge(text.size() + 1));
    TRY(push(context, "", 1));
    return push(context, text.data(), text.size());
}

// With the NUL. `scratch` has a page.
Result<usize> UserStack::user_string_bytes(MayBlock& context, UserAddress string, void* scratch)
{
    usize length = 0;
    while (length < string_length_max) {  // bound: string_length_max / page_size
        u64 at = string.value + length;
        usize piece = std::min<u64>(page_size - at % page_size, string_length_max - length);
        TRY(copy_from_user(context, scratch, UserAddress(at), piece));
        std::string_view text(static_cast<char*>(scratch), piece);
        if (usize end = text.find('\0'); end != text.npos) return length + end + 1;
        length += piece;
    }
    return Errno::e2big;
}

Result<void> UserStack::push_user_string(MayBlock& context, UserAddress string)
{
    usize bytes = TRY(user_string_bytes(context, string, page_ + page_size));
    TRY(charge(bytes));
    // Another thread may have changed the string meanwhile: its end is put, not copied.
    TRY(push(context, "", 1));
    return push_pieces(context, bytes - 1, [&](u8* to, usize offset, usize piece) {
        return copy_from_user(context, to, UserAddress(string.value + offset), piece);
    });
}

}  // namespace takt
