// The number of the one mutant that is alive in this process; part of every mutated file.
#pragma once

extern "C" unsigned takt_mutant;
extern "C" bool takt_mutant_reached;

[[gnu::always_inline]] constexpr bool is_mutant(unsigned number)
{
    if (__builtin_is_constant_evaluated()) return false;
    if (takt_mutant != number) [[likely]]
        return false;
    takt_mutant_reached = true;
    return true;
}
