// The Linux system calls that init uses, without a C library: init then starts in a few hundred
// instructions and asks of a kernel only what it really needs.
//
// Every function returns what the kernel returned: a negative errno on failure.
#pragma once

#include <asm/unistd.h>

namespace takt::init {

inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0)
{
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                 : "rcx", "r11", "memory");
    return result;
}

inline long address(const void* pointer) { return reinterpret_cast<long>(pointer); }

struct TimeSpec {
    long seconds;
    long nanoseconds;
};

struct PollEntry {
    int descriptor;
    short events;
    short happened;
};
constexpr short poll_in = 1;
constexpr short poll_out = 4;

struct WindowSize {
    unsigned short rows, columns, width, height;
};

constexpr int read_only = 0, write_only = 1, read_write = 2;
constexpr int no_controlling_tty = 0400, non_blocking = 04000, close_on_exec = 02000000;

inline long open_file(const char* path, int flags) { return system_call(__NR_open, address(path), flags, 0); }
inline long close_file(int file) { return system_call(__NR_close, file); }
inline long read_file(int file, void* data, unsigned long size)
{
    return system_call(__NR_read, file, address(data), long(size));
}
inline long write_file(int file, const void* data, unsigned long size)
{
    return system_call(__NR_write, file, address(data), long(size));
}
inline long duplicate(int from, int to) { return system_call(__NR_dup2, from, to); }
inline long make_pipe(int (&ends)[2], int flags) { return system_call(__NR_pipe2, address(ends), flags); }
inline long set_status_flags(int file, int flags) { return system_call(__NR_fcntl, file, 4 /* F_SETFL */, flags); }
inline long control_device(int file, unsigned long request, const void* argument)
{
    return system_call(__NR_ioctl, file, long(request), address(argument));
}
inline long make_directory(const char* path) { return system_call(__NR_mkdir, address(path), 0755); }
inline long make_link(const char* target, const char* path)
{
    return system_call(__NR_symlink, address(target), address(path));
}
inline long mount(const char* type, const char* path, unsigned long flags, const char* options)
{
    return system_call(__NR_mount, address(type), address(path), address(type), long(flags), address(options));
}

}  // namespace takt::init
