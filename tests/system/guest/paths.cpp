// The six paths of tests/scenario/paths.hpp on a PC: prints what each takes, in ticks of the time-stamp counter, which
// are instructions on the deterministic machine.
#include <cstdio>
#include <scenario/paths.hpp>
#include <x86intrin.h>

namespace {

using takt::i64;
using takt::u32;
using takt::u64;

// What sim/program.hpp has, for a program with a real processor under it.
class Program {
public:
    explicit Program(u64 argument) : argument_(argument) {}

    u64 argument() const { return argument_; }
    template <typename T>
    T load(u64 address)
    {
        return *reinterpret_cast<volatile T*>(address);
    }
    template <typename T>
    void store(u64 address, T value)
    {
        *reinterpret_cast<volatile T*>(address) = value;
    }
    template <typename... Arguments>
    i64 call(u64 number, Arguments... arguments)
    {
        const u64 words[6] = {static_cast<u64>(arguments)...};
        register u64 r10 asm("r10") = words[3];
        register u64 r8 asm("r8") = words[4];
        register u64 r9 asm("r9") = words[5];
        i64 result;
        asm volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
        return result;
    }
    i64 map(u64 bytes)
    {
        constexpr u64 read_and_write = 3, private_and_anonymous = 0x22;
        return call(takt::number::mmap, 0, bytes, read_and_write, private_and_anonymous, ~0ull, 0);
    }
    [[noreturn]] void exit_thread(int status)
    {
        call(takt::number::exit, status);
        __builtin_unreachable();
    }
    // The child finds function and argument on its stack.
    i64 clone(u64 flags, void (*child)(Program&), u64 argument, u64 stack_end, u64 parent_tid = 0, u64 child_tid = 0)
    {
        u64* stack = reinterpret_cast<u64*>(stack_end);
        *--stack = argument;
        *--stack = reinterpret_cast<u64>(child);
        register u64 r10 asm("r10") = child_tid;
        register u64 r8 asm("r8") = 0;
        i64 result;
        asm volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rdi\n\t"
                     "pop %%rsi\n\t"
                     "call *%[begin]\n"
                     "1:"
                     : "=a"(result)
                     : "a"(takt::number::clone), "D"(flags), "S"(stack), "d"(parent_tid), "r"(r10),
                       "r"(r8), [begin] "b"(&begin)
                     : "rcx", "r11", "memory");
        return result;
    }

private:
    [[noreturn]] static void begin(void (*child)(Program&), u64 argument)
    {
        Program self(argument);
        child(self);
        __builtin_unreachable();
    }

    u64 argument_;
};

i64 now_ns(Program&)
{
    _mm_lfence();
    return static_cast<i64>(__rdtsc());
}

}  // namespace

int main()
{
    Program self(0);
    const takt::paths::Counts counts = takt::paths::Paths<Program>::measure(self);
    for (std::size_t path = 0; path < takt::paths::path_count; path++)
        std::printf("%s: %ld\n", takt::paths::names[path], static_cast<long>(counts[path]));
}
