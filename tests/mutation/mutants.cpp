#include "mutants.hpp"

#include "tokens.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace takt::mutation {
namespace {

// Tokens [first, last).
struct Range {
    std::size_t first, last;
    bool empty() const { return first >= last; }
};

struct Edit {
    std::size_t begin, end;  // in the file
    std::string text;
};

template <std::size_t count>
bool is_among(std::string_view text, const std::array<std::string_view, count>& words)
{
    return std::ranges::find(words, text) != words.end();
}

// What a statement may not have in it: it checks, or it only tells, or (the last) it is for instructions of programs,
// which the machine has not.
constexpr std::array<std::string_view, 17> observing = {
    "ASSERT",           "PANIC",       "static_assert", "observe",     "record",           "latency",
    "recorder",         "set_name",    "format",        "lock_detail", "spin_hint",        "announce_log",
    "assert_may_block", "assert_held", "ready_cycles",  "printk",      "note_interruption"};
// Functions that ask another processor, or this one, to look.
constexpr std::array<std::string_view, 4> asking = {"send_reschedule", "request_reschedule", "set_need_reschedule",
                                                    "ask"};
constexpr std::array<std::string_view, 12> no_expression = {"using",    "static", "typedef",  "break",
                                                            "continue", "goto",   "struct",   "class",
                                                            "union",    "enum",   "template", "constexpr"};
constexpr std::array<std::string_view, 11> assigning = {
    "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="};

// Names and listings; what only assertions ask; marks for restartable sequences, which are programs' instructions.
constexpr std::array<std::string_view, 5> telling = {"Thread::set_name", "Scheduler::find_kernel_thread",
                                                     "Scheduler::next_kernel_thread", "note_interruption", "held"};
// Calls whose place matters to others: everything else under one lock may be done in any order.
constexpr std::array<std::string_view, 23> ordering = {"acquire",
                                                       "release",
                                                       "disable_interrupts",
                                                       "enable_interrupts",
                                                       "save_and_disable_interrupts",
                                                       "restore_interrupts",
                                                       "preempt_disable",
                                                       "unpark",
                                                       "wake",
                                                       "place",
                                                       "start",
                                                       "switch_context",
                                                       "switch_away",
                                                       "switch_to_next",
                                                       "give_way",
                                                       "send_reschedule",
                                                       "ask",
                                                       "free",
                                                       "unlock",
                                                       "lock",
                                                       "cancel",
                                                       "announce",
                                                       "propagate"};

class Mutator {
public:
    Mutator(std::string_view source, std::string file, unsigned first_number)
        : source_(source), tokens_(tokens_of(source)), file_(std::move(file)), next_number_(first_number)
    {
    }

    MutatedFile run()
    {
        declarations({0, tokens_.size()});
        std::ranges::sort(edits_, {}, &Edit::begin);
        std::string text;
        std::size_t at = 0;
        for (const Edit& edit : edits_) {
            if (edit.begin < at) throw std::runtime_error("overlapping changes in " + file_);
            text += source_.substr(at, edit.begin - at);
            text += edit.text;
            at = edit.end;
        }
        text += source_.substr(at);
        return {std::move(text), std::move(mutants_)};
    }

private:
    enum class Kind { compound, other, call, assignment };
    struct Statement {
        Range range;  // with its semicolon
        Kind kind = Kind::compound;
    };

    const Token& at(std::size_t index) const
    {
        if (index >= tokens_.size()) throw std::runtime_error("unexpected end of " + file_);
        return tokens_[index];
    }
    bool is(std::size_t index, std::string_view text) const
    {
        return index < tokens_.size() && tokens_[index].is(text);
    }

    // Behind the bracket that closes the one at `open`.
    std::size_t closing(std::size_t open) const
    {
        int depth = 0;
        for (std::size_t index = open;; index++) {
            const std::string_view text = at(index).text;
            if (text == "(" || text == "{" || text == "[") depth++;
            if (text == "[[") depth += 2;
            if (text == ")" || text == "}" || text == "]") depth--;
            if (text == "]]") depth -= 2;
            if (depth <= 0) return index + 1;
        }
    }

    // The semicolon that ends the statement or the part of one at `begin`; `limit` if that comes first.
    std::size_t semicolon(std::size_t begin, std::size_t limit = ~std::size_t{0}) const
    {
        while (begin < limit && !is(begin, ";"))
            begin = is(begin, "(") || is(begin, "{") || is(begin, "[") ? closing(begin) : begin + 1;
        return begin;
    }

    // As in the file, but comments and line ends are single spaces. `changed` stands for the token at `index`.
    std::string text_of(Range range, std::size_t index = ~std::size_t{0}, std::string_view changed = {}) const
    {
        std::string text;
        for (std::size_t token = range.first; token < range.last; token++) {
            if (token != range.first && tokens_[token].spaced) text += ' ';
            text += token == index ? changed : tokens_[token].text;
        }
        return text;
    }

    // --- Namespaces and classes.

    void declarations(Range range)
    {
        std::size_t head = range.first;
        for (std::size_t index = range.first; index < range.last;) {
            if (is(index, ";") || is(index, "}")) {
                head = ++index;
            } else if (is(index, "(") || is(index, "[[")) {
                index = closing(index);
            } else if (is(index, "{")) {
                const std::size_t end = closing(index);
                if (brace({head, index}, {index + 1, end - 1})) head = end;
                index = end;
            } else {
                index++;
            }
        }
    }

    // True: the braces end a declaration.
    bool brace(Range head, Range inside)
    {
        bool has_arguments = false, has_initialisers = false, is_scope = false, is_enum = false;
        std::size_t name = 0;
        for (std::size_t index = head.first; index < head.last; index++) {
            if (is(index, "template") && is(index + 1, "<")) {
                int depth = 0;
                for (index++;; index++) {
                    depth += is(index, "<") - is(index, ">");
                    if (depth == 0) break;
                }
                continue;
            }
            if (is(index, "(")) {
                if (!has_arguments) name = index - 1;
                has_arguments = true;
                index = closing(index) - 1;
            } else if (is(index, "namespace") || is(index, "class") || is(index, "struct") || is(index, "union")) {
                is_scope = true;
            } else if (is(index, "enum")) {
                is_enum = true;
            } else if (is(index, ":") && has_arguments && !is_scope) {
                has_initialisers = true;
            }
        }
        if (is_enum) return false;
        if (is_scope) {
            declarations(inside);
            return true;
        }
        if (!has_arguments) return false;
        // A member's initialiser in braces, not the body.
        if (has_initialisers && at(head.last - 1).is_word()) return false;
        function_ = std::string(at(name).text);
        if (name > head.first && is(name - 1, "~")) function_ = "~" + function_;
        for (; name >= head.first + 2 && is(name - 1, "::"); name -= 2)
            function_ = std::string(at(name - 2).text) + "::" + function_;
        if (!is_among(function_, telling)) block(inside);
        return true;
    }

    // --- Statements.

    void block(Range range)
    {
        std::vector<Statement> statements;
        for (std::size_t index = range.first; index < range.last;) {
            statements.push_back(find_statement(index));
            index = statements.back().range.last;
        }
        unsigned swapped = 0;  // the mutant that puts the statement before its predecessor
        for (std::size_t index = 0; index < statements.size(); index++) {
            const unsigned before = std::exchange(swapped, 0);
            std::string first;
            if (index + 1 < statements.size() && may_swap(statements[index], statements[index + 1])) {
                const Range one = statements[index].range, two = statements[index + 1].range;
                swapped = add("swap", one, text_of(one) + " " + text_of(two), text_of(two) + " " + text_of(one));
                first = fmt::format("if (is_mutant({})) {{ {} }} ", swapped, text_of(two));
            }
            simple(statements[index], first, before);
        }
    }

    bool may_swap(const Statement& one, const Statement& two) const
    {
        return one.kind == Kind::call && two.kind == Kind::call && (orders(one.range) || orders(two.range)) &&
               text_of(one.range) != text_of(two.range);
    }
    // It calls one of the ordering functions itself, not in an argument.
    bool orders(Range range) const
    {
        for (std::size_t index = range.first; index + 1 < range.last; index++)
            if (is(index + 1, "(")) {
                if (is_among(at(index).text, ordering)) return true;
                index = closing(index + 1) - 1;
            }
        return false;
    }

    // Where the statement ends, and what it is; compound ones are mutated within at once.
    Statement find_statement(std::size_t begin)
    {
        std::size_t index = begin;
        while (is(index, "[[")) index = closing(index);
        if (is(index, "{")) {
            const std::size_t end = closing(index);
            block({index + 1, end - 1});
            return {{begin, end}};
        }
        if (is(index, "case") || is(index, "default")) {
            while (!is(index, ":")) index++;
            return {{begin, index + 1}};
        }
        if (is(index, "if") || is(index, "while") || is(index, "for") || is(index, "switch"))
            return {{begin, controlled(index)}};
        if (is(index, "else")) return {{begin, body(index + 1)}};
        if (is(index, "do")) {
            index = body(index + 1);
            const std::size_t end = closing(index + 1);
            condition({index + 2, end - 1});
            return {{begin, end + 1}};
        }
        const std::size_t end = semicolon(index);
        Statement statement{{index, end + 1}};
        statement.kind = kind_of({index, end});
        return statement;
    }

    // The statement behind a condition, alone. Its end.
    std::size_t body(std::size_t begin)
    {
        const Statement statement = find_statement(begin);
        simple(statement, "", 0);
        return statement.range.last;
    }

    std::size_t controlled(std::size_t index)
    {
        const std::string_view keyword = at(index).text;
        const bool is_constant = is(index + 1, "constexpr");
        const std::size_t open = index + 1 + is_constant;
        const std::size_t close = closing(open) - 1;
        if (keyword == "for")
            loop_condition({open + 1, close});
        else if (keyword != "switch" && !is_constant && !only_observes(close + 1))
            condition({open + 1, close});
        return body(close + 1);
    }

    // The statement there is one that only tells, and no `else` follows.
    bool only_observes(std::size_t begin) const
    {
        if (is(begin, "{") || is(begin, "if")) return false;
        const std::size_t end = semicolon(begin);
        return observes({begin, end}) && !is(end + 1, "else");
    }

    void loop_condition(Range range)
    {
        const std::size_t first = semicolon(range.first, range.last) + 1;
        if (first > range.last) return;
        condition({first, semicolon(first)});
    }

    Kind kind_of(Range range) const
    {
        if (range.empty() || is_among(at(range.first).text, no_expression) || is(range.first, "return") ||
            observes(range))
            return Kind::other;
        const std::size_t sign = assignment_in(range);
        if (is_declaration(range)) return Kind::other;
        if (sign < range.last) return Kind::assignment;
        return is(range.last - 1, ")") && !is(range.first, "delete") && !is(range.first, "new") ? Kind::call
                                                                                                : Kind::other;
    }
    template <std::size_t count>
    bool has_any(Range range, const std::array<std::string_view, count>& words) const
    {
        for (std::size_t index = range.first; index < range.last; index++)
            if (is_among(tokens_[index].text, words)) return true;
        return false;
    }
    bool observes(Range range) const { return has_any(range, observing); }
    // Of the sign of assignment outside brackets; range.last: none.
    std::size_t assignment_in(Range range) const
    {
        for (std::size_t index = range.first; index < range.last;) {
            if (is(index, "(") || is(index, "[") || is(index, "{") || is(index, "[[")) {
                index = closing(index);
                continue;
            }
            if (is_among(at(index).text, assigning)) return index;
            index++;
        }
        return range.last;
    }
    // `Type name`, `Type& name`, `Type<...> name`.
    bool is_declaration(Range range) const
    {
        std::size_t index = range.first;
        if (is(index, "const") || is(index, "auto")) return true;
        if (!at(index).is_word()) return false;
        for (index++; index + 1 < range.last && is(index, "::"); index += 2) {
        }
        if (is(index, "<")) {
            int depth = 0;
            do {
                depth += is(index, "<") - is(index, ">");
                index++;
            } while (depth > 0 && index < range.last);
            while (index + 1 < range.last && is(index, "::")) index += 2;
        }
        // A pointer's or reference's sign stands at its type; an operator stands between spaces.
        while (index < range.last && (is(index, "&") || is(index, "*") || is(index, "&&")) && !tokens_[index].spaced)
            index++;
        return index < range.last && at(index).is_word() && tokens_[index].spaced && at(index - 1).text != "return";
    }

    // --- Mutants.

    unsigned add(const char* change, Range where, std::string original, std::string mutated)
    {
        const auto line = 1 + std::ranges::count(source_.substr(0, at(where.first).begin), '\n');
        Mutant mutant{next_number_++,    file_, static_cast<unsigned>(line), function_, change, std::move(original),
                      std::move(mutated)};
        // The same text again in one function.
        const std::string plain = mutant.function;
        for (unsigned again = 2;
             std::ranges::any_of(mutants_, [&](const Mutant& other) { return other.key() == mutant.key(); }); again++)
            mutant.function = fmt::format("{}#{}", plain, again);
        mutants_.push_back(std::move(mutant));
        return mutants_.back().number;
    }
    void replace(Range range, std::string text)
    {
        edits_.push_back({at(range.first).begin, at(range.last - 1).end(), std::move(text)});
    }

    struct Variant {
        const char* change;
        std::size_t token;
        std::string text;
    };

    // Changes of single tokens. `whole`: the expression is a condition, which is also negated as a whole.
    std::vector<Variant> variants_of(Range range, bool whole) const
    {
        std::vector<Variant> variants;
        const bool compound = std::any_of(tokens_.begin() + static_cast<long>(range.first),
                                          tokens_.begin() + static_cast<long>(range.last),
                                          [](const Token& token) { return token.is("&&") || token.is("||"); });
        const bool stores = text_of(range).find(".store(") != std::string::npos;
        for (std::size_t index = range.first; index < range.last; index++) {
            const Token& token = tokens_[index];
            const bool is_less_or_greater = (token.is("<") || token.is(">")) && token.spaced;
            const bool shifts = is(index + 1, token.text) && !tokens_[index + 1].spaced;
            if (is_less_or_greater && (shifts || chooses(range, index) || counts_processors(range, index))) continue;
            if (is_less_or_greater)
                variants.push_back({"compare", index, std::string(token.text) + "="});
            else if (token.is("<=") || token.is(">="))
                variants.push_back({"compare", index, std::string(token.text.substr(0, 1))});
            else if ((token.is("==") || token.is("!=")) && (!whole || compound))
                variants.push_back({"compare", index, token.is("==") ? "!=" : "=="});
            else if (token.is("true") || token.is("false"))
                variants.push_back({"value", index, token.is("true") ? "false" : "true"});
            else if (token.is("1") && index > range.first && (is(index - 1, "+") || is(index - 1, "-")) && token.spaced)
                variants.push_back({"count", index, "2"});
            else if (token.is("seq_cst") && stores)
                variants.push_back({"order", index, "release"});
        }
        return variants;
    }

    // `cpu_count() > 1`: what is left out on a machine of one is done there for nothing.
    bool counts_processors(Range range, std::size_t sign) const
    {
        return sign >= range.first + 3 && is(sign - 3, "cpu_count") && is(sign - 2, "(");
    }

    // `a < b ? a : b`: which of two equals is taken makes no difference.
    bool chooses(Range range, std::size_t sign) const
    {
        std::size_t left = sign, question = sign, colon = sign;
        while (left > range.first && !is(left - 1, "=") && !is(left - 1, ":")) left--;
        while (question < range.last && !is(question, "?")) question++;
        for (colon = question; colon < range.last && !is(colon, ":");) colon++;
        if (colon >= range.last) return false;
        const auto squeezed = [&](Range part) {
            std::string text = text_of(part);
            std::erase(text, ' ');
            if (text.starts_with('&')) text.erase(0, 1);  // by their addresses
            return text;
        };
        const std::string one = squeezed({left, sign}), two = squeezed({sign + 1, question});
        const std::string yes = squeezed({question + 1, colon});
        std::string no = squeezed({colon + 1, range.last});
        if (no.ends_with(';')) no.pop_back();
        return (one == yes && two == no) || (one == no && two == yes);
    }

    void condition(Range range)
    {
        if (range.empty() || assignment_in(range) < range.last || observes(range)) return;
        const std::string text = text_of(range);
        if (text == "true") return;
        const unsigned negated = add("negate", range, text, "!(" + text + ")");
        std::string all = fmt::format("is_mutant({}) ? !({}) : ", negated, text);
        for (const Variant& variant : variants_of(range, true)) {
            const std::string mutated = text_of(range, variant.token, variant.text);
            all += fmt::format("is_mutant({}) ? !!({}) : ", add(variant.change, range, text, mutated), mutated);
        }
        replace(range, all + "!!(" + text + ")");
    }

    // An expression whose value is used, by `keyword`.
    void value(Range range, const std::string& keyword = "")
    {
        const std::vector<Variant> variants = variants_of(range, false);
        if (range.empty() || variants.empty() || is(range.first, "{") || observes(range)) return;
        const std::string text = text_of(range);
        std::string all;
        for (const Variant& variant : variants) {
            const std::string mutated = text_of(range, variant.token, variant.text);
            all += fmt::format("is_mutant({}) ? ({}) : ", add(variant.change, range, keyword + text, mutated), mutated);
        }
        replace(range, "(" + all + "(" + text + "))");
    }

    // A statement that ends with a semicolon. `first` stands before it; not done if mutant `swapped` did it already.
    void simple(const Statement& statement, const std::string& first, unsigned swapped)
    {
        if (statement.kind == Kind::compound) return;
        const Range range = statement.range;
        const Range inside{range.first, range.last - 1};
        if (statement.kind == Kind::other) {
            if (inside.empty() || is_among(at(range.first).text, no_expression)) return;
            if (is(range.first, "return")) return value({range.first + 1, inside.last}, "return ");
            const std::size_t sign = assignment_in(inside);
            if (is(sign, "=") && is_declaration(inside)) value({sign + 1, inside.last});
            return;
        }
        const std::string text = text_of(range);
        std::string all;
        if (statement.kind == Kind::call) {
            const unsigned dropped = add(has_any(inside, asking) ? "ipi" : "drop", range, text, "");
            all += fmt::format("if (is_mutant({})) {{}} else ", dropped);
        }
        for (const Variant& variant : variants_of(inside, false)) {
            const std::string mutated = text_of(range, variant.token, variant.text);
            all += fmt::format("if (is_mutant({})) {{ {} }} else ", add(variant.change, range, text, mutated), mutated);
        }
        if (swapped) all = fmt::format("if (!is_mutant({})) {{ ", swapped) + all;
        all = "{ " + first + all + "{ " + text + " } }";
        if (swapped) all += " }";
        replace(range, all);
    }

    std::string_view source_;
    std::vector<Token> tokens_;
    std::string file_;
    unsigned next_number_;
    std::string function_;
    std::vector<Edit> edits_;
    std::vector<Mutant> mutants_;
};

}  // namespace

MutatedFile mutate(std::string_view source, const std::string& file, unsigned first_number)
{
    return Mutator(source, file, first_number).run();
}

}  // namespace takt::mutation
