// hal: numbers that can't be guessed, from the processor's own source where it has one, else from its counter.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::hal {

// Any context. Bound: a few tries of one instruction.
u64 entropy();

}  // namespace takt::hal

#include <machine/entropy.hpp>
