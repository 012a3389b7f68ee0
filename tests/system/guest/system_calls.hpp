// The kernel's table of system calls (abi/system_calls.def) as a guest program sees it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using Word = unsigned long;

struct Parameter {
    std::string type, name;
    bool is_string() const { return type == "UserString"; }
    bool is_pointer() const { return is_string() || type == "UserBuffer" || type.starts_with("UserPointer"); }
};

struct Call {
    long number;
    std::string name;
    std::vector<Parameter> parameters;
};

inline std::vector<Parameter> parse(std::string_view text)
{
    std::vector<Parameter> parameters;
    text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        std::string_view one = text.substr(0, end);
        while (one.starts_with(' ')) one.remove_prefix(1);
        const std::size_t space = one.rfind(' ');
        parameters.push_back({std::string(one.substr(0, space)), std::string(one.substr(space + 1))});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parameters;
}

inline std::vector<Call> all_calls()
{
    return {
#define SYSTEM_CALL(number, name, parameters, test, missing) {number, #name, parse(#parameters)},
#define SYSTEM_CALL_MISSING(number, name)
#include <abi/system_calls.def>
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING
    };
}

// The answer as the kernel gives it: -errno for a failure.
inline long raw(long number, const Word (&argument)[6])
{
    Word result;
    register Word r10 asm("r10") = argument[3];
    register Word r8 asm("r8") = argument[4];
    register Word r9 asm("r9") = argument[5];
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return static_cast<long>(result);
}
