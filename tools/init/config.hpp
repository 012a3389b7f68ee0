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

// A global of this type begins as zeros, which take no room in the file.
struct Config {
    const char* path;
    const char* directory;
    const char* tty;
    const char* input;
    const char* output;
    const char* errors;
    unsigned short rows;
    unsigned short columns;
    unsigned argument_count;
    unsigned variable_count;
    // One more than can be used: the kernel wants a null pointer at the end.
    const char* arguments[most_arguments + 1];
    const char* variables[most_variables + 1];
};

// Reads /takt/config into `config`, whose strings then live as long as the process. Without that
// file the defaults stand: a shell on the console. Returns false if the file is there but is cut
// short or holds more than fits.
bool load_config(Config& config);

}  // namespace takt::init
