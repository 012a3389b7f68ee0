// When memory runs out and every process but the first asked to be spared (oom_score_adj -1000), nobody is killed. Who
// wants more goes without: an access is a SIGBUS, a call fails, and who holds memory may give it back. Run it without a
// shell that could be killed instead. Prints what is wrong; silent and 0 when all is right. Not so on Linux, which
// panics.
#include "check.hpp"
#include "child.hpp"
#include "machine_memory.hpp"

#include <csetjmp>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t more_than_there_is = 256 << 20;

char* reserve()
{
    void* memory =
        mmap(nullptr, more_than_there_is, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    HOLDS(memory != MAP_FAILED);
    return static_cast<char*>(memory);
}

void touch_all()
{
    auto* memory = reserve();
    for (std::size_t at = 0; at < more_than_there_is; at += page) memory[at] = 1;
}

// Above everything else: a fault that was tried over and over would be the end of the machine.
void touch_all_in_realtime()
{
    const sched_param priority{50};
    OK(sched_setscheduler(0, SCHED_FIFO, &priority));
    touch_all();
}

sigjmp_buf before_access;
siginfo_t fault;

void on_fault(int, siginfo_t* info, void*)
{
    fault = *info;
    siglongjmp(before_access, 1);
}

// A handler that gives memory back: the process goes on.
void recover()
{
    static char stack[64 << 10];
    std::memset(stack, 1, sizeof stack);
    stack_t alternate{};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    OK(sigaltstack(&alternate, nullptr));
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    OK(sigaction(SIGBUS, &action, nullptr));
    for (int round = 0; round < 3; round++) {
        char* const memory = reserve();
        if (sigsetjmp(before_access, 1) == 0) {
            for (std::size_t at = 0; at < more_than_there_is; at += page) memory[at] = 1;
            HOLDS(!"all of it fits");
        }
        IS(fault.si_signo, SIGBUS);
        IS(fault.si_code, BUS_ADRERR);
        const auto* address = static_cast<const char*>(fault.si_addr);
        HOLDS(address > memory && address < memory + more_than_there_is);
        OK(munmap(memory, more_than_there_is));
    }
}

// The kernel's own copy runs into it.
void read_into()
{
    char* const memory = reserve();
    const int zeros = open("/dev/zero", O_RDONLY);
    std::size_t at = 0;
    ssize_t got = 0;
    while (at < more_than_there_is && (got = read(zeros, memory + at, 1 << 20)) > 0)
        at += static_cast<std::size_t>(got);
    const int error = errno;
    munmap(memory, more_than_there_is);  // before anything else wants some
    HOLDS(got == -1 && error == EFAULT);
}

void lock()
{
    char* const memory = reserve();
    const int result = mlock(memory, more_than_there_is);
    const int error = errno;
    munmap(memory, more_than_there_is);
    HOLDS(result == -1 && error == EAGAIN);
}

void many_at_once()
{
    pid_t ids[3];
    for (pid_t& id : ids)
        if ((id = fork()) == 0) {
            touch_all();
            _exit(0);
        }
    for (const pid_t id : ids) {
        int status = 0;
        IS(waitpid(id, &status, 0), id);
        IS(child::shell_status(status), 128 + SIGBUS);
    }
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    machine_memory::set_score_adjust(-1000);
    const long before_kb = machine_memory::free_kb();
    IS(child::run(touch_all), 128 + SIGBUS);
    IS(child::run(touch_all_in_realtime), 128 + SIGBUS);
    IS(child::run(recover), 0);
    IS(child::run(read_into), 0);
    IS(child::run(lock), 0);
    IS(child::run(many_at_once), 0);
    machine_memory::expect_given_back("all parts", before_kb);
    const std::string log = machine_memory::kernel_log();
    HOLDS(log.find("Out of memory and no killable processes...") != std::string::npos);
    HOLDS(log.find("Killed process") == std::string::npos);
    return check::result();
}
