// What init is to do: /takt/config, a sequence of NUL-terminated strings, key and value in turn.
//
//   path    the program, an absolute path           cwd      its working directory
//   arg     one argument, in order, argv[0] first   env      one NAME=value
//   stdin   null, tty or relay                      stdout, stderr   channel or tty
//   tty     the terminal's device                   rows, columns    its size
#pragma once

namespace takt::init {

constexpr unsigned most_arguments = 4096;
constexpr unsigned most_variables = 256;

struct Config {
    const char* path = "/bin/sh";
    const char* directory = "/root";
    const char* tty = "/dev/ttyS0";
    const char* input = "tty";
    const char* output = "tty";
    const char* errors = "tty";
    unsigned short rows = 0;
    unsigned short columns = 0;
    unsigned argument_count = 0;
    unsigned variable_count = 0;
    // One more than can be used: the kernel wants a null pointer at the end.
    const char* arguments[most_arguments + 1] = {};
    const char* variables[most_variables + 1] = {};
};

// Reads /takt/config into `config`, whose strings then live as long as the process. Without that
// file the defaults stand: a shell on the console. Returns false if the file is there but is cut
// short or holds more than fits.
bool load_config(Config& config);

} // namespace takt::init
