// Control registers, XSAVE, system call registers (Intel SDM vol. 3, sections 2.5, 4.6, 5.8.8, 13.3).
#include <arch/x86_64/cpu_features.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/hal/cpu.hpp>

extern "C" void takt_system_call_entry();
extern "C" void takt_compatible_call_entry();

namespace takt::machine {

constinit CpuFeatures cpu_features;
constinit bool has_smap = false;
constinit u64 vector_state_features = 0;
constinit usize vector_state_size = 0;

namespace {

constexpr u64 cr4_global_pages = 1 << 7, cr4_fxsr = 1 << 9, cr4_simd_exceptions = 1 << 10, cr4_umip = 1 << 11,
              cr4_fsgsbase = 1 << 16, cr4_xsave = 1 << 18, cr4_smep = 1 << 20, cr4_smap = 1 << 21;
constexpr u32 msr_sysenter_cs = 0x174;
constexpr u32 msr_star = 0xc0000081, msr_lstar = 0xc0000082, msr_cstar = 0xc0000083, msr_sfmask = 0xc0000084,
              msr_tsc_aux = 0xc0000103;

void find_features()
{
    CpuidResult basic = cpuid(1);
    CpuidResult extended = cpuid(7);
    if (!(basic.ecx >> 26 & 1)) PANIC("this processor has no XSAVE");
    cpu_features.x2apic = basic.ecx >> 21 & 1;
    cpu_features.tsc_deadline = basic.ecx >> 24 & 1;
    cpu_features.fsgsbase = extended.ebx & 1;
    cpu_features.smep = extended.ebx >> 7 & 1;
    cpu_features.smap = extended.ebx >> 20 & 1;
    cpu_features.umip = extended.ecx >> 2 & 1;
    cpu_features.rdtscp = cpuid(0x80000001).edx >> 27 & 1;
    cpu_features.xsaveopt = cpuid(13, 1).eax & 1;
    has_smap = cpu_features.smap;
}

void enable_vector_state()
{
    // x87, SSE, AVX, AVX-512; not MPX, PKRU or AMX, whose use needs more than saving.
    CpuidResult state = cpuid(13);
    u64 supported = static_cast<u64>(state.edx) << 32 | state.eax;
    u64 wanted = supported & 0xe7;
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(wanted)), "d"(static_cast<u32>(wanted >> 32)));
    vector_state_features = wanted;
    vector_state_size = cpuid(13).ebx;  // for the components now enabled
}

}  // namespace

void init_cpu_features()
{
    if (vector_state_size == 0) find_features();
    u64 cr4 = read_cr4() | cr4_global_pages | cr4_fxsr | cr4_simd_exceptions | cr4_xsave;
    if (cpu_features.fsgsbase) cr4 |= cr4_fsgsbase;
    if (cpu_features.smep) cr4 |= cr4_smep;
    if (cpu_features.smap) cr4 |= cr4_smap;
    if (cpu_features.umip) cr4 |= cr4_umip;
    write_cr4(cr4);
    // Alignment check, write protection, numeric error, monitor coprocessor; no emulation, no task-switched.
    write_cr0((read_cr0() | 1 << 18 | 1 << 16 | 1 << 5 | 1 << 1) & ~0xcull);
    enable_vector_state();
    write_msr(msr_star, 0x0023ull << 48 | 0x0010ull << 32);
    write_msr(msr_lstar, reinterpret_cast<u64>(&takt_system_call_entry));
    write_msr(msr_cstar, reinterpret_cast<u64>(&takt_compatible_call_entry));
    write_msr(msr_sysenter_cs, 0);  // sysenter faults
    // Cleared on system calls: trap, interrupts, direction, IOPL, nested task, alignment check.
    write_msr(msr_sfmask, 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18);
    if (cpu_features.rdtscp) write_msr(msr_tsc_aux, hal::current_cpu_number());
}

}  // namespace takt::machine
