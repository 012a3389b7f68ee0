// The words of a C++ source file: enough of a lexer to find functions, statements and operators in the kernel's style.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace takt::mutation {

struct Token {
    std::string_view text;
    std::size_t begin;  // in the file
    bool spaced;        // white space or a comment stands before it

    bool is(std::string_view other) const { return text == other; }
    bool is_word() const;  // an identifier or a keyword
    std::size_t end() const { return begin + text.size(); }
};

// Comments and preprocessor lines are left out. The tokens refer to `source`.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace takt::mutation
