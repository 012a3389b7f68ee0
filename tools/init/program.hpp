// Starts the program that the machine was booted for.
#pragma once

#include "channel.hpp"
#include "config.hpp"
#include "relay.hpp"

namespace takt::init {

// What init keeps of the program's standard input, output and error.
struct Connections {
    Channel output;
    Channel errors;
    Channel control;
    OutputRelay output_relay;
    OutputRelay errors_relay;
    InputRelay input_relay;

    bool relays() const { return output_relay.pipe() >= 0 || errors_relay.pipe() >= 0 || input_relay.line() >= 0; }
};

struct Started {
    long process;     // or a negative errno if there is none
    long exec_error;  // 0, or why the program could not be executed (an errno)
};

// Connects and starts the program in a session of its own, and waits until it has left init's
// code for its own. SIGCHLD must be blocked; in the program no signal is.
Started start_program(const Config& config, Connections& connections);

}  // namespace takt::init
