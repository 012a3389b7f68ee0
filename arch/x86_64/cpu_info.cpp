// hal/description.hpp on a PC: the processor's identity from CPUID, in the words of Linux's /proc/cpuinfo.
// Source: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E.
#include <arch/x86_64/interrupt_vectors.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/description.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

struct Registers {
    u32 a, b, c, d;
};

Registers cpuid(u32 leaf, u32 subleaf = 0)
{
    Registers result;
    asm volatile("cpuid" : "=a"(result.a), "=b"(result.b), "=c"(result.c), "=d"(result.d) : "a"(leaf), "c"(subleaf));
    return result;
}

// Names by bit; null where Linux shows none.
constexpr const char* names_1_d[32] = {"fpu",  "vme",   "de",    "pse",     "tsc",   "msr", "pae",  "mce",
                                       "cx8",  "apic",  nullptr, "sep",     "mtrr",  "pge", "mca",  "cmov",
                                       "pat",  "pse36", "pn",    "clflush", nullptr, "dts", "acpi", "mmx",
                                       "fxsr", "sse",   "sse2",  "ss",      "ht",    "tm",  "ia64", "pbe"};
constexpr const char* names_extended_d[32] = {
    nullptr,   nullptr, nullptr, nullptr,    nullptr,   nullptr,  nullptr, nullptr, nullptr,    nullptr, nullptr,
    "syscall", nullptr, nullptr, nullptr,    nullptr,   nullptr,  nullptr, nullptr, "mp",       "nx",    nullptr,
    "mmxext",  nullptr, nullptr, "fxsr_opt", "pdpe1gb", "rdtscp", nullptr, "lm",    "3dnowext", "3dnow"};
constexpr const char* names_1_c[32] = {"pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
                                       "vmx",    "smx",       "est",    "tm2",     "ssse3",
                                       "cid",    "sdbg",      "fma",    "cx16",    "xtpr",
                                       "pdcm",   nullptr,     "pcid",   "dca",     "sse4_1",
                                       "sse4_2", "x2apic",    "movbe",  "popcnt",  "tsc_deadline_timer",
                                       "aes",    "xsave",     nullptr,  "avx",     "f16c",
                                       "rdrand", "hypervisor"};
constexpr const char* names_extended_c[32] = {
    "lahf_lm",       "cmp_legacy", "svm",   "extapic",    "cr8_legacy",  "abm",    "sse4a",   "misalignsse",
    "3dnowprefetch", "osvw",       "ibs",   "xop",        "skinit",      "wdt",    nullptr,   "lwp",
    "fma4",          "tce",        nullptr, "nodeid_msr", nullptr,       "tbm",    "topoext", "perfctr_core",
    "perfctr_nb",    nullptr,      "bpext", "ptsc",       "perfctr_llc", "mwaitx", nullptr,   nullptr};
constexpr const char* names_7_b[32] = {
    "fsgsbase", "tsc_adjust", "sgx",      "bmi1",     "hle",      "avx2",       nullptr,    "smep",
    "bmi2",     "erms",       "invpcid",  "rtm",      "cqm",      nullptr,      "mpx",      "rdt_a",
    "avx512f",  "avx512dq",   "rdseed",   "adx",      "smap",     "avx512ifma", nullptr,    "clflushopt",
    "clwb",     "intel_pt",   "avx512pf", "avx512er", "avx512cd", "sha_ni",     "avx512bw", "avx512vl"};
constexpr const char* names_xsave[4] = {"xsaveopt", "xsavec", "xgetbv1", "xsaves"};
constexpr const char* names_7_c[32] = {nullptr,      "avx512vbmi",   "umip",          "pku",       "ospke",
                                       "waitpkg",    "avx512_vbmi2", nullptr,         "gfni",      "vaes",
                                       "vpclmulqdq", "avx512_vnni",  "avx512_bitalg", "tme",       "avx512_vpopcntdq",
                                       nullptr,      "la57",         nullptr,         nullptr,     nullptr,
                                       nullptr,      nullptr,        "rdpid",         nullptr,     "bus_lock_detect",
                                       "cldemote",   nullptr,        "movdiri",       "movdir64b", "enqcmd",
                                       "sgx_lc",     nullptr};
constexpr const char* names_7_d[32] = {nullptr,         nullptr,     "avx512_4vnniw",
                                       "avx512_4fmaps", "fsrm",      nullptr,
                                       nullptr,         nullptr,     "avx512_vp2intersect",
                                       nullptr,         "md_clear",  nullptr,
                                       nullptr,         nullptr,     "serialize",
                                       nullptr,         "tsxldtrk",  nullptr,
                                       "pconfig",       "arch_lbr",  nullptr,
                                       nullptr,         "amx_bf16",  "avx512_fp16",
                                       "amx_tile",      "amx_int8",  nullptr,
                                       nullptr,         "flush_l1d", "arch_capabilities",
                                       nullptr,         nullptr};

void append_names(TextSink& text, u32 bits, std::span<const char* const> names, bool& first)
{
    for (usize bit = 0; bit < names.size(); bit++) {
        if (!(bits >> bit & 1) || !names[bit]) continue;
        if (!first) text.append(' ');
        first = false;
        text.append(names[bit]);
    }
}

// In the order of Linux's capability words.
void append_flags(TextSink& text, u32 leaf_max, u32 extended_max)
{
    const Registers base = cpuid(1);
    const Registers extended = extended_max >= 0x80000001 ? cpuid(0x80000001) : Registers{};
    const Registers seven = leaf_max >= 7 ? cpuid(7) : Registers{};
    const bool constant_rate = extended_max >= 0x80000007 && (cpuid(0x80000007).d >> 8 & 1);
    bool first = true;
    append_names(text, base.d, names_1_d, first);
    append_names(text, extended.d, names_extended_d, first);
    text.append(constant_rate ? " constant_tsc nopl nonstop_tsc cpuid" : " nopl cpuid");
    append_names(text, base.c, names_1_c, first);
    append_names(text, extended.c, names_extended_c, first);
    append_names(text, seven.b, names_7_b, first);
    if (leaf_max >= 13) append_names(text, cpuid(13, 1).a, names_xsave, first);
    append_names(text, seven.c, names_7_c, first);
    append_names(text, seven.d, names_7_d, first);
}

void append_vendor(TextSink& text)
{
    const Registers leaf = cpuid(0);
    for (const u32 word : {leaf.b, leaf.d, leaf.c})
        for (unsigned byte = 0; byte < 4; byte++) text.append(static_cast<char>(word >> byte * 8));
}

void append_model_name(TextSink& text, u32 extended_max)
{
    if (extended_max < 0x80000004) {
        text.append("unknown");
        return;
    }
    bool leading = true;
    for (u32 leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
        const Registers part = cpuid(leaf);
        for (const u32 word : {part.a, part.b, part.c, part.d})
            for (unsigned byte = 0; byte < 4; byte++) {
                const char character = static_cast<char>(word >> byte * 8);
                if (character == 0) return;
                if (leading && character == ' ') continue;
                leading = false;
                text.append(character);
            }
    }
}

}  // namespace

namespace hal {

void describe_cpu(CpuId cpu, TextSink& text)
{
    const u32 leaf_max = cpuid(0).a;
    const u32 extended_max = cpuid(0x80000000).a;
    const Registers version = cpuid(1);
    u32 family = version.a >> 8 & 15;
    u32 model = version.a >> 4 & 15;
    if (family == 6 || family == 15) model |= (version.a >> 16 & 15) << 4;
    if (family == 15) family += version.a >> 20 & 255;
    const u64 khz = (1'000'000ull << 32) / machine::clock_scale.multiplier;
    const u32 cpus = kernel().scheduler.cpu_count();
    const u32 apic_id = kernel().scheduler.cpu(cpu).apic_id;
    const u32 line_bytes = (version.b >> 8 & 255) * 8;
    const u32 address_bits = extended_max >= 0x80000008 ? cpuid(0x80000008).a : 0x3024;

    format(text, "processor\t: {}\nvendor_id\t: ", cpu);
    append_vendor(text);
    format(text, "\ncpu family\t: {}\nmodel\t\t: {}\nmodel name\t: ", family, model);
    append_model_name(text, extended_max);
    format(text, "\nstepping\t: {}\ncpu MHz\t\t: {}.{03}\n", version.a & 15, khz / 1000, khz % 1000);
    if (extended_max >= 0x80000006) format(text, "cache size\t: {} KB\n", cpuid(0x80000006).c >> 16);
    // The scheduler treats every CPU as a core of its own in one package.
    format(text,
           "physical id\t: 0\nsiblings\t: {}\ncore id\t\t: {}\ncpu cores\t: {}\napicid\t\t: {}\ninitial apicid\t: {}\n",
           cpus, cpu, cpus, apic_id, apic_id);
    format(text, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: {}\nwp\t\t: yes\nflags\t\t: ", leaf_max);
    append_flags(text, leaf_max, extended_max);
    format(text, "\nbugs\t\t:\nbogomips\t: {}.{02}\nclflush size\t: {}\ncache_alignment\t: {}\n", khz * 2 / 1000,
           khz * 2 % 1000 / 10, line_bytes, line_bytes);
    // Page tables have four levels, whatever the processor could do.
    format(text, "address sizes\t: {} bits physical, 48 bits virtual\npower management:\n\n", address_bits & 255);
}

std::span<const InterruptKind> interrupt_kinds()
{
    static constexpr InterruptKind kinds[] = {
        {"LOC", "Local timer interrupts", machine::vector_timer},
        {"SPU", "Spurious interrupts", machine::vector_spurious},
        {"RES", "Rescheduling interrupts", machine::vector_reschedule},
        {"CAL", "Function call interrupts", machine::vector_call},
        {"TLB", "TLB shootdowns", machine::vector_tlb},
    };
    return kinds;
}

std::string_view clock_name() { return "tsc"; }
std::string_view timer_name() { return "lapic"; }
std::string_view interrupt_controller_name() { return "IO-APIC"; }

}  // namespace hal
}  // namespace takt
