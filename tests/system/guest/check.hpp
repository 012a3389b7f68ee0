// Checks of guest programs: a failed one prints its line and what came instead;
// the program goes on.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace check {

inline int failures = 0;

inline void failed(int line, const char* what, long got)
{
    std::printf("line %d: %s: got %ld (%s)\n", line, what, got, std::strerror(errno));
    failures++;
}

// What main returns.
inline int result() { return failures ? 1 : 0; }

}  // namespace check

// The call succeeds; it returns the value; it fails with the error; the
// condition holds.
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        if (const long got_ = static_cast<long>(call); got_ < 0) check::failed(__LINE__, #call, got_);                 \
    } while (false)
#define IS(call, value)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        if (const long got_ = static_cast<long>(call); got_ != static_cast<long>(value))                               \
            check::failed(__LINE__, #call " == " #value, got_);                                                        \
    } while (false)
#define FAILS(call, error)                                                                                             \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        if (const long got_ = static_cast<long>(call); got_ != -1 || errno != (error))                                 \
            check::failed(__LINE__, #call " fails with " #error, got_);                                                \
    } while (false)
#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) check::failed(__LINE__, #condition, 0);                                                      \
    } while (false)
