// hal/user_frame.hpp on the simulated machine: programs have a PC's registers.
#pragma once

#include <arch/x86_64/machine/user_frame.hpp>
