#include <kernel/hal/boot_info.hpp>
#include <kernel/parameters.hpp>

namespace takt {
namespace {

// The next word from `rest`, quotes kept together.
std::string_view next_word(std::string_view& rest)
{
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    usize end = 0;
    bool quoted = false;
    while (end < rest.size() && (quoted || rest[end] != ' ')) quoted ^= rest[end++] == '"';
    std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

bool find(std::string_view name, std::string_view& value)
{
    std::string_view rest = hal::boot_info().command_line;
    bool found = false;
    for (std::string_view word = next_word(rest); !word.empty() && word != "--"; word = next_word(rest)) {
        if (!word.starts_with(name)) continue;
        std::string_view tail = word.substr(name.size());
        if (!tail.empty() && tail.front() != '=') continue;
        value = tail.empty() ? tail : tail.substr(1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        found = true;
    }
    return found;
}

}  // namespace

std::string_view parameter(std::string_view name)
{
    std::string_view value;
    return find(name, value) ? value : std::string_view();
}

bool has_parameter(std::string_view name)
{
    std::string_view value;
    return find(name, value);
}

}  // namespace takt
