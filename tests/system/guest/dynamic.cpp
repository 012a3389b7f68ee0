// Uses what only the dynamic linker brings together: the C and C++ libraries, an exception through
// the unwinder, threads with thread-local storage, the mathematics library, and a private library.
#include <cmath>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

int part_value();

namespace {
thread_local int mine = 0;
}

int main(int count, char**)
{
    try {
        throw std::runtime_error("caught");
    } catch (const std::exception& error) {
        std::cout << error.what() << '\n';
    }
    int theirs = 0;
    mine = 5;
    std::thread([&] { theirs = ++mine; }).join();
    std::cout << "own " << mine << ", other " << theirs << '\n';
    std::cout << "cos " << std::cos(static_cast<double>(count) - 1) << '\n';
    std::cout << "part " << part_value() << '\n';
    return 0;
}
