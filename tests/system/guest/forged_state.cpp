// Processor state that a program makes up: signal frames, and registers that a tracer sets. The kernel takes what user
// mode may have and refuses the rest; it never loads what makes it fault. Prints what is wrong; silent and 0 when all
// is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <elf.h>
#include <initializer_list>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

namespace {

constexpr std::size_t page = 4096;
constexpr std::uint64_t kernel_image = 0xffffffff80000000, not_canonical = 0x8000000000000000;

// xorshift64*.
std::uint64_t state = 0;
std::uint64_t random_word()
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

// --- Signal frames.

void (*spoil)(ucontext_t&, char* vector_state);

void spoil_frame(int, siginfo_t*, void* context)
{
    auto& frame = *static_cast<ucontext_t*>(context);
    spoil(frame, reinterpret_cast<char*>(frame.uc_mcontext.fpregs));
}

// What becomes of a child whose signal frame is spoiled so: 0 when it goes on.
int after(void (*how)(ucontext_t&, char*))
{
    return child::run([&] {
        spoil = how;
        struct sigaction action {};
        action.sa_sigaction = spoil_frame;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGUSR1, &action, nullptr);
        // raise(), but with nothing behind it that a changed register could hurt.
        asm volatile("syscall"
                     :
                     : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
        _exit(0);
    });
}

struct Software {  // of the vector state, <asm/sigcontext.h>
    std::uint32_t magic1, extended_size;
    std::uint64_t features;
    std::uint32_t state_size;
};
Software& software_of(char* state) { return *reinterpret_cast<Software*>(state + 464); }

void selectors()
{
    constexpr int killed = 128 + SIGSEGV;
#define AFTER(...) after([](ucontext_t& frame, char* state) { (void)frame, (void)state, __VA_ARGS__; })
#define REGISTER(name) frame.uc_mcontext.gregs[REG_##name]
    IS(AFTER(REGISTER(RIP) = static_cast<greg_t>(not_canonical)), killed);
    IS(AFTER(REGISTER(RIP) = static_cast<greg_t>(kernel_image)), killed);
    IS(AFTER(REGISTER(RIP) = 0), killed);
    IS(AFTER(REGISTER(RSP) = static_cast<greg_t>(not_canonical)), killed);
    IS(AFTER(REGISTER(RSP) = static_cast<greg_t>(kernel_image)), killed);
    for (const std::uint64_t selector : {0x10ul, 0x08ul, 0x40ul, 0x2bul, 0xffful, 0x7ff8ul}) {
        static std::uint64_t chosen;
        chosen = selector;
        IS(AFTER(REGISTER(CSGSFS) = static_cast<greg_t>((REGISTER(CSGSFS) & ~0xffffl) | chosen)), killed);
        if (selector != 0x2b)
            HOLDS(AFTER(REGISTER(CSGSFS) = static_cast<greg_t>(
                            (static_cast<std::uint64_t>(REGISTER(CSGSFS)) & 0xffffffffffff) | chosen << 48)) >= 0);
    }
    // Flags: interrupts stay on, input and output stay forbidden.
    IS(after([](ucontext_t& frame, char*) {
           REGISTER(EFL) = 0x3000 | 0x4000 | 0x20000 | 0x80000 | 0x100000;
           REGISTER(RIP) = reinterpret_cast<greg_t>(+[] {
               std::uint64_t flags;
               asm volatile("pushfq\n pop %0" : "=r"(flags));
               _exit((flags & 0x3200) == 0x200 ? 0 : 1);
           });
           REGISTER(RSP) &= ~0xf;
           REGISTER(RSP) -= 8;
       }),
       0);
}

void vector_states()
{
    // Nonsense in it means the part that FXSAVE knows, or a fault; the program goes on or is killed.
    int survived = 0;
    const auto count = [&](int status) {
        HOLDS(status == 0 || status == 128 + SIGSEGV);
        survived += status == 0;
    };
    count(AFTER(software_of(state).magic1 = 0));
    count(AFTER(software_of(state).state_size = 0));
    count(AFTER(software_of(state).state_size = 0xffffffff));
    count(AFTER(software_of(state).state_size = 576));
    count(AFTER(software_of(state).extended_size = 0));
    count(AFTER(software_of(state).extended_size = 0xffffffff));
    count(AFTER(software_of(state).features = ~0ul));
    count(AFTER(software_of(state).features = 0));
    count(AFTER(std::memset(state, 0xff, 512)));
    count(AFTER(std::memset(state + 24, 0xff, 4)));
    count(AFTER(std::memset(state + 512, 0xff, 64)));
    count(AFTER(std::memset(state + 520, 0xff, 8)));
    count(AFTER(state[512] = 0x7f));
    count(AFTER(frame.uc_mcontext.fpregs = nullptr));
    HOLDS(survived >= 5);
    for (const std::uint64_t place : {kernel_image, not_canonical, 0x1000ul, 0x7fffffffeff0ul, ~63ul}) {
        static std::uint64_t chosen;
        chosen = place;
        IS(AFTER(frame.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(chosen)), 128 + SIGSEGV);
    }
    // A copy that is not aligned, and one that runs out of its page.
    count(after([](ucontext_t& frame, char* state) {
        static char copy[16384];
        std::memmove(copy + 8, state, 4096);
        frame.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(copy + 8);
    }));
    IS(after([](ucontext_t& frame, char* state) {
           char* two =
               static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
           munmap(two + page, page);
           std::memcpy(two + page - 256, state, 256);
           frame.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(two + page - 256);
       }),
       128 + SIGSEGV);
}

// Any bytes anywhere in the frame.
void random_frames()
{
    for (std::uint64_t seed = 1; seed <= 60; seed++) {
        state = seed * 0x9e3779b97f4a7c15;
        const int status = after([](ucontext_t& frame, char* vector_state) {
            const int changes = 1 + static_cast<int>(random_word() % 4);
            for (int count = 0; count < changes; count++) {
                const bool in_frame = random_word() % 2;
                char* bytes = in_frame ? reinterpret_cast<char*>(&frame) : vector_state;
                const std::size_t size = in_frame ? offsetof(ucontext_t, uc_sigmask) + 8 : 1024;
                const std::uint64_t word = random_word() >> random_word() % 64;
                std::memcpy(bytes + random_word() % size / 8 * 8, &word, 8);
            }
        });
        if (status == child::hangs) check::failed(__LINE__, "hangs with seed", static_cast<long>(seed));
    }
}

// --- A tracer.

pid_t start_tracee(void (*body)())
{
    const pid_t id = fork();
    if (id == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        body();
        _exit(0);
    }
    IS(waitpid(id, nullptr, 0), id);
    return id;
}

void finish(pid_t id)
{
    kill(id, SIGKILL);
    int status = 0;
    while (waitpid(id, &status, 0) == id && !WIFSIGNALED(status) && !WIFEXITED(status)) {
    }
}

// Where a tracer keeps the signal away, the tracee goes to the impossible address again and again.
void returns_to_nowhere()
{
    const pid_t id = start_tracee([] { asm volatile("jmp *%0" ::"r"(not_canonical)); });
    int status = 0;
    for (int count = 0; count < 5; count++) {
        OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
        IS(waitpid(id, &status, 0), id);
        HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSEGV);
    }
    OK(ptrace(PTRACE_CONT, id, nullptr, SIGSEGV));
    IS(waitpid(id, &status, 0), id);
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

// What a tracee with these registers does: a stop's signal, or 0 when it goes on to its end.
template <typename Change>
int with_registers(Change change)
{
    const pid_t id = start_tracee([] {});
    user_regs_struct registers{};
    OK(ptrace(PTRACE_GETREGS, id, nullptr, &registers));
    change(registers);
    int stopped = 0;
    if (ptrace(PTRACE_SETREGS, id, nullptr, &registers) == 0) {
        user_regs_struct now{};
        OK(ptrace(PTRACE_GETREGS, id, nullptr, &now));
        HOLDS((now.cs & 3) == 3 && (now.ss & 3) == 3 && (now.eflags & 0x3200) == 0x200);
        OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
        int status = 0;
        IS(waitpid(id, &status, 0), id);
        if (WIFSTOPPED(status)) stopped = WSTOPSIG(status);
    }
    finish(id);
    return stopped;
}

void registers()
{
    for (const std::uint64_t bad : {not_canonical, kernel_image, 0x7ffffffff000ul, 0xffff800000000000ul}) {
        // Refused, or a fault of the tracee's.
        for (unsigned long long user_regs_struct::*address : {&user_regs_struct::rip, &user_regs_struct::rsp}) {
            const int signal = with_registers([&](user_regs_struct& registers) { registers.*address = bad; });
            HOLDS(signal == SIGSEGV || signal == SIGBUS || signal == 0);
        }
        const pid_t id = start_tracee([] {});
        user_regs_struct registers{};
        OK(ptrace(PTRACE_GETREGS, id, nullptr, &registers));
        registers.fs_base = bad;
        FAILS(ptrace(PTRACE_SETREGS, id, nullptr, &registers), EIO);
        FAILS(ptrace(PTRACE_POKEUSER, id, offsetof(user_regs_struct, gs_base), bad), EIO);
        for (std::size_t number = 0; number < 4; number++)
            HOLDS(ptrace(PTRACE_POKEUSER, id, offsetof(struct user, u_debugreg) + 8 * number, bad) == -1);
        finish(id);
    }
    for (const std::uint64_t selector : {0x10ul, 0x18ul, 0x08ul, 0x40ul, 0ul, 0xfffful}) {
        with_registers([&](user_regs_struct& registers) { registers.cs = selector; });
        with_registers([&](user_regs_struct& registers) { registers.ss = selector; });
    }
    IS(with_registers([&](user_regs_struct& registers) { registers.eflags = 0x3000; }), 0);
    with_registers([&](user_regs_struct& registers) { registers.eflags = ~0ul; });
    with_registers([&](user_regs_struct& registers) { registers.orig_rax = ~0ul >> 1; });
    // A 32-bit program counter that is none.
    with_registers([&](user_regs_struct& registers) {
        registers.cs = 0x23;
        registers.rip = 0x7fff00000000;
    });
}

void random_registers()
{
    for (std::uint64_t seed = 1; seed <= 60; seed++) {
        state = seed * 0x9e3779b97f4a7c15;
        with_registers([&](user_regs_struct& registers) {
            auto* words = reinterpret_cast<std::uint64_t*>(&registers);
            for (int count = 0; count < 3; count++)
                words[random_word() % (sizeof registers / 8)] = random_word() >> random_word() % 64;
        });
    }
}

// The vector state as a tracer writes it: refused, or such that it can be loaded.
void random_vector_states()
{
    static char saved[16384], changed[16384];
    for (std::uint64_t seed = 1; seed <= 60; seed++) {
        state = seed * 0x9e3779b97f4a7c15;
        const pid_t id = start_tracee([] {});
        iovec vector{saved, sizeof saved};
        OK(ptrace(PTRACE_GETREGSET, id, NT_X86_XSTATE, &vector));
        const std::size_t size = vector.iov_len;
        std::memcpy(changed, saved, sizeof saved);
        for (int count = 0; count < 2; count++) {
            const std::uint64_t word = random_word() >> random_word() % 64;
            const std::size_t places[] = {24, 464, 472, 480, 512, 520, 528, 536, random_word() % size};
            std::memcpy(changed + places[random_word() % 9], &word, 8);
        }
        vector = {changed, seed % 3 ? size : random_word() % (2 * size)};
        ptrace(PTRACE_SETREGSET, id, NT_X86_XSTATE, &vector);
        OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
        int status = 0;
        IS(waitpid(id, &status, 0), id);
        HOLDS(WIFEXITED(status));
        if (!WIFEXITED(status)) finish(id);
    }
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    selectors();
    vector_states();
    random_frames();
    returns_to_nowhere();
    registers();
    random_registers();
    random_vector_states();
    return check::result();
}
