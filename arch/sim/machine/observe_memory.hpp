// hal/observe_memory.hpp on the simulated machine: mmu.cpp.
#pragma once
