// /proc/{meminfo,vmstat}
#include <kernel/fs/proc/memory_files.hpp>
#include <kernel/fs/proc/system_files.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u64 kilobytes(u64 pages) { return pages * (page_size / 1024); }

u64 saturating_difference(u64 left, u64 right) { return left > right ? left - right : 0; }

// The label with its colon is padded to 16 columns, the number to 8 behind it.
void line(TextSink& text, std::string_view name, u64 pages)
{
    TextBuffer<32> label;
    format(label, "{}:", name);
    format(text, "{-16}{8} kB\n", label.view(), kilobytes(pages));
}

Result<void> show_memory(MayBlock&, TextSink& text, u64)
{
    const MemoryTotals totals = hal::kernel().frames.totals();
    const u64 anonymous = totals.of(FrameUse::anonymous);
    const u64 objects = totals.of(FrameUse::object);
    const u64 slab = totals.of(FrameUse::slab);
    line(text, "MemTotal", totals.total);
    line(text, "MemFree", totals.free);
    line(text, "MemAvailable", saturating_difference(totals.free, totals.reserve));
    line(text, "Buffers", 0);
    line(text, "Cached", objects);  // all files are in memory, and only there
    line(text, "SwapCached", 0);
    line(text, "Active", anonymous + objects);
    line(text, "Inactive", 0);
    line(text, "Active(anon)", anonymous + objects);
    line(text, "Inactive(anon)", 0);
    line(text, "Active(file)", 0);
    line(text, "Inactive(file)", 0);
    line(text, "Unevictable", totals.locked);
    line(text, "Mlocked", totals.locked);
    line(text, "SwapTotal", 0);
    line(text, "SwapFree", 0);
    line(text, "Dirty", 0);
    line(text, "Writeback", 0);
    line(text, "AnonPages", anonymous);
    line(text, "Mapped", objects);
    line(text, "Shmem", objects);
    line(text, "KReclaimable", 0);
    line(text, "Slab", slab);
    line(text, "SReclaimable", 0);
    line(text, "SUnreclaim", slab);
    line(text, "KernelStack", totals.of(FrameUse::kernel_stack));
    line(text, "PageTables", totals.of(FrameUse::page_table));
    line(text, "NFS_Unstable", 0);
    line(text, "Bounce", 0);
    line(text, "WritebackTmp", 0);
    line(text, "CommitLimit", totals.total / 2);
    line(text, "Committed_AS", totals.committed);
    line(text, "VmallocTotal", 0);
    line(text, "VmallocUsed", totals.of(FrameUse::kernel));
    line(text, "VmallocChunk", 0);
    line(text, "Percpu", 0);
    text.append(
        "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n");
    text.append("Hugepagesize:       2048 kB\nHugetlb:               0 kB\n");
    return {};
}

Result<void> show_statistics(MayBlock&, TextSink& text, u64)
{
    const MemoryTotals totals = hal::kernel().frames.totals();
    const auto row = [&text](std::string_view name, u64 value) { format(text, "{} {}\n", name, value); };
    row("nr_free_pages", totals.free);
    row("nr_zone_active_anon", totals.of(FrameUse::anonymous) + totals.of(FrameUse::object));
    row("nr_mlock", totals.locked);
    row("nr_slab_unreclaimable", totals.of(FrameUse::slab));
    row("nr_anon_pages", totals.of(FrameUse::anonymous));
    row("nr_mapped", totals.of(FrameUse::object));
    row("nr_file_pages", totals.of(FrameUse::object));
    row("nr_dirty", 0);
    row("nr_writeback", 0);
    row("nr_shmem", totals.of(FrameUse::object));
    row("nr_page_table_pages", totals.of(FrameUse::page_table));
    row("nr_kernel_stack", kilobytes(totals.of(FrameUse::kernel_stack)));
    row("pgpgin", 0);
    row("pgpgout", 0);
    row("pswpin", 0);
    row("pswpout", 0);
    return {};
}

}  // namespace

void show_node_memory(TextSink& text)
{
    const MemoryTotals totals = hal::kernel().frames.totals();
    const auto row = [&text](std::string_view name, u64 pages) {
        TextBuffer<32> label;
        format(label, "{}:", name);
        format(text, "Node 0 {-16}{8} kB\n", label.view(), kilobytes(pages));
    };
    row("MemTotal", totals.total);
    row("MemFree", totals.free);
    row("MemUsed", saturating_difference(totals.total, totals.free));
    row("AnonPages", totals.of(FrameUse::anonymous));
    row("Shmem", totals.of(FrameUse::object));
    row("FilePages", totals.of(FrameUse::object));
    row("KernelStack", totals.of(FrameUse::kernel_stack));
    row("PageTables", totals.of(FrameUse::page_table));
    row("Slab", totals.of(FrameUse::slab));
}

Result<void> add_memory_files(MayBlock& context, PseudoTree& root)
{
    TRY(root.add_file(context, "meminfo", 0444, show_memory));
    return root.add_file(context, "vmstat", 0444, show_statistics);
}

}  // namespace takt
