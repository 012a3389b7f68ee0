#include "sim_command.hpp"

#include "build.hpp"
#include "failure.hpp"

#include <unistd.h>

namespace takt {

namespace {

[[noreturn]] void hand_over(const std::string& name, const Arguments& arguments)
{
    const std::string program = build_directory() / "host" / name;
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(program.c_str(), words.data());
    throw Failure(exit_takt_failed, "cannot run {}", program);
}

}  // namespace

int sim_command(const Arguments& arguments)
{
    build_host();
    hand_over("takt-sim", arguments);
}

int mutate_command(const Arguments& arguments)
{
    build_host("takt-mutate");
    hand_over("takt-mutate", arguments);
}

}  // namespace takt
