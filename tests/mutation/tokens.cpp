#include "tokens.hpp"

#include <array>
#include <cctype>

namespace takt::mutation {
namespace {

constexpr std::array<std::string_view, 24> long_operators = {"<<=", ">>=", "...", "<=>", "::", "->", "++", "--",
                                                             "<=",  ">=",  "==",  "!=",  "&&", "||", "+=", "-=",
                                                             "*=",  "/=",  "%=",  "&=",  "|=", "^=", "[[", "]]"};

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_in_word(char c) { return starts_word(c) || std::isdigit(static_cast<unsigned char>(c)); }

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    std::vector<Token> run()
    {
        while (skip_space()) {
            const std::size_t begin = at_;
            take();
            tokens_.push_back({source_.substr(begin, at_ - begin), begin, spaced_});
        }
        return std::move(tokens_);
    }

private:
    bool looks_at(std::string_view text) const { return source_.substr(at_).starts_with(text); }
    void skip_line()
    {
        while (at_ < source_.size() && source_[at_] != '\n') at_++;
    }
    // False at the end.
    bool skip_space()
    {
        spaced_ = false;
        for (bool line_start = at_ == 0; at_ < source_.size(); spaced_ = true) {
            if (source_[at_] == '\n') {
                line_start = true;
                at_++;
            } else if (std::isspace(static_cast<unsigned char>(source_[at_]))) {
                at_++;
            } else if (looks_at("//")) {
                skip_line();
            } else if (looks_at("/*")) {
                at_ = source_.find("*/", at_) + 2;
            } else if (line_start && source_[at_] == '#') {
                do {
                    skip_line();
                } while (at_ < source_.size() && source_[at_++ - 1] == '\\');
                at_ -= at_ < source_.size();
            } else {
                return true;
            }
        }
        return false;
    }
    void take()
    {
        const char first = source_[at_];
        if (first == '"' || first == '\'') return take_quoted(first);
        if (is_in_word(first)) {
            const bool number = !starts_word(first);
            while (at_ < source_.size() && (is_in_word(source_[at_]) || (number && source_[at_] == '\''))) at_++;
            return;
        }
        for (std::string_view text : long_operators)
            if (looks_at(text)) {
                at_ += text.size();
                return;
            }
        at_++;
    }
    void take_quoted(char quote)
    {
        for (at_++; source_[at_] != quote; at_++)
            if (source_[at_] == '\\') at_++;
        at_++;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    bool spaced_ = false;
    std::vector<Token> tokens_;
};

}  // namespace

bool Token::is_word() const { return starts_word(text.front()); }

std::vector<Token> tokens_of(std::string_view source) { return Lexer(source).run(); }

}  // namespace takt::mutation
