// Says what it was started with.
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

int main(int count, char** arguments)
{
    std::printf("hello from process group %d of session %d\n", getpgrp() == getpid(), getsid(0) == getpid());
    for (int i = 1; i < count; ++i) std::printf("argument %d: %s\n", i, arguments[i]);
    std::printf("HOME=%s\n", std::getenv("HOME"));
    return 0;
}
