#include "sim_command.hpp"

#include "build.hpp"
#include "failure.hpp"

#include <unistd.h>

namespace takt {

int sim_command(const Arguments& arguments)
{
    build_host();
    const std::string program = build_directory() / "host" / "takt-sim";
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(program.c_str(), words.data());
    throw Failure(exit_takt_failed, "cannot run {}", program);
}

}  // namespace takt
