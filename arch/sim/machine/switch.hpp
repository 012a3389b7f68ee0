// hal/switch.hpp on the simulated machine: nothing is inline (context.cpp).
#pragma once
