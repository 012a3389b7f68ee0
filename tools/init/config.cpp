#include "config.hpp"

#include "system_calls.hpp"
#include "text.hpp"

namespace takt::init {

namespace {

constexpr unsigned long most_bytes = 256UL * 1024;
char text_of_config[most_bytes];

void use_default_program(Config& config)
{
    config.arguments[0] = "-sh";
    config.argument_count = 1;
    config.variables[0] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    config.variables[1] = "HOME=/root";
    config.variables[2] = "TERM=vt100";
    config.variable_count = 3;
}

bool take(Config& config, const char* key, const char* value)
{
    if (equal(key, "arg")) {
        if (config.argument_count == most_arguments) return false;
        config.arguments[config.argument_count++] = value;
    } else if (equal(key, "env")) {
        if (config.variable_count == most_variables) return false;
        config.variables[config.variable_count++] = value;
    } else if (equal(key, "path")) {
        config.path = value;
    } else if (equal(key, "cwd")) {
        config.directory = value;
    } else if (equal(key, "tty")) {
        config.tty = value;
    } else if (equal(key, "stdin")) {
        config.input = value;
    } else if (equal(key, "stdout")) {
        config.output = value;
    } else if (equal(key, "stderr")) {
        config.errors = value;
    } else if (equal(key, "rows")) {
        config.rows = static_cast<unsigned short>(number(value));
    } else if (equal(key, "columns")) {
        config.columns = static_cast<unsigned short>(number(value));
    }
    return true;
}

}  // namespace

bool load_config(Config& config)
{
    config.path = "/bin/sh";
    config.directory = "/root";
    config.tty = "/dev/ttyS0";
    config.input = config.output = config.errors = "tty";
    const long file = open_file("/takt/config", read_only | close_on_exec);
    if (file < 0) {
        use_default_program(config);
        return true;
    }
    unsigned long size = 0;
    while (size < most_bytes) {
        const long got = read_file(int(file), text_of_config + size, most_bytes - size);
        if (got <= 0) break;
        size += static_cast<unsigned long>(got);
    }
    close_file(int(file));
    if (size == 0 || size == most_bytes || text_of_config[size - 1] != '\0') return false;
    for (unsigned long at = 0; at < size;) {
        const char* key = text_of_config + at;
        at += length(key) + 1;
        if (at >= size) return false;
        const char* value = text_of_config + at;
        at += length(value) + 1;
        if (!take(config, key, value)) return false;
    }
    return true;
}

}  // namespace takt::init
