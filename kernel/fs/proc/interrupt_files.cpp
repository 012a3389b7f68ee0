// /proc/interrupts, and /proc/irq: where a device's interrupt and its thread run
// (Documentation/core-api/irq/irq-affinity).
#include <kernel/fs/proc/cpu_text.hpp>
#include <kernel/fs/proc/system_files.hpp>
#include <kernel/hal/description.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

Result<void> show_interrupts(MayBlock&, TextSink& text, u64)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    const u32 cpus = scheduler.cpu_count();
    text.append("    ");
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        TextBuffer<16> name;
        format(name, "CPU{}", cpu);
        format(text, "       {-4}", name.view());
    }
    text.append('\n');
    for (u32 number = 0; number < InterruptTable::line_count_max; number++) {
        InterruptTable::Line* line = hal::kernel().interrupts.line(number);
        if (!line) continue;
        format(text, "{3}:", number);
        for (u32 cpu = 0; cpu < cpus; cpu++) format(text, " {10}", line->counts[cpu].load(Order::relaxed));
        format(text, "  {}  {2}-{-8} {}\n", hal::interrupt_controller_name(), number, line->level ? "fasteoi" : "edge",
               line->name);
    }
    for (const hal::InterruptKind& kind : hal::interrupt_kinds()) {
        format(text, "{3}:", kind.label);
        for (u32 cpu = 0; cpu < cpus; cpu++)
            format(text, " {10}", scheduler.cpu(CpuId{cpu}).interrupt_counts[kind.index]);
        format(text, "   {}\n", kind.description);
    }
    return {};
}

// --- /proc/irq/N

enum class Form : u8 { mask, list };

u64 argument_of(u32 line, Form form) { return u64{line} << 1 | static_cast<u64>(form); }
u32 line_of(u64 argument) { return static_cast<u32>(argument >> 1); }

void append_cpus(TextSink& text, const CpuSet& cpus, u64 argument)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    const CpuSet online = cpus & scheduler.online();
    if (argument & 1)
        append_cpu_list(text, online);
    else
        append_cpu_mask(text, online, scheduler.cpu_count());
    text.append('\n');
}

Result<void> show_affinity(MayBlock&, TextSink& text, u64 argument)
{
    append_cpus(text, hal::kernel().interrupts.line(line_of(argument))->affinity, argument);
    return {};
}

Result<void> set_affinity(MayBlock& context, std::string_view text, u64 argument)
{
    text = trim_newline(text);
    const CpuSet cpus = argument & 1 ? TRY(parse_cpu_list(text)) : TRY(parse_cpu_mask(text));
    return hal::kernel().interrupts.set_affinity(context, line_of(argument), cpus);
}

// The interrupt itself goes to one CPU of the set, its thread may run on all.
Result<void> show_effective(MayBlock&, TextSink& text, u64 argument)
{
    const CpuSet cpus = hal::kernel().interrupts.line(line_of(argument))->affinity & hal::kernel().scheduler.online();
    const int first = cpus.next(0);
    append_cpus(text, CpuSet::only(CpuId{first < 0 ? 0 : static_cast<u32>(first)}), argument);
    return {};
}

Result<void> show_counts(MayBlock&, TextSink& text, u64 argument)
{
    InterruptTable::Line* line = hal::kernel().interrupts.line(line_of(argument));
    u64 total = 0;
    for (u32 cpu = 0; cpu < hal::kernel().scheduler.cpu_count(); cpu++) total += line->counts[cpu].load(Order::relaxed);
    format(text, "count {}\nunhandled 0\nlast_unhandled 0 ms\n", total);
    return {};
}

struct LineFile {
    std::string_view name;
    u32 permissions;
    GenerateText show;
    WriteText set;
    Form form;
};
constexpr LineFile line_files[] = {
    {"smp_affinity", 0644, show_affinity, set_affinity, Form::mask},
    {"smp_affinity_list", 0644, show_affinity, set_affinity, Form::list},
    {"effective_affinity", 0444, show_effective, nullptr, Form::mask},
    {"effective_affinity_list", 0444, show_effective, nullptr, Form::list},
    {"spurious", 0444, show_counts, nullptr, Form::mask},
};
constexpr u64 line_file_count = sizeof line_files / sizeof line_files[0];
constexpr u64 number_base = 1ull << 35;

// /proc/irq/N: its files, and a directory with the device's name.
class LineDirectory : public PseudoDirectory {
public:
    LineDirectory(FileSystem& file_system, u32 line)
        : PseudoDirectory(file_system, 0555, number_base + line * 16), line_(line)
    {
    }

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        for (u64 index = 0; index < line_file_count; index++) {
            const LineFile& file = line_files[index];
            if (file.name != name) continue;
            return Ref<Inode>(TRY(make_ref<FunctionFile>(context, file_system(), file.permissions, file.show, file.set,
                                                         argument_of(line_, file.form), number + index + 1)));
        }
        if (name != hal::kernel().interrupts.line(line_)->name) return Errno::enoent;
        return Ref<Inode>(TRY(make_ref<PseudoDirectory>(context, file_system(), 0555, number + line_file_count + 1)));
    }
    bool next(MayBlock&, u64& cursor, DynamicEntry& entry) override
    {
        if (cursor > line_file_count) return false;
        const bool device = cursor == line_file_count;
        entry.name.append(device ? std::string_view(hal::kernel().interrupts.line(line_)->name)
                                 : line_files[cursor].name);
        entry.type = device ? file_mode::directory : file_mode::regular;
        entry.inode_number = number + cursor + 1;
        cursor++;
        return true;
    }

private:
    const u32 line_;
};

class LinesDirectory : public PseudoDirectory {
public:
    using PseudoDirectory::PseudoDirectory;

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        u64 line = 0;
        const bool canonical =
            !name.empty() && name[0] >= '0' && name[0] <= '9' && (name.size() == 1 || name[0] != '0');
        if (!canonical || !parse_number(name, line) || line >= InterruptTable::line_count_max ||
            !hal::kernel().interrupts.line(static_cast<u32>(line)))
            return Errno::enoent;
        return Ref<Inode>(TRY(make_ref<LineDirectory>(context, file_system(), static_cast<u32>(line))));
    }
    bool next(MayBlock&, u64& cursor, DynamicEntry& entry) override
    {
        while (cursor < InterruptTable::line_count_max && !hal::kernel().interrupts.line(static_cast<u32>(cursor)))
            cursor++;
        if (cursor >= InterruptTable::line_count_max) return false;
        format(entry.name, "{}", cursor);
        entry.type = file_mode::directory;
        entry.inode_number = number_base + cursor * 16;
        cursor++;
        return true;
    }
};

Result<void> show_default_affinity(MayBlock&, TextSink& text, u64)
{
    append_cpus(text, CpuSet::all(cpu_count_max), 0);
    return {};
}

}  // namespace

Result<void> add_interrupt_files(MayBlock& context, PseudoTree& root)
{
    TRY(root.add_file(context, "interrupts", 0444, show_interrupts));
    PseudoTree lines =
        TRY(root.add_directory(context, "irq", TRY(make_ref<LinesDirectory>(context, root.file_system(), 0555u))));
    return lines.add_file(context, "default_smp_affinity", 0444, show_default_affinity);
}

}  // namespace takt
