// Mutants: small mechanical changes to a source file, each of which a good test should notice.
//
// All mutants of a file are compiled into one text (mutant schemata), each behind a test of the number that the program
// was started with (switch.hpp): one build serves them all.
//
// After: Untch, Offutt, Harrold, "Mutation Analysis Using Mutant Schemata", ISSTA 1993.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace takt::mutation {

struct Mutant {
    unsigned number = 0;  // from 1, through all files
    std::string file;
    unsigned line = 0;
    std::string function;
    std::string change;    // the operator, see below
    std::string original;  // the condition or statement that is changed
    std::string mutated;

    // What it is known by in survivors.md: no line, so that other changes of the file don't matter.
    std::string key() const { return file + " " + function + " " + change + ": " + original + " => " + mutated; }
};

struct MutatedFile {
    std::string text;
    std::vector<Mutant> mutants;
};

// Every mutant of the statements in the file's functions:
//
//   drop     a statement that is a call is left out
//   ipi      the same, where the call asks another processor to look
//   swap     two calls in a row change places, one of which orders others: of a lock, of interrupts, a wake-up
//   negate   the condition of an `if` or a loop is turned round
//   compare  < for <=, <= for <, > for >=, >= for >; in a larger expression also == for !=, != for ==
//   value    true for false, false for true
//   count    + 1 becomes + 2, - 1 becomes - 2
//   order    a sequentially consistent store is only a release (on total store order other orders are alike)
//
// Left alone: assertions, what only observes (statistics, the flight recorder, names), and conditions of nothing else;
// marks for restartable sequences, which are instructions of programs. `cpu_count() > 1` is not made `>=`, nor `a < b ?
// a : b` `<=`: these change nothing. An assignment beside a lock's call is not swapped with it: between the two is no
// instruction at which the machine would let another processor in.
MutatedFile mutate(std::string_view source, const std::string& file, unsigned first_number);

}  // namespace takt::mutation
