// The vDSO (vdso(7)): a shared object that the kernel maps into every program, with the calls that only read a clock or
// a CPU's number. Runs in user mode, compiled apart from the kernel; no data of its own.
//
// clock_gettime is on the measured path from a timer to the program's next clock reading: about 32 instructions.
#include <abi/types.hpp>
#include <vdso/clock_page.hpp>

using namespace takt;

extern "C" {

[[gnu::visibility("hidden")]] extern const volatile machine::ClockPage vdso_clock_page;

int __vdso_clock_gettime(i32 clock, abi::Timespec* time);
int __vdso_clock_getres(i32 clock, abi::Timespec* resolution);
int __vdso_gettimeofday(abi::Timeval* time, i32* zone);
i64 __vdso_time(i64* time);
i64 __vdso_getcpu(u32* cpu, u32* node, void* unused);

}  // extern "C"

namespace {

constexpr u64 ns_per_second = 1'000'000'000;
constexpr u32 coarse_clocks = 1 << 5 | 1 << 6;
constexpr i64 call_clock_gettime = 228, call_clock_getres = 229, call_getcpu = 309;

inline i64 system_call(i64 number, u64 first, u64 second, u64 third = 0)
{
    i64 result;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return result;
}

inline bool answered_here(u32 clock)
{
    return clock < machine::vdso_clock_count && (vdso_clock_page.clock_mask >> clock & 1);
}

// The fence: not before what the program read earlier, from another CPU's hand perhaps.
inline u64 clock_ns(u32 clock)
{
    u64 low, high;  // rdtsc clears their upper halves
    asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    u64 cycles = high << 32 | low;
    u64 since_zero = static_cast<u64>(static_cast<unsigned __int128>(cycles) * vdso_clock_page.multiplier >> 32);
    return since_zero + static_cast<u64>(vdso_clock_page.offset_ns[clock]);
}

}  // namespace

int __vdso_clock_gettime(i32 clock, abi::Timespec* time)
{
    u32 number = static_cast<u32>(clock);
    if (!answered_here(number)) [[unlikely]]
        return static_cast<int>(system_call(call_clock_gettime, static_cast<u64>(clock), reinterpret_cast<u64>(time)));
    u64 ns = clock_ns(number);
    time->seconds = static_cast<i64>(ns / ns_per_second);
    time->nanoseconds = static_cast<i64>(ns % ns_per_second);
    return 0;
}

int __vdso_clock_getres(i32 clock, abi::Timespec* resolution)
{
    u32 number = static_cast<u32>(clock);
    if (!answered_here(number) || (coarse_clocks >> number & 1))
        return static_cast<int>(
            system_call(call_clock_getres, static_cast<u64>(clock), reinterpret_cast<u64>(resolution)));
    if (resolution) *resolution = {0, 1};
    return 0;
}

int __vdso_gettimeofday(abi::Timeval* time, i32* zone)
{
    if (time) {
        u64 ns = clock_ns(0);
        time->seconds = static_cast<i64>(ns / ns_per_second);
        time->microseconds = static_cast<i64>(ns % ns_per_second / 1000);
    }
    if (zone) zone[0] = zone[1] = 0;
    return 0;
}

i64 __vdso_time(i64* time)
{
    i64 seconds = static_cast<i64>(clock_ns(0) / ns_per_second);
    if (time) *time = seconds;
    return seconds;
}

i64 __vdso_getcpu(u32* cpu, u32* node, void*)
{
    if (!vdso_clock_page.has_rdtscp)
        return system_call(call_getcpu, reinterpret_cast<u64>(cpu), reinterpret_cast<u64>(node));
    u32 number;
    asm volatile("rdtscp" : "=c"(number)::"rax", "rdx");
    if (cpu) *cpu = number & 0xfff;
    if (node) *node = 0;
    return 0;
}

extern "C" {
[[gnu::weak, gnu::alias("__vdso_clock_gettime")]] int clock_gettime(i32 clock, abi::Timespec* time);
[[gnu::weak, gnu::alias("__vdso_clock_getres")]] int clock_getres(i32 clock, abi::Timespec* resolution);
[[gnu::weak, gnu::alias("__vdso_gettimeofday")]] int gettimeofday(abi::Timeval* time, i32* zone);
[[gnu::weak, gnu::alias("__vdso_time")]] i64 time(i64* time);
[[gnu::weak, gnu::alias("__vdso_getcpu")]] i64 getcpu(u32* cpu, u32* node, void* unused);
}
