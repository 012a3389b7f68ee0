// What user mode must not do to the processor: wild jumps and stacks, privileged instructions, 32-bit code, odd flags
// and segment bases. Each case ends in the signal that Linux sends, and the program goes on. Prints what is wrong;
// silent and 0 when all is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <asm/prctl.h>
#include <csetjmp>
#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

namespace {

constexpr std::size_t page = 4096;
constexpr std::uintptr_t kernel_image = 0xffffffff80000000, kernel_map = 0xffff800000000000,
                         not_canonical = 0x8000000000000000, user_end = 0x7ffffffff000;

struct Fault {
    int signal, code;
    std::uintptr_t address;
};

sigjmp_buf back;
Fault last;
alignas(16) char alternate[64 << 10];

void leave(int signal, siginfo_t* info, void*)
{
    last = {signal, info->si_code, reinterpret_cast<std::uintptr_t>(info->si_addr)};
    siglongjmp(back, signal);
}

// Signal 0: nothing happened.
template <typename Body>
Fault fault_of(Body body)
{
    last = {0, 0, 0};
    if (sigsetjmp(back, 1) == 0) body();
    return last;
}

void catch_faults()
{
    const stack_t stack{alternate, 0, sizeof alternate};
    OK(sigaltstack(&stack, nullptr));
    struct sigaction action {};
    action.sa_sigaction = leave;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) OK(sigaction(signal, &action, nullptr));
}

void expect(int line, const Fault& fault, int signal, int code, const std::uintptr_t& address)
{
    if (fault.signal == signal && fault.code == code && fault.address == address) return;
    std::printf("line %d: signal %d code %d address %lx instead of %d %d %lx\n", line, fault.signal, fault.code,
                fault.address, signal, code, address);
    check::failures++;
}
#define FAULTS(body, ...) expect(__LINE__, fault_of([&] { body; }), __VA_ARGS__)

// --- Jumps and stacks.

[[gnu::noinline]] void jump(std::uintptr_t where) { asm volatile("jmp *%0" ::"r"(where) : "memory"); }

void jumps()
{
    FAULTS(jump(kernel_image), SIGSEGV, SEGV_MAPERR, kernel_image);
    FAULTS(jump(kernel_map), SIGSEGV, SEGV_MAPERR, kernel_map);
    FAULTS(jump(user_end), SIGSEGV, SEGV_MAPERR, user_end);
    FAULTS(jump(not_canonical), SIGSEGV, SI_KERNEL, 0);
    FAULTS(jump(0x123450), SIGSEGV, SEGV_MAPERR, 0x123450);
    char* data = static_cast<char*>(mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    data[0] = '\xc3';
    FAULTS(jump(reinterpret_cast<std::uintptr_t>(data)), SIGSEGV, SEGV_ACCERR, reinterpret_cast<std::uintptr_t>(data));
    OK(mprotect(data, page, PROT_NONE));
    FAULTS(jump(reinterpret_cast<std::uintptr_t>(data)), SIGSEGV, SEGV_ACCERR, reinterpret_cast<std::uintptr_t>(data));
    munmap(data, page);
}

// `syscall` in the last two bytes of user space: what follows is no place to return to.
void last_instruction()
{
    char* top = reinterpret_cast<char*>(user_end - page);
    IS(child::run([&] {
           void* got = mmap(top, page, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
           if (got != top) return;  // the stack is there
           top[page - 2] = 0x0f;
           top[page - 1] = 0x05;
           FAULTS(asm volatile("mov $39, %%eax\n jmp *%0" ::"r"(top + page - 2)
                               : "rax", "rcx", "r11", "memory"),
                  SIGSEGV, SEGV_MAPERR, user_end);
       }),
       0);
}

void stacks()
{
    const auto push_at = [](std::uintptr_t stack) {
        asm volatile("mov %0, %%rsp\n push %%rax" ::"r"(stack) : "memory");
    };
    const Fault stack_fault = fault_of([&] { push_at(not_canonical); });
    HOLDS(stack_fault.signal == SIGBUS || stack_fault.signal == SIGSEGV);  // SIGSEGV: QEMU's emulation
    FAULTS(push_at(kernel_map + 64), SIGSEGV, SEGV_MAPERR, kernel_map + 56);
    FAULTS(push_at(8), SIGSEGV, SEGV_MAPERR, 0);
    // A call does not care about the stack; a signal whose handler wants it ends the program.
    for (const std::uintptr_t stack : {not_canonical, kernel_map, std::uintptr_t{0}}) {
        long result = 0;
        FAULTS(asm volatile("mov %%rsp, %%rbx\n mov %[stack], %%rsp\n mov $39, %%eax\n syscall\n mov %%rbx, %%rsp"
                            : "=a"(result)
                            : [stack] "r"(stack)
                            : "rbx", "rcx", "r11", "memory"),
               0, 0, 0);
        IS(result, getpid());
        IS(child::run([&] {
               const stack_t none{nullptr, SS_DISABLE, 0};
               OK(sigaltstack(&none, nullptr));
               asm volatile("mov %0, %%rsp\n ud2" ::"r"(stack) : "memory");
           }),
           128 + SIGSEGV);
        IS(child::run([&] {
               const stack_t there{reinterpret_cast<void*>(stack & ~std::uintptr_t{15}), 0, 1 << 16};
               OK(sigaltstack(&there, nullptr));
               asm volatile("ud2");
           }),
           128 + SIGSEGV);
    }
}

volatile bool deeper = true;
[[gnu::noinline]] int descend(volatile char* above)
{
    volatile char here[1024];
    here[0] = above[0];
    return deeper ? descend(here) + here[1] : 0;
}

void descend_again(int)
{
    volatile char top = 0;
    descend(&top);
}

void overflows()
{
    volatile char top = 0;
    IS(fault_of([&] { descend(&top); }).signal, SIGSEGV);
    IS(child::run([] {
           const stack_t none{nullptr, SS_DISABLE, 0};
           OK(sigaltstack(&none, nullptr));
           descend_again(0);
       }),
       128 + SIGSEGV);
    // The alternate stack, too, has an end.
    IS(child::run([] {
           void* guarded = mmap(nullptr, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
           mprotect(static_cast<char*>(guarded) + 8 * page, 8 * page, PROT_READ | PROT_WRITE);
           const stack_t small{static_cast<char*>(guarded) + 8 * page, 0, 8 * page};
           OK(sigaltstack(&small, nullptr));
           struct sigaction action {};
           action.sa_handler = descend_again;
           action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
           OK(sigaction(SIGSEGV, &action, nullptr));
           descend_again(0);
       }),
       128 + SIGSEGV);
}

// --- Instructions.

void privileged()
{
#define PRIVILEGED(instruction)                                                                                        \
    FAULTS(asm volatile(instruction ::: "rax", "rcx", "rdx", "memory"), SIGSEGV, SI_KERNEL, 0)
    PRIVILEGED("hlt");
    PRIVILEGED("cli");
    PRIVILEGED("sti");
    PRIVILEGED("in $0x80, %%al");
    PRIVILEGED("mov $0x64, %%edx\n in %%dx, %%eax");
    PRIVILEGED("out %%al, $0x80");
    PRIVILEGED("mov %%cr0, %%rax");
    PRIVILEGED("mov %%rax, %%cr0");
    PRIVILEGED("mov %%cr2, %%rax");
    PRIVILEGED("mov %%rax, %%cr3");
    PRIVILEGED("mov %%rax, %%cr4");
    PRIVILEGED("mov %%rax, %%cr8");
    PRIVILEGED("mov %%dr7, %%rax");
    PRIVILEGED("mov %%rax, %%dr0");
    PRIVILEGED("mov $0xc0000080, %%ecx\n rdmsr");
    PRIVILEGED("mov $0xc0000082, %%ecx\n wrmsr");
    PRIVILEGED("mov $0, %%ecx\n xor %%eax, %%eax\n xor %%edx, %%edx\n xsetbv");
    PRIVILEGED("clts");
    PRIVILEGED("invd");
    PRIVILEGED("wbinvd");
    PRIVILEGED("invlpg (%%rsp)");
    PRIVILEGED("lgdt (%%rsp)");
    PRIVILEGED("lidt (%%rsp)");
    PRIVILEGED("xor %%eax, %%eax\n lldt %%ax");
    PRIVILEGED("mov $0x40, %%eax\n ltr %%ax");
    PRIVILEGED("lmsw %%ax");
    PRIVILEGED("lea 1f(%%rip), %%rax\n mov %%eax, -256(%%rsp)\n movl $0x10, -252(%%rsp)\n ljmpl *-256(%%rsp)\n 1:");
    PRIVILEGED("int $0x20");
    PRIVILEGED("int $0xe0");
    PRIVILEGED("int $14");
    PRIVILEGED("int $8");
    PRIVILEGED("int $2");
    PRIVILEGED("mov $0x10, %%eax\n mov %%eax, %%ss");
    PRIVILEGED("mov $0x18, %%eax\n mov %%eax, %%ds");
    PRIVILEGED("mov $0x33, %%eax\n mov %%eax, %%ss");
    PRIVILEGED("mov $0x7ff8, %%eax\n mov %%eax, %%es");
#undef PRIVILEGED
    FAULTS(asm volatile("swapgs"), SIGSEGV, SI_KERNEL, 0);
    FAULTS(asm volatile("sysretq"), SIGSEGV, SI_KERNEL, 0);
    const int signal = fault_of([] { asm volatile("sysexit"); }).signal;
    HOLDS(signal == SIGSEGV || signal == SIGILL);  // SIGILL: AMD's processors
}

// Returns to the kernel's segments. SIGKILL: under QEMU 7 the stack is read with the kernel's rights, which SMAP
// refuses, and Linux gives up.
void far_returns()
{
    for (const bool interrupt : {false, true}) {
        const int status = child::run([&] {
            std::signal(SIGSEGV, SIG_DFL);
            asm volatile("mov %%rsp, %%rax\n pushq $0x18\n push %%rax\n pushfq\n pushq $0x10\n lea 1f(%%rip), %%rax\n "
                         "push %%rax\n test %0, %0\n jnz 2f\n lretq\n 2: iretq\n 1:" ::"r"(int{interrupt})
                         : "rax", "memory");
        });
        HOLDS(status == 128 + SIGSEGV || status == 128 + SIGKILL);
    }
}

void traps()
{
    FAULTS(asm volatile("int3"), SIGTRAP, SI_KERNEL, 0);
    FAULTS(asm volatile("int $3"), SIGTRAP, SI_KERNEL, 0);
    FAULTS(asm volatile("int $4"), SIGSEGV, SI_KERNEL, 0);
    std::uintptr_t here = 0;
    FAULTS(asm volatile("lea 1f(%%rip), %0\n mov %0, %1\n 1: ud2" : "=&r"(here), "=m"(here)), SIGILL, ILL_ILLOPN, here);
    const Fault debug = fault_of([] { asm volatile(".byte 0xf1"); });
    HOLDS((debug.signal == SIGTRAP && debug.code == TRAP_BRKPT) || debug.signal == SIGILL);  // SIGILL: QEMU's emulation
    // No 32-bit calls, or calls that do nothing.
    long result = -38;
    const Fault old_call = fault_of([&] { asm volatile("int $0x80" : "=a"(result) : "a"(0xffff) : "memory"); });
    HOLDS((old_call.signal == SIGSEGV && old_call.code == SI_KERNEL) || (old_call.signal == 0 && result == -38));
    const int sysenter = child::run([] {
        for (const int signal : {SIGSEGV, SIGILL}) std::signal(signal, SIG_DFL);
        asm volatile("sysenter" ::"a"(0xffff) : "memory");
    });
    HOLDS(sysenter == 128 + SIGSEGV || sysenter == 128 + SIGILL);
    // x87: what is not masked comes with the next instruction.
    const unsigned short all_unmasked = 0x340, usual = 0x37f;
    const auto compute = [&](auto body) {
        const Fault fault = fault_of([&] {
            asm volatile("fldcw %0" ::"m"(all_unmasked));
            body();
        });
        asm volatile("fnclex\n fninit\n fldcw %0" ::"m"(usual));
        return fault;
    };
    const auto divide = [] { asm volatile("fld1\n fldz\n fdivrp\n fwait" ::: "memory"); };
    const auto root = [] { asm volatile("fld1\n fchs\n fsqrt\n fwait" ::: "memory"); };
    const Fault by_zero = compute(divide), of_negative = compute(root);
    HOLDS(by_zero.signal == SIGFPE && by_zero.code == FPE_FLTDIV);
    HOLDS(of_negative.signal == SIGFPE && of_negative.code == FPE_FLTINV);
    FAULTS(asm volatile("mov $1, %%eax\n xor %%edx, %%edx\n div %%edx" ::
                            : "rax", "rdx"),
           SIGFPE, FPE_INTDIV, last.address);
}

// --- 32-bit code: the segment is there, as on Linux, but no calls for it.

extern "C" {
extern char compatible_stack_end[];
unsigned run_compatible(unsigned which);
}
asm(R"(
    .bss
    .align 16
    .skip 4096
compatible_stack_end:
saved_stack:
    .skip 8
    .data
compatible_entry:
    .long 1f
    .word 0x23
    .text
    .globl run_compatible
run_compatible:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, saved_stack
    mov $compatible_stack_end, %esp
    mov %edi, %ebx
    ljmpl *compatible_entry
    .code32
1:  mov $0xffff, %eax
    cmp $1, %ebx
    je 2f
    cmp $2, %ebx
    je 3f
    syscall
    jmp 4f
2:  ud2
3:  mov $0x2b, %edx
    mov %edx, %ds
    mov $-38, %eax
    movl %eax, compatible_stack_end-64
    movl compatible_stack_end-64, %eax
4:  ljmp $0x33, $5f
    .code64
5:  mov saved_stack, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
)");

void compatible_code()
{
    unsigned result = 0;
    // ENOSYS from Takt; Linux would return to where a 32-bit program has its vDSO; Intel's processors know no
    // `syscall`.
    const Fault fault = fault_of([&] { result = run_compatible(0); });
    HOLDS((fault.signal == 0 && result == static_cast<unsigned>(-38)) || fault.signal == SIGSEGV ||
          fault.signal == SIGILL);
    // The handler runs as 64-bit code.
    IS(fault_of([&] { run_compatible(1); }).signal, SIGILL);
    FAULTS(result = run_compatible(2), 0, 0, 0);
    IS(result, static_cast<unsigned>(-38));
}

// A handler's return goes back to 32-bit code.
void skip_instruction(int, siginfo_t*, void* context)
{
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    HOLDS((registers[REG_CSGSFS] & 0xffff) == 0x23);
    registers[REG_RIP] += 2;  // behind ud2
}

void compatible_handler()
{
    struct sigaction action {
    }, before;
    action.sa_sigaction = skip_instruction;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    OK(sigaction(SIGILL, &action, &before));
    unsigned result = 0;
    FAULTS(result = run_compatible(1), 0, 0, 0);
    IS(result, static_cast<unsigned>(-38));
    OK(sigaction(SIGILL, &before, nullptr));
}

// --- Flags.

std::uint64_t flags()
{
    std::uint64_t value;
    asm volatile("pushfq\n pop %0" : "=r"(value));
    return value;
}

void odd_flags()
{
    // Nested task, direction, alignment check, all of it at once, over system calls and faults.
    for (const std::uint64_t odd : {0x4000ul, 0x400ul, 0x40000ul, 0x200000ul, 0x244400ul}) {
        long result = 0;
        asm volatile("pushfq\n orq %[odd], (%%rsp)\n popfq\n mov $39, %%eax\n syscall\n pushfq\n andq $~0x44400, "
                     "(%%rsp)\n popfq"
                     : "=&a"(result)
                     : [odd] "r"(odd)
                     : "rcx", "r11", "memory", "cc");
        IS(result, getpid());
        FAULTS(asm volatile("pushfq\n orq %[odd], (%%rsp)\n popfq\n ud2" ::[odd] "r"(odd)
                            : "memory", "cc"),
               SIGILL, ILL_ILLOPN, last.address);
        asm volatile("pushfq\n andq $~0x44400, (%%rsp)\n popfq" ::: "memory", "cc");
    }
    // Interrupts and input/output rights can't be had.
    asm volatile("pushfq\n orq $0x3000, (%%rsp)\n andq $~0x200, (%%rsp)\n popfq" ::: "memory", "cc");
    HOLDS((flags() & 0x3200) == 0x200);
    // Data copied by the kernel while the direction flag is set.
    char from[200], to[200] = {};
    for (std::size_t index = 0; index < sizeof from; index++) from[index] = static_cast<char>(index);
    int ends[2];
    OK(pipe(ends));
    OK(write(ends[1], from, sizeof from));
    long got = 0;
    asm volatile("std\n syscall\n cld"
                 : "=a"(got)
                 : "a"(SYS_read), "D"(ends[0]), "S"(to), "d"(sizeof to)
                 : "rcx", "r11", "memory");
    IS(got, sizeof to);
    IS(std::memcmp(from, to, sizeof to), 0);
    close(ends[0]);
    close(ends[1]);
}

// With the alignment check on, what is not aligned is a fault in user mode and none in the kernel.
void alignment_check()
{
    alignas(8) char words[16] = {};
    const Fault fault = fault_of([&] {
        asm volatile(
            "pushfq\n orq $0x40000, (%%rsp)\n popfq\n movl 1(%0), %%eax\n pushfq\n andq $~0x40000, (%%rsp)\n popfq" ::
                "r"(words)
            : "rax", "memory", "cc");
    });
    asm volatile("pushfq\n andq $~0x40000, (%%rsp)\n popfq" ::: "memory", "cc");
    // QEMU's emulation does not check.
    HOLDS(fault.signal == 0 || (fault.signal == SIGBUS && fault.code == BUS_ADRALN));
    timespec* odd = reinterpret_cast<timespec*>(words + 1);
    long result = -1;
    alignas(8) char buffer[64];
    odd = reinterpret_cast<timespec*>(buffer + 1);
    asm volatile("pushfq\n orq $0x40000, (%%rsp)\n popfq\n syscall\n pushfq\n andq $~0x40000, (%%rsp)\n popfq"
                 : "=a"(result)
                 : "a"(SYS_clock_gettime), "D"(CLOCK_MONOTONIC), "S"(odd)
                 : "rcx", "r11", "memory", "cc");
    IS(result, 0);
}

volatile int steps = 0;
void count_step(int, siginfo_t* info, void*)
{
    if (info->si_code == TRAP_TRACE) steps = steps + 1;
}

// A program that steps itself, over a system call, too.
void single_steps()
{
    struct sigaction action {
    }, before;
    action.sa_sigaction = count_step;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    OK(sigaction(SIGTRAP, &action, &before));
    long result = 0;
    steps = 0;
    asm volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n nop\n nop\n mov $39, %%eax\n syscall\n nop\n nop\n"
                 "pushfq\n andq $~0x100, (%%rsp)\n popfq\n nop"
                 : "=&a"(result)
                 :
                 : "rcx", "r11", "memory", "cc");
    IS(result, getpid());
    HOLDS(steps >= 7 && steps <= 9);
    OK(sigaction(SIGTRAP, &before, nullptr));
}

// --- Bases.

void bases()
{
    for (const std::uintptr_t bad : {user_end, not_canonical, kernel_map, kernel_image}) {
        FAILS(syscall(SYS_arch_prctl, ARCH_SET_GS, bad), EPERM);
        FAILS(syscall(SYS_arch_prctl, ARCH_SET_FS, bad), EPERM);
    }
    std::uintptr_t base = 1;
    OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
    IS(base, 0);
    // An address that no register may hold; QEMU's emulation takes it.
    IS(child::run([] {
           std::signal(SIGSEGV, SIG_DFL);
           asm volatile("wrgsbase %0\n mov %%gs:0, %%eax" ::"r"(not_canonical) : "rax");
       }),
       128 + SIGSEGV);
    IS(child::run([] {
           std::signal(SIGSEGV, SIG_DFL);
           asm volatile("wrfsbase %0\n mov $39, %%eax\n syscall\n mov %%fs:0, %%eax" ::"r"(not_canonical)
                        : "rax", "rcx", "r11");
       }),
       128 + SIGSEGV);
    // The program's own GS base may look like the kernel's; it is never used as one.
    asm volatile("wrgsbase %0" ::"r"(kernel_map));
    for (int count = 0; count < 3; count++) sched_yield();
    FAULTS(asm volatile("mov %%gs:0, %%rax" ::: "rax"), SIGSEGV, SEGV_MAPERR, kernel_map);
    IS(child::run([] {
           std::uintptr_t inherited = 0;
           asm volatile("rdgsbase %0" : "=r"(inherited));
           HOLDS(inherited == kernel_map);
       }),
       0);
    asm volatile("rdgsbase %0" : "=r"(base));
    IS(base, kernel_map);
    asm volatile("wrgsbase %0" ::"r"(0ul));
    // Without its thread base the C library is lost, the kernel isn't.
    std::uintptr_t own = 0;
    long id = 0;
    asm volatile("rdfsbase %0\n wrfsbase %2\n mov $39, %%eax\n syscall\n wrfsbase %0"
                 : "=&r"(own), "=&a"(id)
                 : "r"(kernel_image)
                 : "rcx", "r11", "memory");
    IS(id, getpid());
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    catch_faults();
    jumps();
    last_instruction();
    stacks();
    overflows();
    privileged();
    far_returns();
    traps();
    compatible_code();
    compatible_handler();
    odd_flags();
    alignment_check();
    single_steps();
    bases();
    return check::result();
}
