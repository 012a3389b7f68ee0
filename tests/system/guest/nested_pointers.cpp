// Bad pointers where bad_pointers.cpp does not get to: inside structures, in arguments whose meaning depends on
// another, in lists that the kernel walks when a thread ends; and ranges of memory that are not the program's. Prints
// what is wrong; silent and 0 when all is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <asm/prctl.h>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <linux/futex.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

namespace {

constexpr std::size_t page = 4096;

void* unmapped;
char* half;  // two bytes, and then nothing

// Each in turn is what `body` gets.
template <typename Body>
void with_bad(Body body)
{
    for (const std::uintptr_t bad : {reinterpret_cast<std::uintptr_t>(unmapped), std::uintptr_t{0x7ffffffff000},
                                     std::uintptr_t{0x8000000000000000}, std::uintptr_t{0xffff800000000000},
                                     std::uintptr_t{0xffffffff80000000}, ~std::uintptr_t{7}})
        body(reinterpret_cast<void*>(bad));
}

void vectors()
{
    const int file = open("file", O_RDWR | O_CREAT, 0600);
    char good[64] = {};
    OK(write(file, good, sizeof good));
    with_bad([&](void* bad) {
        lseek(file, 0, SEEK_SET);
        const iovec only{bad, 8};
        FAILS(readv(file, &only, 1), EFAULT);
        FAILS(preadv(file, &only, 1, 0), EFAULT);
        FAILS(pwritev(file, &only, 1, 0), EFAULT);
        FAILS(writev(file, &only, 1), EFAULT);
        FAILS(syscall(SYS_preadv2, file, &only, 1L, 0L, 0L, 0), EFAULT);
    });
    // What came before is done; Linux may also refuse an address of the kernel's at once.
    const iovec behind_good[] = {{good, 8}, {unmapped, 8}};
    IS(preadv(file, behind_good, 2, 0), 8);
    const iovec too_long[] = {{good, SIZE_MAX}, {good, 8}};
    FAILS(readv(file, too_long, 2), EINVAL);
    FAILS(syscall(SYS_readv, file, too_long, -1L), EINVAL);
    FAILS(syscall(SYS_readv, file, too_long, 1025L), EINVAL);
    close(file);
}

void messages()
{
    int pair[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
    char text[8] = {};
    with_bad([&](void* bad) {
        OK(send(pair[1], text, sizeof text, 0));
        iovec vector{bad, 8};
        iovec good{text, 8};
        msghdr header{};
        header.msg_iov = &vector;
        header.msg_iovlen = 1;
        FAILS(sendmsg(pair[0], &header, 0), EFAULT);
        FAILS(recvmsg(pair[0], &header, 0), EFAULT);
        header.msg_iov = static_cast<iovec*>(bad);
        FAILS(sendmsg(pair[0], &header, 0), EFAULT);
        FAILS(recvmsg(pair[0], &header, 0), EFAULT);
        header.msg_iov = &good;
        header.msg_control = bad;
        header.msg_controllen = 64;
        FAILS(sendmsg(pair[0], &header, 0), EFAULT);
        header.msg_control = nullptr;
        header.msg_controllen = 0;
        header.msg_name = bad;
        header.msg_namelen = sizeof(sockaddr_un);
        FAILS(sendmsg(pair[0], &header, 0), EFAULT);
        while (recv(pair[0], text, sizeof text, 0) > 0) {
        }
    });
    close(pair[0]);
    close(pair[1]);
}

void sets_and_masks()
{
    const timespec none{};
    with_bad([&](void* bad) {
        const struct {
            const void* mask;
            std::size_t size;
        } inner{bad, 8};
        FAILS(syscall(SYS_pselect6, 0, nullptr, nullptr, nullptr, &none, &inner), EFAULT);
    });
}

void arguments_of_another_meaning()
{
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    OK(terminal);
    const int file = open("file", O_RDWR | O_CREAT, 0600);
    const int semaphores = semget(IPC_PRIVATE, 2, 0600);
    with_bad([&](void* bad) {
        for (const unsigned long command : std::initializer_list<unsigned long>{TCGETS, TCSETS, TIOCGWINSZ, TIOCSWINSZ,
                                                                                FIONREAD, TIOCGPTN, TIOCSPTLCK})
            FAILS(ioctl(terminal, command, bad), EFAULT);
        for (const int command : {F_GETLK, F_SETLK, F_GETOWN_EX, F_SETOWN_EX, F_OFD_GETLK})
            FAILS(fcntl(file, command, bad), EFAULT);
        for (const int command : {IPC_STAT, IPC_SET, GETALL, SETALL, IPC_INFO})
            FAILS(syscall(SYS_semctl, semaphores, 0, command, bad), EFAULT);
        FAILS(shmctl(0, IPC_INFO, static_cast<shmid_ds*>(bad)), EFAULT);
        FAILS(prctl(PR_SET_NAME, bad), EFAULT);
        FAILS(prctl(PR_GET_NAME, bad), EFAULT);
        FAILS(prctl(PR_GET_PDEATHSIG, bad), EFAULT);
        FAILS(prctl(PR_GET_CHILD_SUBREAPER, bad), EFAULT);
        FAILS(syscall(SYS_arch_prctl, ARCH_GET_FS, bad), EFAULT);
        FAILS(syscall(SYS_arch_prctl, ARCH_GET_GS, bad), EFAULT);
        FAILS(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, bad), EFAULT);
    });
    semctl(semaphores, 0, IPC_RMID);
    close(file);
    close(terminal);
}

void mounts()
{
    OK(mkdir("mounted", 0700));
    with_bad([&](void* bad) {
        const char* text = static_cast<const char*>(bad);
        FAILS(mount(text, "mounted", "tmpfs", 0, nullptr), EFAULT);
        FAILS(mount("none", text, "tmpfs", 0, nullptr), EFAULT);
        FAILS(mount("none", "mounted", text, 0, nullptr), EFAULT);
        FAILS(mount("none", "mounted", "tmpfs", 0, bad), EFAULT);
    });
    OK(rmdir("mounted"));
}

void programs()
{
    char name[] = "program";
    char* good[] = {name, nullptr};
    with_bad([&](void* bad) {
        char* list[] = {static_cast<char*>(bad), nullptr};
        FAILS(execve("/proc/self/exe", list, good), EFAULT);
        FAILS(execve("/proc/self/exe", good, list), EFAULT);
    });
    // The list itself runs out of the page.
    char** end = reinterpret_cast<char**>(half + 2) - 1;
    *end = name;
    FAILS(execve("/proc/self/exe", end, good), EFAULT);
    half[0] = half[1] = 'x';
    char* unterminated[] = {half, nullptr};
    FAILS(execve("/proc/self/exe", unterminated, good), EFAULT);
}

long futex(void* word, int operation, unsigned value, const void* timeout = nullptr, void* second = nullptr,
           unsigned third = 0)
{
    return syscall(SYS_futex, word, operation, value, timeout, second, third);
}

void futexes()
{
    alignas(4) int word = 0;
    const timespec soon{0, 1000};
    with_bad([&](void* bad) {
        for (const int flag : {0, FUTEX_PRIVATE_FLAG}) {
            FAILS(futex(bad, FUTEX_WAIT | flag, 0, &soon), EFAULT);
            FAILS(futex(bad, FUTEX_LOCK_PI | flag, 0, &soon), EFAULT);
            FAILS(futex(bad, FUTEX_TRYLOCK_PI | flag, 0), EFAULT);
            FAILS(futex(bad, FUTEX_UNLOCK_PI | flag, 0), EFAULT);
            FAILS(futex(&word, FUTEX_WAIT | flag, 0, bad), EFAULT);
            FAILS(futex(&word, FUTEX_LOCK_PI | flag, 0, bad), EFAULT);
            FAILS(futex(bad, FUTEX_CMP_REQUEUE | flag, 1, reinterpret_cast<void*>(1), &word, 0), EFAULT);
        }
        FAILS(futex(bad, FUTEX_WAKE, 1), EFAULT);
        FAILS(futex(&word, FUTEX_WAKE_OP, 1, nullptr, bad, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)), EFAULT);
    });
    FAILS(futex(reinterpret_cast<char*>(&word) + 1, FUTEX_WAIT, 0, &soon), EINVAL);
    void* read_only = mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FAILS(futex(read_only, FUTEX_LOCK_PI, 0, &soon), EFAULT);
    munmap(read_only, page);
}

// A robust list leads anywhere: walking it when the thread ends stops at what can't be read, and has an end.
void robust_lists()
{
    static robust_list_head head;
    const auto end_with = [](robust_list* first, robust_list* pending, long offset) {
        IS(child::run([&] {
               head.list.next = first;
               head.futex_offset = offset;
               head.list_op_pending = pending;
               OK(syscall(SYS_set_robust_list, &head, sizeof head));
           }),
           0);
    };
    with_bad([&](void* bad) {
        auto* entry = static_cast<robust_list*>(bad);
        end_with(entry, nullptr, 0);
        end_with(&head.list, entry, 0);
        end_with(entry, entry, -8);
        IS(child::run([&] { OK(syscall(SYS_set_robust_list, bad, sizeof head)); }), 0);
        IS(child::run([&] { OK(syscall(SYS_set_tid_address, bad)); }), 0);
    });
    static robust_list self{&self};
    end_with(&self, nullptr, 0);
    end_with(&self, &self, static_cast<long>(0x8000000000000000));
}

// Ranges: a place, not a pointer that is followed.
void ranges()
{
    with_bad([&](void* bad) {
        const bool users = bad == unmapped;
        if (!users) {
            FAILS(munmap(bad, page), EINVAL);
            HOLDS(mmap(bad, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
        }
        void* aligned = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(bad) & ~(page - 1));
        FAILS(mprotect(aligned, page, PROT_READ), ENOMEM);
        FAILS(msync(aligned, page, MS_ASYNC), ENOMEM);
        HOLDS(mlock(aligned, page) == -1);
        HOLDS(madvise(aligned, page, MADV_DONTNEED) == -1);
        HOLDS(mremap(aligned, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED);
        HOLDS(errno == EFAULT);
        // The break does not move there.
        void* end = reinterpret_cast<void*>(syscall(SYS_brk, 0));
        HOLDS(reinterpret_cast<void*>(syscall(SYS_brk, bad)) == end);
    });
    FAILS(munmap(nullptr, SIZE_MAX & ~(page - 1)), EINVAL);
    FAILS(mprotect(half - page + 2, SIZE_MAX & ~(page - 1), PROT_READ), ENOMEM);
    HOLDS(mmap(nullptr, SIZE_MAX & ~(page - 1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    HOLDS(errno == ENOMEM);
}

// A tracer's requests: the tracee's memory and its own.
void tracing()
{
    const pid_t id = fork();
    if (id == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        _exit(0);
    }
    int status = 0;
    IS(waitpid(id, &status, 0), id);
    with_bad([&](void* bad) {
        FAILS(ptrace(PTRACE_PEEKDATA, id, bad, nullptr), EIO);
        FAILS(ptrace(PTRACE_POKEDATA, id, bad, nullptr), EIO);
        for (const auto request : {PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_GETFPREGS, PTRACE_SETFPREGS,
                                   PTRACE_GETSIGINFO, PTRACE_SETSIGINFO, PTRACE_GETEVENTMSG})
            FAILS(ptrace(request, id, nullptr, bad), EFAULT);
        for (const long kind : {1L, 2L, 0x202L}) {
            iovec vector{bad, 8};
            FAILS(ptrace(PTRACE_GETREGSET, id, kind, &vector), EFAULT);
            FAILS(ptrace(PTRACE_GETREGSET, id, kind, bad), EFAULT);
        }
        iovec registers{bad, 8};
        FAILS(ptrace(PTRACE_SETREGSET, id, 1L, &registers), EFAULT);
    });
    FAILS(ptrace(PTRACE_PEEKUSER, id, ~7L, nullptr), EIO);
    FAILS(ptrace(PTRACE_POKEUSER, id, 1L << 20, nullptr), EIO);
    FAILS(ptrace(PTRACE_PEEKUSER, id, 4L, nullptr), EIO);
    kill(id, SIGKILL);
    IS(waitpid(id, &status, 0), id);
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    char place[] = "/tmp/nested-pointers-XXXXXX";
    HOLDS(mkdtemp(place));
    OK(chdir(place));
    unmapped = mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    half = static_cast<char*>(unmapped) + page - 2;
    unmapped = static_cast<char*>(unmapped) + page;
    munmap(unmapped, 2 * page);
    vectors();
    messages();
    sets_and_masks();
    arguments_of_another_meaning();
    mounts();
    programs();
    futexes();
    robust_lists();
    ranges();
    tracing();
    return check::result();
}
