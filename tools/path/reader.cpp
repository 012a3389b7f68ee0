// Runs in the machine: a SCHED_FIFO thread that waits in read() for single bytes of the serial line and reads the clock
// as soon as it has one. A less urgent thread asks for each byte with a dot, which it can do only while the first
// waits.
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

namespace {

constexpr int bytes = 100;
constexpr int reader_priority = 80;
constexpr int asker_priority = 10;

int line = -1;
sem_t wanted;

int failed(const char* what)
{
    std::perror(what);
    return 1;
}

bool set_priority(int priority)
{
    sched_param parameters{};
    parameters.sched_priority = priority;
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0;
}

void* ask(void*)
{
    if (!set_priority(asker_priority)) return nullptr;
    for (int number = 0; number < bytes; ++number) {
        sem_wait(&wanted);
        if (write(line, ".", 1) != 1) std::perror("write");
    }
    return nullptr;
}

}  // namespace

int main()
{
    line = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
    if (line < 0) return failed("/dev/ttyS0");
    termios settings{};
    if (tcgetattr(line, &settings) < 0) return failed("tcgetattr");
    cfmakeraw(&settings);
    if (tcsetattr(line, TCSANOW, &settings) < 0) return failed("tcsetattr");
    if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0) return failed("mlockall");
    sem_init(&wanted, 0, 0);
    pthread_t asker;
    if (pthread_create(&asker, nullptr, ask, nullptr) != 0 || !set_priority(reader_priority)) return failed("threads");
    for (int number = 0; number < bytes; ++number) {
        sem_post(&wanted);
        char byte = 0;
        timespec now{};
        if (read(line, &byte, 1) != 1) return failed("read");
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    pthread_join(asker, nullptr);
    return 0;
}
