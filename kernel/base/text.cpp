#include <kernel/base/assert.hpp>
#include <kernel/base/text.hpp>

namespace takt {
namespace text_detail {
namespace {

Spec parse_spec(std::string_view text)
{
    Spec spec;
    for (usize index = 0; index < text.size(); index++) {
        char character = text[index];
        if (character == '-')
            spec.left = true;
        else if (character == '0' && spec.width == 0)
            spec.zero = true;
        else if (character >= '0' && character <= '9')
            spec.width = static_cast<u8>(spec.width * 10 + (character - '0'));
        else if (character == 'x')
            spec.base = 16;
        else if (character == 'o')
            spec.base = 8;
        else
            PANIC("unknown format specification");
    }
    return spec;
}

void pad(TextSink& sink, char fill, usize used, usize width)
{
    for (; used < width; used++) sink.append(fill);
}

void append_text(TextSink& sink, std::string_view text, Spec spec)
{
    if (!spec.left) pad(sink, ' ', text.size(), spec.width);
    sink.append(text);
    if (spec.left) pad(sink, ' ', text.size(), spec.width);
}

void append_number(TextSink& sink, u64 number, bool negative, Spec spec)
{
    char digits[24];
    usize count = 0;
    do {
        digits[sizeof digits - ++count] = "0123456789abcdef"[number % spec.base];
        number /= spec.base;
    } while (number != 0);
    if (spec.zero) {
        if (negative) sink.append('-');
        pad(sink, '0', count + negative, spec.width);
        sink.append({digits + sizeof digits - count, count});
        return;
    }
    if (negative) digits[sizeof digits - ++count] = '-';
    append_text(sink, {digits + sizeof digits - count, count}, spec);
}

void append_argument(TextSink& sink, const Argument& argument, Spec spec)
{
    switch (argument.kind) {
    case Argument::Kind::character: {
        char character = static_cast<char>(argument.number);
        append_text(sink, {&character, 1}, spec);
        break;
    }
    case Argument::Kind::text:
        append_text(sink, argument.text, spec);
        break;
    case Argument::Kind::signed_number:
        if (static_cast<i64>(argument.number) < 0 && spec.base == 10)
            append_number(sink, 0 - argument.number, true, spec);
        else
            append_number(sink, argument.number, false, spec);
        break;
    case Argument::Kind::unsigned_number:
        append_number(sink, argument.number, false, spec);
        break;
    }
}

}  // namespace

void format_arguments(TextSink& sink, std::string_view pattern, const Argument* arguments, usize count)
{
    usize next = 0;
    for (usize index = 0; index < pattern.size(); index++) {
        if (pattern[index] != '{') {
            sink.append(pattern[index]);
            continue;
        }
        usize end = pattern.find('}', index);
        ASSERT(end != std::string_view::npos);
        ASSERT(next < count);
        append_argument(sink, arguments[next++], parse_spec(pattern.substr(index + 1, end - index - 1)));
        index = end;
    }
}

}  // namespace text_detail

bool parse_number(std::string_view text, u64& number)
{
    unsigned base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    if (text.empty()) return false;
    u64 result = 0;
    for (char character : text) {
        unsigned digit = character >= '0' && character <= '9'   ? static_cast<unsigned>(character - '0')
                         : character >= 'a' && character <= 'f' ? static_cast<unsigned>(character - 'a' + 10)
                         : character >= 'A' && character <= 'F' ? static_cast<unsigned>(character - 'A' + 10)
                                                                : 99;
        if (digit >= base) return false;
        if (__builtin_mul_overflow(result, base, &result) || __builtin_add_overflow(result, digit, &result))
            return false;
    }
    number = result;
    return true;
}

}  // namespace takt
