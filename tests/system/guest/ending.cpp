// Ends as its argument says: a number is an exit status, a number behind '-' a signal to itself.
#include <csignal>
#include <cstdlib>
#include <unistd.h>

int main(int, char** arguments)
{
    const int number = std::atoi(arguments[1]);
    if (number < 0) kill(getpid(), -number);
    return number;
}
