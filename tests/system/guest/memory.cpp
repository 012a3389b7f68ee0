// mmap(2), mprotect(2), mremap(2), brk(2), mlock(2), madvise(2), mincore(2),
// msync(2), memory policies, faults and copy on write, case by case. Prints what
// is wrong; silent and 0 when all is right. Also right on Linux: run it there to
// check the checks.
#include "check.hpp"

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::size_t page = 4096;
constexpr int read_write = PROT_READ | PROT_WRITE;
constexpr int private_memory = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr int shared_memory = MAP_SHARED | MAP_ANONYMOUS;

char* map(std::size_t pages, int rights = read_write, int flags = private_memory, int file = -1, off_t offset = 0)
{
    void* memory = mmap(nullptr, pages * page, rights, flags, file, offset);
    HOLDS(memory != MAP_FAILED);
    return static_cast<char*>(memory);
}

// --- Faults: which signal an access gives, 0 for none.

sigjmp_buf after_fault;
volatile sig_atomic_t fault_code;
void* volatile fault_address;

void on_fault(int signal, siginfo_t* info, void*)
{
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(after_fault, signal);
}

void catch_faults()
{
    static char stack[64 * 1024];
    stack_t alternate{stack, 0, sizeof stack};
    OK(sigaltstack(&alternate, nullptr));
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    OK(sigaction(SIGSEGV, &action, nullptr));
    OK(sigaction(SIGBUS, &action, nullptr));
}

int reading(const volatile char* address)
{
    if (const int signal = sigsetjmp(after_fault, 1)) return signal;
    (void)*address;
    return 0;
}

int writing(volatile char* address, char value = 1)
{
    if (const int signal = sigsetjmp(after_fault, 1)) return signal;
    *address = value;
    return 0;
}

// Runs `body` in a child; its exit status, or 128 + the signal that ended it.
template <typename Body>
int in_child(Body body)
{
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

long field_of(const char* file, const char* name)
{
    std::FILE* stream = std::fopen(file, "r");
    if (!stream) return -1;
    char line[256];
    long value = -1;
    while (std::fgets(line, sizeof line, stream))
        if (!std::strncmp(line, name, std::strlen(name))) value = std::atol(line + std::strlen(name));
    std::fclose(stream);
    return value;
}

int file_of(std::size_t pages)
{
    const int file = memfd_create("pages", MFD_CLOEXEC);
    OK(file);
    for (std::size_t index = 0; index < pages; index++) {
        char content[page];
        std::memset(content, static_cast<int>('a' + index), page);
        IS(write(file, content, page), page);
    }
    return file;
}

// --- mmap.

void mapping()
{
    char* memory = map(4);
    for (std::size_t at = 0; at < 4 * page; at += 512) HOLDS(memory[at] == 0);
    std::memset(memory, 7, 4 * page);
    HOLDS(memory[4 * page - 1] == 7);

    // Mappings go down from the top.
    char* second = map(2, PROT_READ);
    HOLDS(second + 2 * page <= memory);
    OK(munmap(second, 2 * page));
    HOLDS(map(2, PROT_READ) == second);
    OK(munmap(second, 2 * page));

    // A hint that is free is followed, one that isn't is not.
    char* hint = second - 64 * page;
    HOLDS(mmap(hint, page, read_write, private_memory, -1, 0) == hint);
    HOLDS(mmap(hint, page, read_write, private_memory, -1, 0) != hint);

    // MAP_FIXED replaces; MAP_FIXED_NOREPLACE does not.
    HOLDS(mmap(memory + page, page, read_write, private_memory | MAP_FIXED, -1, 0) == memory + page);
    HOLDS(memory[0] == 7 && memory[page] == 0 && memory[2 * page] == 7);
    HOLDS(mmap(memory, page, read_write, private_memory | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);

    // A hole in the middle.
    OK(munmap(memory + page, page));
    IS(reading(memory + page), SIGSEGV);
    IS(fault_code, SEGV_MAPERR);
    HOLDS(fault_address == memory + page);
    HOLDS(memory[0] == 7 && memory[2 * page] == 7);
    OK(munmap(memory, 4 * page));  // holes are no error
    OK(munmap(memory, 4 * page));

    HOLDS(mmap(nullptr, 0, PROT_READ, private_memory, -1, 0) == MAP_FAILED && errno == EINVAL);
    HOLDS(mmap(nullptr, page, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    HOLDS(mmap(nullptr, page, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    HOLDS(mmap(memory + 1, page, PROT_READ, private_memory | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
    HOLDS(mmap(nullptr, ~0ul - page, PROT_READ, private_memory, -1, 0) == MAP_FAILED && errno == ENOMEM);
    HOLDS(syscall(SYS_mmap, nullptr, page, PROT_READ, private_memory, -1, 1) == -1 && errno == EINVAL);
    FAILS(munmap(memory + 1, page), EINVAL);
    FAILS(munmap(memory, 0), EINVAL);
    FAILS(munmap(reinterpret_cast<void*>(1ul << 47), page), EINVAL);
}

void file_mapping()
{
    const int file = file_of(3);
    char* shared = map(3, read_write, MAP_SHARED, file);
    char* copy = map(3, read_write, MAP_PRIVATE, file);
    HOLDS(shared[0] == 'a' && shared[page] == 'b' && copy[2 * page] == 'c');
    copy[0] = 'X';
    HOLDS(shared[0] == 'a');
    shared[1] = 'Y';
    char got = 0;
    IS(pread(file, &got, 1, 1), 1);
    HOLDS(got == 'Y');
    IS(pwrite(file, "Z", 1, page), 1);
    HOLDS(shared[page] == 'Z' && copy[page] == 'Z');

    // An offset; beyond the end of the file.
    char* tail = map(3, PROT_READ, MAP_SHARED, file, 2 * page);
    HOLDS(tail[0] == 'c');
    IS(reading(tail + page), SIGBUS);
    IS(fault_code, BUS_ADRERR);
    // A system call gets EFAULT there.
    int ends[2];
    OK(pipe(ends));
    FAILS(write(ends[1], tail + page, 1), EFAULT);
    close(ends[0]);
    close(ends[1]);
    OK(ftruncate(file, 4 * page));
    IS(reading(tail + page), 0);
    OK(munmap(tail, 3 * page));

    OK(msync(shared, 3 * page, MS_SYNC));
    FAILS(msync(shared, page, MS_SYNC | MS_ASYNC), EINVAL);
    FAILS(msync(shared + 1, page, MS_SYNC), EINVAL);
    FAILS(msync(shared, page, 64), EINVAL);

    // Rights of the descriptor.
    char name[64];
    std::snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    const int reader = open(name, O_RDONLY);
    OK(reader);
    HOLDS(mmap(nullptr, page, read_write, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    char* read_only = map(1, PROT_READ, MAP_SHARED, reader);
    FAILS(mprotect(read_only, page, read_write), EACCES);
    OK(munmap(read_only, page));
    char* own = map(1, read_write, MAP_PRIVATE, reader);
    IS(writing(own), 0);
    OK(munmap(own, page));
    const int writer = open(name, O_WRONLY);
    OK(writer);
    HOLDS(mmap(nullptr, page, PROT_WRITE, MAP_SHARED, writer, 0) == MAP_FAILED && errno == EACCES);
    close(reader);
    close(writer);
    OK(pipe(ends));
    HOLDS(mmap(nullptr, page, PROT_READ, MAP_SHARED, ends[0], 0) == MAP_FAILED && errno == ENODEV);
    close(ends[0]);
    close(ends[1]);

    // A file that is cut: its pages are gone from all mappings, copies too.
    HOLDS(shared[2 * page] == 'c' && copy[2 * page] == 'c');
    IS(writing(copy + 2 * page), 0);
    OK(ftruncate(file, page + 1));
    IS(reading(shared + 2 * page), SIGBUS);
    IS(reading(copy + 2 * page), SIGBUS);
    HOLDS(shared[page] == 'Z' && shared[page + 1] == 0);
    OK(ftruncate(file, 3 * page));
    HOLDS(shared[2 * page] == 0 && copy[2 * page] == 0);
    IS(pwrite(file, "c", 1, 2 * page), 1);
    HOLDS(shared[2 * page] == 'c');
    // A hole: a private copy stays.
    IS(writing(copy + page, 'K'), 0);
    OK(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, page));
    HOLDS(shared[page] == 0 && copy[page] == 'K');

    // The mapping outlives the descriptor.
    close(file);
    HOLDS(shared[2 * page] == 'c');
    OK(munmap(shared, 3 * page));
    OK(munmap(copy, 3 * page));
}

// --- mprotect.

void protecting()
{
    char* memory = map(5);
    std::memset(memory, 5, 5 * page);
    OK(mprotect(memory + page, page, PROT_READ));
    IS(writing(memory + page), SIGSEGV);
    IS(fault_code, SEGV_ACCERR);
    IS(reading(memory + page), 0);
    IS(writing(memory), 0);
    IS(writing(memory + 2 * page), 0);
    OK(mprotect(memory + 2 * page, page, PROT_NONE));
    IS(reading(memory + 2 * page), SIGSEGV);
    IS(fault_code, SEGV_ACCERR);
    int ends[2];
    OK(pipe(ends));
    FAILS(write(ends[1], memory + 2 * page, 1), EFAULT);
    IS(write(ends[1], "x", 1), 1);
    FAILS(read(ends[0], memory + page, 1), EFAULT);
    close(ends[0]);
    close(ends[1]);
    OK(mprotect(memory, 5 * page, read_write));
    for (std::size_t at = 0; at < 5 * page; at += page) HOLDS(memory[at + 8] == 5);
    IS(writing(memory + page), 0);

    OK(munmap(memory + 3 * page, page));
    FAILS(mprotect(memory + 2 * page, 2 * page, PROT_READ), ENOMEM);
    FAILS(mprotect(memory + 1, page, PROT_READ), EINVAL);
    FAILS(mprotect(memory, page, 0x40), EINVAL);
    FAILS(mprotect(memory, page, PROT_READ | PROT_GROWSDOWN), EINVAL);
    OK(mprotect(memory, 0, PROT_READ));

    // Code: written, then executable.
    constexpr unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
    std::memcpy(memory, code, sizeof code);
    OK(mprotect(memory, page, PROT_READ | PROT_EXEC));
    IS(reinterpret_cast<int (*)()>(memory)(), 42);
    OK(munmap(memory, 5 * page));
}

// --- mremap.

void moving()
{
    char* memory = map(8);
    std::memset(memory, 3, 4 * page);
    HOLDS(mremap(memory, 8 * page, 4 * page, 0) == memory);
    IS(reading(memory + 4 * page), SIGSEGV);
    HOLDS(mremap(memory, 4 * page, 6 * page, 0) == memory);  // the room is still there
    HOLDS(memory[3 * page] == 3 && memory[5 * page] == 0);
    char* wall = static_cast<char*>(mmap(memory + 6 * page, page, PROT_READ, private_memory | MAP_FIXED, -1, 0));
    HOLDS(mremap(memory, 6 * page, 9 * page, 0) == MAP_FAILED && errno == ENOMEM);
    char* moved = static_cast<char*>(mremap(memory, 6 * page, 9 * page, MREMAP_MAYMOVE));
    HOLDS(moved != memory && moved[0] == 3 && moved[3 * page] == 3 && moved[8 * page] == 0);
    IS(reading(memory), SIGSEGV);
    char* target = map(2);
    HOLDS(mremap(moved + page, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    HOLDS(target[0] == 3 && target[2 * page - 1] == 3);
    IS(reading(moved + page), SIGSEGV);
    HOLDS(moved[0] == 3 && moved[3 * page] == 3);
    HOLDS(mremap(moved, page, page, MREMAP_FIXED, target) == MAP_FAILED && errno == EINVAL);
    HOLDS(mremap(moved + 1, page, page, 0) == MAP_FAILED && errno == EINVAL);
    HOLDS(mremap(moved, page, 0, 0) == MAP_FAILED && errno == EINVAL);
    HOLDS(mremap(moved + page, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    HOLDS(mremap(moved, page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == MAP_FAILED && errno == EINVAL);

    // Shared memory moves with its pages, and can be mapped once more.
    char* shared = map(2, read_write, shared_memory);
    shared[page] = 9;
    char* again = static_cast<char*>(mremap(shared, 0, 2 * page, MREMAP_MAYMOVE));
    HOLDS(again != MAP_FAILED && again != shared && again[page] == 9);
    again[0] = 8;
    HOLDS(shared[0] == 8);
    OK(munmap(wall, page));
    OK(munmap(moved, 9 * page));
    OK(munmap(target, 2 * page));
    OK(munmap(shared, 2 * page));
    OK(munmap(again, 2 * page));
}

// --- brk.

void heap_end()
{
    char* start = static_cast<char*>(sbrk(0));
    char* old = static_cast<char*>(sbrk(3 * page + 100));
    HOLDS(old == start);
    start[0] = 1;
    start[3 * page + 99] = 2;
    HOLDS(sbrk(-(3 * static_cast<long>(page) + 100)) != reinterpret_cast<void*>(-1));
    HOLDS(sbrk(0) == start);
    OK(brk(start + 8 * page));
    HOLDS(start[4 * page] == 0);
    OK(brk(start));
    // A refused break stays where it is.
    HOLDS(syscall(SYS_brk, 1) == reinterpret_cast<long>(start));
}

// --- fork.

void forking()
{
    char* own = map(16);
    char* shared = map(2, read_write, shared_memory);
    char* dropped = map(1);
    char* wiped = map(1);
    std::memset(own, 1, 16 * page);
    dropped[0] = 1;
    wiped[0] = 1;
    OK(madvise(dropped, page, MADV_DONTFORK));
    OK(madvise(wiped, page, MADV_WIPEONFORK));
    shared[0] = 1;
    IS(in_child([&] {
           if (own[5 * page] != 1 || shared[0] != 1 || wiped[0] != 0) return 1;
           own[5 * page] = 2;
           shared[0] = 2;
           shared[page] = 3;
           if (reading(dropped) != SIGSEGV) return 2;
           return in_child([&] {
               if (own[5 * page] != 2 || own[6 * page] != 1) return 3;
               own[5 * page] = 4;
               return 0;
           });
       }),
       0);
    HOLDS(own[5 * page] == 1 && shared[0] == 2 && shared[page] == 3 && wiped[0] == 1);
    // Many children, each with pages of its own.
    for (int child = 0; child < 8; child++)
        IS(in_child([&] {
               std::memset(own, child, 16 * page);
               return own[15 * page] == child ? 0 : 1;
           }),
           0);
    HOLDS(own[15 * page] == 1);
    OK(munmap(own, 16 * page));
    OK(munmap(shared, 2 * page));
    OK(munmap(dropped, page));
    OK(munmap(wiped, page));
}

// --- mlock.

long minor_faults()
{
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

bool in_memory(char* address)
{
    unsigned char present = 0;
    OK(mincore(address, page, &present));
    return present & 1;
}

void locking()
{
    char* memory = map(32);
    HOLDS(!in_memory(memory));
    const long locked = field_of("/proc/self/status", "VmLck:");
    OK(mlock(memory + page, 8 * page));
    IS(field_of("/proc/self/status", "VmLck:"), locked + 32);
    HOLDS(in_memory(memory + page) && in_memory(memory + 8 * page) && !in_memory(memory + 9 * page));
    long before = minor_faults();
    for (std::size_t at = page; at < 9 * page; at += page) memory[at] = 1;
    IS(minor_faults(), before);
    FAILS(madvise(memory + page, page, MADV_DONTNEED), EINVAL);
    OK(munlock(memory, 32 * page));
    IS(field_of("/proc/self/status", "VmLck:"), locked);
    OK(madvise(memory + page, page, MADV_DONTNEED));
    HOLDS(memory[page] == 0);
    OK(munmap(memory, 32 * page));
    FAILS(mlock(memory, page), ENOMEM);
    FAILS(munlock(memory, page), ENOMEM);
    FAILS(mlock2(memory, page, MLOCK_ONFAULT), ENOMEM);

    // Locked as it comes: only what is touched is there.
    memory = map(4);
    FAILS(mlock2(memory, page, 2), EINVAL);
    OK(mlock2(memory, 4 * page, MLOCK_ONFAULT));
    memory[page] = 1;
    HOLDS(in_memory(memory + page) && !in_memory(memory + 2 * page));
    OK(mlock2(memory, 4 * page, 0));
    HOLDS(in_memory(memory + 2 * page));
    OK(munmap(memory, 4 * page));

    // What is mapped from now on.
    IS(in_child([] {
           if (mlockall(MCL_CURRENT | MCL_FUTURE)) return 1;
           char* later = map(16);
           const long faults = minor_faults();
           for (std::size_t at = 0; at < 16 * page; at += page) later[at] = 1;
           if (minor_faults() != faults) return 2;
           // A thread's stack is made without rights first.
           char* stack = map(16, PROT_NONE);
           if (mprotect(stack, 16 * page, read_write)) return 3;
           const long more = minor_faults();
           for (std::size_t at = 0; at < 16 * page; at += page) stack[at] = 1;
           if (minor_faults() != more) return 4;
           return munlockall() ? 5 : 0;
       }),
       0);
    FAILS(mlockall(0), EINVAL);
    FAILS(mlockall(8), EINVAL);

    // RLIMIT_MEMLOCK, for those without the capability.
    IS(in_child([] {
           const rlimit limit{4 * page, 4 * page};
           if (setrlimit(RLIMIT_MEMLOCK, &limit) || setresuid(1000, 1000, 1000)) return 1;
           char* some = map(16);
           if (mlock(some, 4 * page)) return 2;
           if (mlock(some + 4 * page, page) != -1 || errno != ENOMEM) return 3;
           if (mmap(nullptr, page, read_write, private_memory | MAP_LOCKED, -1, 0) != MAP_FAILED || errno != EAGAIN)
               return 4;
           return 0;
       }),
       0);

    char* ahead = map(4, read_write, private_memory | MAP_POPULATE);
    before = minor_faults();
    for (std::size_t at = 0; at < 4 * page; at += page) ahead[at] = 1;
    IS(minor_faults(), before);
    OK(munmap(ahead, 4 * page));
}

// --- madvise.

void advising()
{
    char* memory = map(4);
    std::memset(memory, 1, 4 * page);
    OK(madvise(memory + page, page, MADV_DONTNEED));
    HOLDS(memory[0] == 1 && memory[page] == 0 && memory[2 * page] == 1);
    OK(madvise(memory, 4 * page, MADV_FREE));
    HOLDS(memory[0] == 0 || memory[0] == 1);
    memory[0] = 2;
    HOLDS(memory[0] == 2);
    OK(madvise(memory, 4 * page, MADV_SEQUENTIAL));
    OK(madvise(memory, 4 * page, MADV_WILLNEED));
    OK(madvise(memory, 4 * page, MADV_DONTDUMP));
    OK(madvise(memory, 4 * page, MADV_DODUMP));
    OK(madvise(memory, 4 * page, MADV_NORMAL));
    FAILS(madvise(memory, page, 4711), EINVAL);
    OK(mprotect(memory, page, PROT_READ));
    OK(madvise(memory, page, MADV_POPULATE_READ));
    FAILS(madvise(memory, page, MADV_POPULATE_WRITE), EINVAL);
    OK(madvise(memory + page, page, MADV_POPULATE_WRITE));
    OK(mprotect(memory, page, read_write));
    FAILS(madvise(memory + 1, page, MADV_DONTNEED), EINVAL);
    OK(munmap(memory + 2 * page, page));
    memory[3 * page] = 1;
    FAILS(madvise(memory, 4 * page, MADV_DONTNEED), ENOMEM);  // but done where it could be
    HOLDS(memory[3 * page] == 0);
    OK(munmap(memory, 4 * page));

    const int file = file_of(1);
    char* shared = map(1, read_write, MAP_SHARED, file);
    char* copy = map(1, read_write, MAP_PRIVATE, file);
    copy[0] = 'X';
    OK(madvise(copy, page, MADV_DONTNEED));
    HOLDS(copy[0] == 'a');
    shared[0] = 'Y';
    OK(madvise(shared, page, MADV_DONTNEED));
    HOLDS(shared[0] == 'Y');
    FAILS(madvise(shared, page, MADV_FREE), EINVAL);
    OK(munmap(shared, page));
    OK(munmap(copy, page));
    close(file);

    unsigned char present;
    FAILS(mincore(copy, page, &present), ENOMEM);
    FAILS(mincore(shared + 1, page, &present), EINVAL);
}

// --- Limits.

void limits()
{
    IS(in_child([] {
           const long total = field_of("/proc/self/status", "VmSize:") * 1024;
           const rlimit limit{static_cast<rlim_t>(total) + 64 * page, RLIM_INFINITY};
           if (setrlimit(RLIMIT_AS, &limit)) return 1;
           char* some = map(32);
           if (mmap(nullptr, 64 * page, read_write, private_memory, -1, 0) != MAP_FAILED || errno != ENOMEM) return 2;
           if (mremap(some, 32 * page, 128 * page, MREMAP_MAYMOVE) != MAP_FAILED || errno != ENOMEM) return 3;
           return munmap(some, 32 * page) || mmap(nullptr, 48 * page, read_write, private_memory, -1, 0) == MAP_FAILED
                      ? 4
                      : 0;
       }),
       0);
    IS(in_child([] {
           const rlimit limit{4 * page, 4 * page};
           if (setrlimit(RLIMIT_DATA, &limit)) return 1;
           if (mmap(nullptr, 1024 * page, read_write, private_memory, -1, 0) != MAP_FAILED || errno != ENOMEM) return 2;
           return mmap(nullptr, 1024 * page, PROT_READ, private_memory, -1, 0) == MAP_FAILED ? 3 : 0;
       }),
       0);
    // More than there can be is refused at once.
    HOLDS(mmap(nullptr, 1ul << 45, read_write, private_memory, -1, 0) == MAP_FAILED && errno == ENOMEM);
    void* sparse = mmap(nullptr, 1ul << 40, read_write, private_memory | MAP_NORESERVE, -1, 0);
    HOLDS(sparse != MAP_FAILED);
    static_cast<char*>(sparse)[1ul << 39] = 1;
    OK(munmap(sparse, 1ul << 40));
}

// --- The stack.

int deep(int depth)
{
    volatile char space[page];
    space[0] = static_cast<char>(depth);
    return depth == 0 ? space[0] : deep(depth - 1) + space[0];
}

void stack()
{
    IS(in_child([] { return deep(1000) == 0 ? 1 : 0; }), 0);  // 4 MiB of 8
    IS(in_child([] {
           signal(SIGSEGV, SIG_DFL);
           const rlimit limit{1 << 20, 1 << 20};
           setrlimit(RLIMIT_STACK, &limit);
           return deep(1000);
       }),
       128 + SIGSEGV);
    // What grows down needs a gap of 256 pages to what is below.
    char* room = map(2048, PROT_NONE);
    OK(munmap(room + page, 2047 * page));
    OK(mprotect(room, page, PROT_READ));
    char* low = room + 2040 * page;
    HOLDS(mmap(low, 4 * page, read_write, private_memory | MAP_GROWSDOWN | MAP_FIXED, -1, 0) == low);
    IS(writing(low), 0);
    IS(writing(low - page), 0);
    IS(writing(low - 3 * page), 0);
    IS(writing(room + 255 * page), SIGSEGV);
    IS(writing(room + 257 * page), 0);
    OK(munmap(room, 2048 * page));
}

// --- Bad addresses.

void bad_addresses()
{
    int ends[2];
    OK(pipe(ends));
    const std::uintptr_t bad[] = {
        0, 1, 0x1000, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffff80100000, ~0ul};
    for (const std::uintptr_t address : bad) {
        FAILS(write(ends[1], reinterpret_cast<void*>(address), 8), EFAULT);
        IS(reading(reinterpret_cast<char*>(address)), SIGSEGV);
        FAILS(open(reinterpret_cast<char*>(address), O_RDONLY), EFAULT);
    }
    // A range that is good only at first.
    char* memory = map(2);
    OK(munmap(memory + page, page));
    std::memset(memory, 'p', page);
    IS(write(ends[1], memory + page - 100, 100), 100);
    char got[100];
    IS(read(ends[0], got, 100), 100);
    HOLDS(got[99] == 'p');
    FAILS(open(memory + page - 10, O_RDONLY), EFAULT);
    memory[page - 1] = 0;
    FAILS(open(memory + page - 10, O_RDONLY), ENOENT);
    for (std::size_t length = 1; length < 200; length += 7) {
        IS(write(ends[1], memory + page - length, length), length);
        IS(read(ends[0], memory, length), length);
    }
    close(ends[0]);
    close(ends[1]);
    OK(munmap(memory, page));
}

// --- Threads that fault, map and unmap at once.

std::atomic<bool> stop{false};
char* common;

void* churn(void* argument)
{
    const long seed = reinterpret_cast<long>(argument);
    for (int round = 0; round < 200; round++) {
        char* mine = map(4);
        std::memset(mine, static_cast<int>(seed), 4 * page);
        HOLDS(mine[3 * page] == seed);
        OK(mprotect(mine, page, PROT_READ));
        OK(munmap(mine, 4 * page));
        const std::size_t place = static_cast<std::size_t>(round % 16) * page + static_cast<std::size_t>(seed);
        __atomic_fetch_add(common + place, 1, __ATOMIC_RELAXED);
        if (round % 50 == 0) IS(in_child([] { return 0; }), 0);
    }
    return nullptr;
}

void threads()
{
    common = map(16);
    pthread_t all[4];
    for (long index = 0; index < 4; index++)
        IS(pthread_create(&all[index], nullptr, churn, reinterpret_cast<void*>(index + 1)), 0);
    for (pthread_t& thread : all) pthread_join(thread, nullptr);
    int sum = 0;
    for (std::size_t at = 0; at < 16 * page; at++) sum += common[at];
    IS(sum, 800);
    OK(munmap(common, 16 * page));
}

// What one thread changes in the map, others see at once: no CPU goes on with an
// old page.

std::atomic<long> published{0};

void* look(void*)
{
    while (!stop.load()) {
        const long before = published.load();
        const long seen = __atomic_load_n(reinterpret_cast<long*>(common), __ATOMIC_ACQUIRE);
        if (seen != 0 && seen < before) {
            check::failed(__LINE__, "an old page is still seen", seen);
            return nullptr;
        }
    }
    return nullptr;
}

void* count_up(void*)
{
    while (!stop.load()) __atomic_fetch_add(reinterpret_cast<long*>(common), 1, __ATOMIC_RELAXED);
    return nullptr;
}

void coherence()
{
    common = map(1);
    stop = false;
    pthread_t lookers[3];
    for (pthread_t& thread : lookers) IS(pthread_create(&thread, nullptr, look, nullptr), 0);
    for (long round = 1; round <= 300; round++) {
        if (round % 2)
            HOLDS(mmap(common, page, read_write, private_memory | MAP_FIXED, -1, 0) == common);
        else
            OK(madvise(common, page, MADV_DONTNEED));
        __atomic_store_n(reinterpret_cast<long*>(common), round, __ATOMIC_RELEASE);
        published = round;
    }
    stop = true;
    for (pthread_t& thread : lookers) pthread_join(thread, nullptr);

    // A child's copy stands still while the parent's threads go on writing.
    stop = false;
    for (pthread_t& thread : lookers) IS(pthread_create(&thread, nullptr, count_up, nullptr), 0);
    for (int round = 0; round < 15; round++)
        IS(in_child([] {
               const long first = __atomic_load_n(reinterpret_cast<long*>(common), __ATOMIC_RELAXED);
               for (int again = 0; again < 2000; again++)
                   if (__atomic_load_n(reinterpret_cast<long*>(common), __ATOMIC_RELAXED) != first) return 1;
               return 0;
           }),
           0);
    stop = true;
    for (pthread_t& thread : lookers) pthread_join(thread, nullptr);
    OK(munmap(common, page));
}

// --- membarrier, memory policies.

void barriers()
{
    const long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    HOLDS(known > 0 && known & MEMBARRIER_CMD_PRIVATE_EXPEDITED && known & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    FAILS(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
    OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    FAILS(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    FAILS(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
}

void policies()
{
    int mode = -1;
    unsigned long nodes[16] = {~0ul};
    OK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, nullptr, 0));
    IS(mode, MPOL_DEFAULT);
    IS(nodes[0], 0);
    OK(syscall(SYS_get_mempolicy, nullptr, nodes, 1024, nullptr, MPOL_F_MEMS_ALLOWED));
    HOLDS(nodes[0] & 1);
    unsigned long first = 1;
    OK(syscall(SYS_set_mempolicy, MPOL_BIND, &first, 64));
    OK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, nullptr, 0));
    HOLDS(mode == MPOL_BIND && nodes[0] == 1);
    IS(in_child([] {
           int inherited = -1;
           syscall(SYS_get_mempolicy, &inherited, nullptr, 0, nullptr, 0);
           return inherited;
       }),
       MPOL_BIND);
    FAILS(syscall(SYS_set_mempolicy, MPOL_BIND, nullptr, 0), EINVAL);
    FAILS(syscall(SYS_set_mempolicy, 99, &first, 64), EINVAL);
    OK(syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0));
    char* memory = map(4);
    OK(syscall(SYS_mbind, memory + page, 2 * page, MPOL_PREFERRED, &first, 64, 0));
    OK(syscall(SYS_get_mempolicy, &mode, nullptr, 0, memory + page, MPOL_F_ADDR));
    IS(mode, MPOL_PREFERRED);
    OK(syscall(SYS_get_mempolicy, &mode, nullptr, 0, memory, MPOL_F_ADDR));
    IS(mode, MPOL_DEFAULT);
    OK(syscall(SYS_get_mempolicy, &mode, nullptr, 0, memory, MPOL_F_ADDR | MPOL_F_NODE));
    IS(mode, 0);
    FAILS(syscall(SYS_get_mempolicy, &mode, nullptr, 0, memory, 0), EINVAL);
    OK(munmap(memory, 4 * page));
    FAILS(syscall(SYS_mbind, memory, page, MPOL_BIND, &first, 64, 0), EFAULT);
}

// Children that hold much memory give it back. Needs a machine where nothing else runs.
void nothing_lost()
{
    const auto churn_memory = [] {
        for (int round = 0; round < 20; round++)
            IS(in_child([] {
                   std::memset(map(512), 1, 512 * page);
                   std::memset(map(64, read_write, shared_memory), 1, 64 * page);
                   return 0;
               }),
               0);
    };
    churn_memory();
    const long before = field_of("/proc/meminfo", "MemFree:");
    churn_memory();
    const long after = field_of("/proc/meminfo", "MemFree:");
    HOLDS(before > 0 && after > before - 1024);
}

}  // namespace

int main()
{
    catch_faults();
    mapping();
    file_mapping();
    protecting();
    moving();
    heap_end();
    forking();
    locking();
    advising();
    limits();
    stack();
    bad_addresses();
    threads();
    coherence();
    barriers();
    policies();
    nothing_lost();
    return check::result();
}
