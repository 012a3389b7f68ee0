// hal/entropy.hpp on the simulated machine: the same in every run (cpu.cpp).
#pragma once
