#include "switch.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

unsigned chosen()
{
    const char* number = std::getenv("TAKT_MUTANT");
    return number ? static_cast<unsigned>(std::strtoul(number, nullptr, 10)) : 0;
}

struct AtExit {
    ~AtExit()
    {
        if (takt_mutant && !takt_mutant_reached) std::fputs("mutant not reached\n", stderr);
    }
} at_exit;

}  // namespace

unsigned takt_mutant = chosen();
bool takt_mutant_reached = false;
