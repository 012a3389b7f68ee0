// hal/clock.hpp on the simulated machine: virtual time, one cycle a nanosecond (clock.cpp).
#pragma once
