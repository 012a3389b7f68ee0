// System V IPC and POSIX message queues, case by case. Prints what is wrong; silent and 0 when all
// is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "thread.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr key_t key = 0x74616b74;

void sleep_ms(long milliseconds)
{
    const timespec time{0, milliseconds * 1'000'000};
    nanosleep(&time, nullptr);
}

void do_nothing(int) {}

// --- Semaphores.

int semaphores = -1;

long operate(std::initializer_list<sembuf> operations)
{
    sembuf copy[8];
    std::copy(operations.begin(), operations.end(), copy);
    return semop(semaphores, copy, operations.size());
}

void* raise_later(void*)
{
    sleep_ms(20);
    IS(semctl(semaphores, 0, GETNCNT), 1);
    OK(operate({{0, 1, 0}}));
    return nullptr;
}

void* remove_later(void*)
{
    sleep_ms(20);
    OK(semctl(semaphores, 0, IPC_RMID));
    return nullptr;
}

void semaphore_basics()
{
    FAILS(semget(key, 1, 0), ENOENT);
    semaphores = semget(key, 3, IPC_CREAT | 0600);
    OK(semaphores);
    IS(semget(key, 2, 0), semaphores);
    FAILS(semget(key, 4, 0), EINVAL);
    FAILS(semget(key, 1, IPC_CREAT | IPC_EXCL), EEXIST);
    FAILS(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    OK(semctl(semaphores, 1, SETVAL, 5));
    IS(semctl(semaphores, 1, GETVAL), 5);
    IS(semctl(semaphores, 1, GETPID), getpid());
    FAILS(semctl(semaphores, 3, GETVAL), EINVAL);
    FAILS(semctl(semaphores, 0, SETVAL, 32768), ERANGE);
    unsigned short values[3] = {1, 2, 3};
    OK(semctl(semaphores, 0, SETALL, values));
    std::fill_n(values, 3, static_cast<unsigned short>(9));
    OK(semctl(semaphores, 0, GETALL, values));
    HOLDS(values[0] == 1 && values[1] == 2 && values[2] == 3);
    semid_ds about{};
    OK(semctl(semaphores, 0, IPC_STAT, &about));
    IS(about.sem_nsems, 3);
    IS(about.sem_perm.mode, 0600);
    IS(about.sem_otime, 0);
    // All or nothing.
    FAILS(operate({{0, -1, 0}, {1, -3, IPC_NOWAIT}}), EAGAIN);
    IS(semctl(semaphores, 0, GETVAL), 1);
    OK(operate({{0, -1, 0}, {1, -2, 0}, {0, 0, 0}}));
    IS(semctl(semaphores, 1, GETVAL), 0);
    FAILS(operate({{2, 0, IPC_NOWAIT}}), EAGAIN);
    FAILS(operate({{2, 32767, 0}}), ERANGE);
    FAILS(operate({{7, 1, 0}}), EFBIG);
    FAILS(semop(semaphores, nullptr, 0), EINVAL);
    FAILS(semop(semaphores, nullptr, 501), E2BIG);
    FAILS(semop(semaphores, nullptr, 1), EFAULT);
    sembuf one{0, 1, 0};
    FAILS(semop(123456, &one, 1), EINVAL);
    OK(syscall(SYS_semop, semaphores, &one, 1));
    IS(semctl(semaphores, 0, GETVAL), 1);
    OK(semctl(semaphores, 0, SETVAL, 0));
    OK(semctl(semaphores, 0, IPC_STAT, &about));
    HOLDS(about.sem_otime > 0);
}

// They repeat: the first may come before the call that it is to interrupt.
void start_alarms()
{
    const itimerval often{{0, 5000}, {0, 5000}};
    OK(setitimer(ITIMER_REAL, &often, nullptr));
}

void stop_alarms()
{
    const itimerval never{};
    OK(setitimer(ITIMER_REAL, &never, nullptr));
}

void semaphore_waits()
{
    {
        Thread thread(raise_later);
        OK(operate({{0, -1, 0}}));
    }
    sembuf take{0, -1, 0};
    const timespec soon{0, 5'000'000};
    FAILS(semtimedop(semaphores, &take, 1, &soon), EAGAIN);
    struct sigaction action {};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    OK(sigaction(SIGALRM, &action, nullptr));
    start_alarms();
    FAILS(operate({{0, -1, 0}}), EINTR);
    stop_alarms();
    // SEM_UNDO: at the child's end.
    const pid_t child = fork();
    if (child == 0) {
        operate({{0, 5, SEM_UNDO}, {2, -3, SEM_UNDO}});
        _exit(semctl(semaphores, 0, GETVAL));
    }
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    IS(WEXITSTATUS(status), 5);
    IS(semctl(semaphores, 0, GETVAL), 0);
    IS(semctl(semaphores, 2, GETVAL), 3);
    {
        Thread thread(remove_later);
        FAILS(operate({{0, -1, 0}}), EIDRM);
    }
    FAILS(semctl(semaphores, 0, GETVAL), EINVAL);
}

// --- Shared memory.

void shared_memory()
{
    FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    const int id = shmget(key, 10'000, IPC_CREAT | 0600);
    OK(id);
    FAILS(shmget(key, 20'000, 0), EINVAL);
    FAILS(shmget(key, 1, IPC_CREAT | IPC_EXCL), EEXIST);
    auto* first = static_cast<char*>(shmat(id, nullptr, 0));
    HOLDS(first != reinterpret_cast<char*>(-1));
    auto* second = static_cast<char*>(shmat(id, nullptr, SHM_RDONLY));
    HOLDS(second != reinterpret_cast<char*>(-1) && second != first);
    first[9'999] = 'x';
    IS(second[9'999], 'x');
    shmid_ds about{};
    OK(shmctl(id, IPC_STAT, &about));
    IS(about.shm_nattch, 2);
    IS(about.shm_segsz, 10'000);
    IS(about.shm_cpid, getpid());
    const pid_t child = fork();
    if (child == 0) {
        first[0] = 'c';
        shmctl(id, IPC_STAT, &about);
        _exit(static_cast<int>(about.shm_nattch));
    }
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    IS(WEXITSTATUS(status), 4);
    IS(second[0], 'c');
    HOLDS(shmat(id, first + 1, 0) == reinterpret_cast<void*>(-1) && errno == EINVAL);
    HOLDS(shmat(id, first, 0) == reinterpret_cast<void*>(-1) && errno == EINVAL);  // taken
    OK(shmctl(id, IPC_RMID, nullptr));
    OK(shmctl(id, IPC_STAT, &about));
    IS(about.shm_perm.mode & SHM_DEST, SHM_DEST);
    FAILS(shmget(key, 1, 0), ENOENT);
    OK(shmdt(second));
    FAILS(shmdt(second), EINVAL);
    IS(first[9'999], 'x');
    OK(shmdt(first));
    FAILS(shmctl(id, IPC_STAT, &about), EINVAL);
    FAILS(shmdt(first + 1), EINVAL);
}

// --- System V messages.

struct Text {
    long type;
    char text[100];
};
int messages = -1;

void* send_later(void*)
{
    sleep_ms(20);
    const Text message{3, "late"};
    OK(msgsnd(messages, &message, 5, 0));
    return nullptr;
}

void sysv_messages()
{
    messages = msgget(IPC_PRIVATE, 0600);
    OK(messages);
    Text message{0, "zero"};
    FAILS(msgsnd(messages, &message, 5, 0), EINVAL);
    for (long type = 1; type <= 4; type++) {
        message = {type, {static_cast<char>('a' + type), 0}};
        OK(msgsnd(messages, &message, 2, 0));
    }
    msqid_ds about{};
    OK(msgctl(messages, IPC_STAT, &about));
    IS(about.msg_qnum, 4);
    IS(about.msg_cbytes, 8);
    IS(msgrcv(messages, &message, 100, 2, 0), 2);
    IS(message.type, 2);
    IS(msgrcv(messages, &message, 100, -3, 0), 2);
    IS(message.type, 1);
    FAILS(msgrcv(messages, &message, 100, 9, IPC_NOWAIT), ENOMSG);
    FAILS(msgrcv(messages, &message, 1, 0, 0), E2BIG);
    IS(msgrcv(messages, &message, 1, 3, MSG_NOERROR), 1);
    IS(msgrcv(messages, &message, 100, 9, MSG_EXCEPT), 2);
    IS(message.type, 4);
    {
        Thread thread(send_later);
        IS(msgrcv(messages, &message, 100, 3, 0), 5);
        HOLDS(std::strcmp(message.text, "late") == 0);
    }
    int count = 0;
    message.type = 1;
    while (msgsnd(messages, &message, 100, IPC_NOWAIT) == 0) count++;
    IS(count, 163);  // 16384 bytes
    FAILS(msgsnd(messages, &message, 9000, 0), EINVAL);
    struct sigaction action {};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    OK(sigaction(SIGALRM, &action, nullptr));
    start_alarms();
    FAILS(msgsnd(messages, &message, 100, 0), EINTR);
    stop_alarms();
    OK(msgctl(messages, IPC_RMID, nullptr));
    FAILS(msgrcv(messages, &message, 100, 0, 0), EINVAL);
}

// --- POSIX message queues.

mqd_t queue = -1;
volatile sig_atomic_t told = 0;
void tell(int, siginfo_t* info, void*) { told = info->si_code == SI_MESGQ ? info->si_value.sival_int : -1; }

void* receive_one(void*)
{
    char text[16];
    unsigned priority = 0;
    IS(mq_receive(queue, text, sizeof text, &priority), 3);
    IS(priority, 7);
    return nullptr;
}

timespec after_ms(long milliseconds)
{
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += milliseconds * 1'000'000;
    time.tv_sec += time.tv_nsec / 1'000'000'000;
    time.tv_nsec %= 1'000'000'000;
    return time;
}

void* make_room(void*)
{
    sleep_ms(20);
    char text[16];
    IS(mq_receive(queue, text, sizeof text, nullptr), 1);
    return nullptr;
}

void posix_queues()
{
    const char* name = "/takt-queue";
    mq_unlink(name);
    FAILS(mq_open(name, O_RDWR), ENOENT);
    mq_attr attributes{};
    attributes.mq_maxmsg = 3;
    attributes.mq_msgsize = 16;
    queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    OK(queue);
    FAILS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, nullptr), EEXIST);
    mq_attr bad{};
    FAILS(mq_open("/takt-other", O_RDWR | O_CREAT, 0600, &bad), EINVAL);
    char text[16];
    unsigned priority = 0;
    FAILS(mq_receive(queue, text, 15, nullptr), EMSGSIZE);
    FAILS(mq_send(queue, text, 17, 0), EMSGSIZE);
    FAILS(mq_send(queue, text, 1, 32768), EINVAL);
    timespec soon = after_ms(5);
    FAILS(mq_timedreceive(queue, text, sizeof text, nullptr, &soon), ETIMEDOUT);
    soon.tv_nsec = -1;
    FAILS(mq_timedreceive(queue, text, sizeof text, nullptr, &soon), EINVAL);
    OK(mq_send(queue, "low", 3, 1));
    OK(mq_send(queue, "high", 4, 5));
    OK(mq_send(queue, "low2", 4, 1));
    pollfd one{queue, POLLIN | POLLOUT, 0};
    IS(poll(&one, 1, 0), 1);
    IS(one.revents, POLLIN);
    OK(mq_getattr(queue, &attributes));
    IS(attributes.mq_curmsgs, 3);
    IS(attributes.mq_maxmsg, 3);
    soon = after_ms(5);
    FAILS(mq_timedsend(queue, "x", 1, 0, &soon), ETIMEDOUT);
    attributes.mq_flags = O_NONBLOCK;
    OK(mq_setattr(queue, &attributes, nullptr));
    FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
    IS(mq_receive(queue, text, sizeof text, &priority), 4);
    IS(priority, 5);
    IS(mq_receive(queue, text, sizeof text, &priority), 3);
    IS(mq_receive(queue, text, sizeof text, &priority), 4);
    HOLDS(std::memcmp(text, "low2", 4) == 0);
    FAILS(mq_receive(queue, text, sizeof text, &priority), EAGAIN);
    attributes.mq_flags = 0;
    OK(mq_setattr(queue, &attributes, nullptr));
    {
        Thread thread(receive_one);
        sleep_ms(20);
        OK(mq_send(queue, "xyz", 3, 7));
    }
    for (int count = 0; count < 3; count++) OK(mq_send(queue, "1", 1, 0));
    {
        Thread thread(make_room);
        OK(mq_send(queue, "2", 1, 9));
    }
    IS(mq_receive(queue, text, sizeof text, &priority), 1);
    IS(priority, 9);
    IS(mq_receive(queue, text, sizeof text, nullptr), 1);
    IS(mq_receive(queue, text, sizeof text, nullptr), 1);
    // Notification: once, when a message comes into the empty queue.
    struct sigaction action {};
    action.sa_sigaction = tell;
    action.sa_flags = SA_SIGINFO;
    OK(sigaction(SIGUSR1, &action, nullptr));
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    event.sigev_value.sival_int = 42;
    OK(mq_notify(queue, &event));
    FAILS(mq_notify(queue, &event), EBUSY);
    OK(mq_send(queue, "x", 1, 0));
    IS(told, 42);
    told = 0;
    IS(mq_receive(queue, text, sizeof text, nullptr), 1);
    OK(mq_send(queue, "x", 1, 0));
    IS(told, 0);
    OK(mq_notify(queue, &event));
    OK(mq_notify(queue, nullptr));
    OK(mq_notify(queue, &event));
    const mqd_t reader = mq_open(name, O_RDONLY | O_NONBLOCK);
    OK(reader);
    FAILS(mq_send(reader, "x", 1, 0), EBADF);
    OK(mq_unlink(name));
    FAILS(mq_unlink(name), ENOENT);
    IS(mq_receive(reader, text, sizeof text, nullptr), 1);
    OK(mq_close(reader));
    OK(mq_close(queue));
    FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

}  // namespace

int main()
{
    semaphore_basics();
    semaphore_waits();
    shared_memory();
    sysv_messages();
    posix_queues();
    return check::result();
}
