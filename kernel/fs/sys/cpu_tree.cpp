// /sys/devices/system: CPUs and their topology, the one memory node, clocks.
#include <kernel/fs/proc/cpu_text.hpp>
#include <kernel/fs/proc/memory_files.hpp>
#include <kernel/fs/sys/indexed_directory.hpp>
#include <kernel/hal/description.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u64 cpu_numbers = 1ull << 33, node_numbers = 2ull << 33, event_numbers = 3ull << 33;

// --- Sets of CPUs

void append_list(TextSink& text, const CpuSet& cpus)
{
    append_cpu_list(text, cpus);
    text.append('\n');
}

void append_mask(TextSink& text, const CpuSet& cpus)
{
    append_cpu_mask(text, cpus, hal::kernel().scheduler.cpu_count());
    text.append('\n');
}

Result<void> show_online(MayBlock&, TextSink& text, u64)
{
    append_list(text, hal::kernel().scheduler.online());
    return {};
}

Result<void> show_online_mask(MayBlock&, TextSink& text, u64)
{
    append_mask(text, hal::kernel().scheduler.online());
    return {};
}

Result<void> show_own_list(MayBlock&, TextSink& text, u64 cpu)
{
    append_list(text, CpuSet::only(CpuId{static_cast<u32>(cpu)}));
    return {};
}

Result<void> show_own_mask(MayBlock&, TextSink& text, u64 cpu)
{
    append_mask(text, CpuSet::only(CpuId{static_cast<u32>(cpu)}));
    return {};
}

Result<void> show_none(MayBlock&, TextSink& text, u64)
{
    text.append('\n');
    return {};
}

Result<void> show_number(MayBlock&, TextSink& text, u64 number)
{
    format(text, "{}\n", number);
    return {};
}

Result<void> show_zero(MayBlock&, TextSink& text, u64)
{
    text.append("0\n");
    return {};
}

// --- cpuN: every CPU is a core of its own in the one package

struct CpuFile {
    std::string_view name;
    GenerateText show;
};
constexpr CpuFile topology_files[] = {
    {"core_id", show_number},
    {"physical_package_id", show_zero},
    {"die_id", show_zero},
    {"cluster_id", show_number},
    {"thread_siblings", show_own_mask},
    {"thread_siblings_list", show_own_list},
    {"core_cpus", show_own_mask},
    {"core_cpus_list", show_own_list},
    {"core_siblings", show_online_mask},
    {"core_siblings_list", show_online},
    {"package_cpus", show_online_mask},
    {"package_cpus_list", show_online},
    {"die_cpus", show_online_mask},
    {"die_cpus_list", show_online},
};
constexpr u64 topology_file_count = sizeof topology_files / sizeof topology_files[0];

class TopologyDirectory : public PseudoDirectory {
public:
    TopologyDirectory(FileSystem& file_system, u32 cpu, u64 number)
        : PseudoDirectory(file_system, 0555, number), cpu_(cpu)
    {
    }

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        for (u64 index = 0; index < topology_file_count; index++)
            if (topology_files[index].name == name)
                return Ref<Inode>(TRY(make_ref<FunctionFile>(context, file_system(), 0444u, topology_files[index].show,
                                                             nullptr, cpu_, number + index + 1)));
        return Errno::enoent;
    }
    bool next(MayBlock&, u64& cursor, DynamicEntry& entry) override
    {
        if (cursor >= topology_file_count) return false;
        entry.name.append(topology_files[cursor].name);
        entry.type = file_mode::regular;
        entry.inode_number = number + cursor + 1;
        cursor++;
        return true;
    }

private:
    const u32 cpu_;
};

class CpuDirectory : public PseudoDirectory {
public:
    CpuDirectory(FileSystem& file_system, u32 cpu, u64 number) : PseudoDirectory(file_system, 0555, number), cpu_(cpu)
    {
    }

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        if (name == "topology")
            return Ref<Inode>(TRY(make_ref<TopologyDirectory>(context, file_system(), cpu_, number + 2)));
        if (name == "node0") return SymbolicLink::create(context, file_system(), "../../node/node0");
        return Errno::enoent;
    }
    bool next(MayBlock&, u64& cursor, DynamicEntry& entry) override
    {
        if (cursor >= 2) return false;
        entry.name.append(cursor == 0 ? "topology" : "node0");
        entry.type = cursor == 0 ? file_mode::directory : file_mode::symlink;
        entry.inode_number = number + (cursor == 0 ? 2 : 1);
        cursor++;
        return true;
    }

private:
    const u32 cpu_;
};

Result<Ref<Inode>> make_cpu(MayBlock& context, FileSystem& file_system, u32 cpu, u64 number)
{
    return Ref<Inode>(TRY(make_ref<CpuDirectory>(context, file_system, cpu, number)));
}

// --- node0

Result<void> show_node_memory_file(MayBlock&, TextSink& text, u64)
{
    show_node_memory(text);
    return {};
}

Result<void> show_distance(MayBlock&, TextSink& text, u64)
{
    text.append("10\n");
    return {};
}

Result<Ref<Inode>> make_cpu_link(MayBlock& context, FileSystem& file_system, u32 cpu, u64)
{
    TextBuffer<32> target;
    format(target, "../../cpu/cpu{}", cpu);
    return SymbolicLink::create(context, file_system, target.view());
}

// --- Clocks

Result<void> show_clock(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\n", hal::clock_name());
    return {};
}

// The one that is there may be chosen.
Result<void> choose_clock(MayBlock&, std::string_view text, u64)
{
    return trim_newline(text) == hal::clock_name() ? Result<void>() : Errno::einval;
}

Result<void> show_available_clocks(MayBlock&, TextSink& text, u64)
{
    format(text, "{} \n", hal::clock_name());
    return {};
}

Result<void> show_timer(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\n", hal::timer_name());
    return {};
}

class ClockEventDirectory : public PseudoDirectory {
public:
    using PseudoDirectory::PseudoDirectory;
    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        if (name != "current_device") return Errno::enoent;
        return Ref<Inode>(
            TRY(make_ref<FunctionFile>(context, file_system(), 0444u, show_timer, nullptr, 0ull, number + 1)));
    }
    bool next(MayBlock&, u64& cursor, DynamicEntry& entry) override
    {
        if (cursor > 0) return false;
        entry.name.append("current_device");
        entry.type = file_mode::regular;
        entry.inode_number = number + 1;
        cursor++;
        return true;
    }
};

Result<Ref<Inode>> make_clock_event(MayBlock& context, FileSystem& file_system, u32, u64 number)
{
    return Ref<Inode>(TRY(make_ref<ClockEventDirectory>(context, file_system, 0555u, number)));
}

}  // namespace

Result<void> add_cpu_tree(MayBlock& context, PseudoTree& system)
{
    PseudoTree cpus =
        TRY(system.add_directory(context, "cpu",
                                 TRY(make_ref<IndexedDirectory>(context, system.file_system(), "cpu",
                                                                file_mode::directory, cpu_numbers, make_cpu))));
    TRY(cpus.add_file(context, "online", 0444, show_online));
    TRY(cpus.add_file(context, "possible", 0444, show_online));  // CPUs neither come nor go
    TRY(cpus.add_file(context, "present", 0444, show_online));
    TRY(cpus.add_file(context, "offline", 0444, show_none));
    TRY(cpus.add_file(context, "isolated", 0444, show_none));
    return cpus.add_file(context, "kernel_max", 0444, show_number, nullptr, cpu_count_max - 1);
}

Result<void> add_node_tree(MayBlock& context, PseudoTree& system)
{
    PseudoTree nodes = TRY(system.add_directory(context, "node"));
    for (const std::string_view name : {"online", "possible", "has_cpu", "has_memory", "has_normal_memory"})
        TRY(nodes.add_file(context, name, 0444, show_zero));
    PseudoTree node =
        TRY(nodes.add_directory(context, "node0",
                                TRY(make_ref<IndexedDirectory>(context, system.file_system(), "cpu", file_mode::symlink,
                                                               node_numbers, make_cpu_link))));
    TRY(node.add_file(context, "cpulist", 0444, show_online));
    TRY(node.add_file(context, "cpumap", 0444, show_online_mask));
    TRY(node.add_file(context, "distance", 0444, show_distance));
    return node.add_file(context, "meminfo", 0444, show_node_memory_file);
}

Result<void> add_clock_tree(MayBlock& context, PseudoTree& system)
{
    PseudoTree sources = TRY(system.add_directory(context, "clocksource"));
    PseudoTree source = TRY(sources.add_directory(context, "clocksource0"));
    TRY(source.add_file(context, "current_clocksource", 0644, show_clock, choose_clock));
    TRY(source.add_file(context, "available_clocksource", 0444, show_available_clocks));
    TRY(system.add_directory(context, "clockevents",
                             TRY(make_ref<IndexedDirectory>(context, system.file_system(), "clockevent",
                                                            file_mode::directory, event_numbers, make_clock_event))));
    return {};
}

}  // namespace takt
