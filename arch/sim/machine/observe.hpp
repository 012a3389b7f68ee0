// hal/observe.hpp on the simulated machine: observe.cpp.
#pragma once
