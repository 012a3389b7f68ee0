#include <kernel/fs/proc/cpu_text.hpp>

namespace takt {

void append_cpu_list(TextSink& text, const CpuSet& cpus)
{
    bool first = true;
    for (int start = cpus.next(0); start >= 0;) {  // bound: CPUs
        u32 end = static_cast<u32>(start);
        while (end + 1 < cpu_count_max && cpus.test(end + 1)) end++;
        if (!first) text.append(',');
        first = false;
        format(text, "{}", start);
        if (end > static_cast<u32>(start)) format(text, "-{}", end);
        start = end + 1 < cpu_count_max ? cpus.next(end + 1) : -1;
    }
}

void append_cpu_mask(TextSink& text, const CpuSet& cpus, u32 count)
{
    const u32 groups = (count + 31) / 32;
    for (u32 group = groups; group-- > 0;) {
        const u32 bits = static_cast<u32>(cpus.word(group / 2) >> (group % 2 * 32));
        const u32 cpus_here = group + 1 == groups ? count - group * 32 : 32;
        const u32 digits = (cpus_here + 3) / 4;
        for (u32 digit = digits; digit-- > 0;) text.append("0123456789abcdef"[bits >> digit * 4 & 15]);
        if (group > 0) text.append(',');
    }
}

namespace {

bool take_number(std::string_view& text, u64& number)
{
    usize digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') digits++;
    if (digits == 0 || digits > 9 || !parse_number(text.substr(0, digits), number)) return false;
    text.remove_prefix(digits);
    return true;
}

}  // namespace

Result<CpuSet> parse_cpu_list(std::string_view text)
{
    CpuSet cpus;
    while (!text.empty()) {  // bound: the text
        u64 first = 0;
        if (!take_number(text, first)) return Errno::einval;
        u64 last = first;
        if (text.starts_with('-')) {
            text.remove_prefix(1);
            if (!take_number(text, last) || last < first) return Errno::einval;
        }
        if (last >= cpu_count_max) return Errno::eoverflow;
        for (u64 cpu = first; cpu <= last; cpu++) cpus.set(cpu);
        if (text.empty()) break;
        if (text[0] != ',') return Errno::einval;
        text.remove_prefix(1);
    }
    return cpus;
}

Result<CpuSet> parse_cpu_mask(std::string_view text)
{
    if (text.empty()) return Errno::einval;
    CpuSet cpus;
    u32 bit = 0;
    u32 digits_in_group = 0;
    for (usize index = text.size(); index-- > 0;) {
        const char character = text[index];
        if (character == ',') {
            if (digits_in_group == 0) return Errno::einval;
            bit += (8 - digits_in_group) * 4;
            digits_in_group = 0;
            continue;
        }
        const u32 digit = character >= '0' && character <= '9'   ? static_cast<u32>(character - '0')
                          : character >= 'a' && character <= 'f' ? static_cast<u32>(character - 'a' + 10)
                          : character >= 'A' && character <= 'F' ? static_cast<u32>(character - 'A' + 10)
                                                                 : 16;
        if (digit == 16 || ++digits_in_group > 8) return Errno::einval;
        for (u32 place = 0; place < 4; place++) {
            if (!(digit >> place & 1)) continue;
            if (bit + place >= cpu_count_max) return Errno::eoverflow;
            cpus.set(bit + place);
        }
        bit += 4;
    }
    return cpus;
}

}  // namespace takt
