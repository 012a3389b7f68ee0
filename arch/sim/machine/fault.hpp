// hal/fault.hpp on the simulated machine: fault.cpp.
#pragma once
