// Text into a fixed buffer: TextBuffer collects characters, format() fills in "{}" places.
//
//     TextBuffer<64> text;
//     format(text, "{}: {x} of {}\n", name, address, total);
//
// {} prints integers in decimal, strings as they are, characters; {x} in hexadecimal; {6} right-aligned to 6 columns;
// {-6} left-aligned; {06} zero-filled; {08x} both; {o} octal. What does not fit is cut off and truncated() says so.
#pragma once

#include <concepts>
#include <kernel/base/types.hpp>
#include <string_view>
#include <type_traits>

namespace takt {

// Where formatted characters go. Not owned.
class TextSink {
public:
    TextSink(char* buffer, usize capacity) : buffer_(buffer), capacity_(capacity) {}
    void append(char character)
    {
        if (length_ < capacity_ || (grow_ && grow_(*this))) [[likely]]
            buffer_[length_++] = character;
        else
            truncated_ = true;
    }
    void append(std::string_view text)
    {
        for (char character : text) append(character);
    }
    std::string_view view() const { return {buffer_, length_}; }
    usize length() const { return length_; }
    bool truncated() const { return truncated_; }
    void clear()
    {
        length_ = 0;
        truncated_ = false;
    }

protected:
    char* buffer_;
    usize capacity_;
    usize length_ = 0;
    bool truncated_ = false;
    bool (*grow_)(TextSink&) = nullptr;  // makes room for one character or more; null: the capacity is fixed
};

template <usize capacity>
class TextBuffer : public TextSink {
public:
    TextBuffer() : TextSink(storage_, capacity) {}
    TextBuffer(const TextBuffer&) = delete;
    TextBuffer& operator=(const TextBuffer&) = delete;
    // The text with a NUL after it (cuts the last character when full).
    const char* c_str()
    {
        storage_[length_ < capacity ? length_ : capacity - 1] = 0;
        return storage_;
    }

private:
    char storage_[capacity];
};

namespace text_detail {

struct Spec {
    u8 width = 0;
    u8 base = 10;
    bool zero = false;
    bool left = false;
};

struct Argument {
    enum class Kind : u8 { unsigned_number, signed_number, text, character } kind;
    u64 number = 0;
    std::string_view text{};
};

template <typename T>
Argument argument(const T& value)
{
    if constexpr (std::is_same_v<T, char>)
        return {Argument::Kind::character, static_cast<u64>(value)};
    else if constexpr (std::is_same_v<T, bool>)
        return {Argument::Kind::unsigned_number, value ? 1u : 0u};
    else if constexpr (std::is_enum_v<T>)
        return {Argument::Kind::signed_number, static_cast<u64>(static_cast<i64>(value))};
    else if constexpr (std::signed_integral<T>)
        return {Argument::Kind::signed_number, static_cast<u64>(static_cast<i64>(value))};
    else if constexpr (std::unsigned_integral<T>)
        return {Argument::Kind::unsigned_number, static_cast<u64>(value)};
    else if constexpr (std::is_convertible_v<const T&, std::string_view>)
        return {Argument::Kind::text, 0, std::string_view(value)};
    else if constexpr (std::is_pointer_v<T>)
        return {Argument::Kind::unsigned_number, reinterpret_cast<u64>(value)};
    else
        return argument(value.value);  // StrongId
}

void format_arguments(TextSink& sink, std::string_view pattern, const Argument* arguments, usize count);

}  // namespace text_detail

// Any context; O(length). A pattern with more places than arguments is a bug (assertion).
template <typename... Arguments>
void format(TextSink& sink, std::string_view pattern, const Arguments&... arguments)
{
    const text_detail::Argument list[sizeof...(arguments) + 1] = {text_detail::argument(arguments)...,
                                                                  {text_detail::Argument::Kind::text, 0, {}}};
    text_detail::format_arguments(sink, pattern, list, sizeof...(arguments));
}

// Decimal, or hexadecimal after 0x; the whole text must be a number. False on anything else or overflow.
bool parse_number(std::string_view text, u64& number);

}  // namespace takt
