// A thread of a guest program, joined at the end of its scope.
#pragma once

#include "check.hpp"

#include <pthread.h>

class Thread {
public:
    explicit Thread(void* (*body)(void*), void* argument = nullptr)
    {
        IS(pthread_create(&thread_, nullptr, body, argument), 0);
    }
    ~Thread() { pthread_join(thread_, nullptr); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

private:
    pthread_t thread_{};
};
