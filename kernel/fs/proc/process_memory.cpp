// /proc/PID/{cmdline,environ,auxv,maps,smaps_rollup,mem}
#include <algorithm>
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>

namespace takt {

namespace {

constexpr u64 text_bytes_max = 128 * 1024 * 16;  // arguments and environment together are no longer

// Appends [start, end) of another process's memory; stops at a page that is not there.
usize append_memory(MayBlock& context, TextSink& text, AddressSpace& space, u64 start, u64 end)
{
    char chunk[256];
    usize done = 0;
    end = std::min(end, start + text_bytes_max);
    while (start < end) {  // bound: text_bytes_max
        const usize wanted = std::min<u64>(sizeof chunk, end - start);
        const usize got = space.access(context, start, chunk, wanted, false, true);
        text.append(std::string_view(chunk, got));
        done += got;
        start += got;
        if (got < wanted) break;
    }
    return done;
}

bool load_word(MayBlock& context, AddressSpace& space, u64 address, u64& word)
{
    return space.access(context, address, &word, sizeof word, false, true) == sizeof word;
}

}  // namespace

Result<void> show_process_command_line(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    if (!space) return {};
    const AddressSpace::Layout& layout = space->layout;
    if (layout.argument_start >= layout.argument_end) return {};
    const usize length = append_memory(context, text, *space, layout.argument_start, layout.argument_end);
    // setproctitle(3): a program that overwrote its last NUL goes on in its environment, up to the first NUL.
    if (length == 0 || text.view().back() == 0 || layout.environment_start != layout.argument_end) return {};
    for (u64 address = layout.environment_start; address < layout.environment_end;
         address++) {  // bound: the environment
        char character = 0;
        if (space->access(context, address, &character, 1, false, true) != 1 || character == 0) break;
        text.append(character);
    }
    text.append('\0');
    return {};
}

Result<void> show_process_environment(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    TRY(check_may_inspect(context, subject));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    if (!space || space->layout.environment_start >= space->layout.environment_end) return {};
    append_memory(context, text, *space, space->layout.environment_start, space->layout.environment_end);
    return {};
}

// It lies on the stack, behind the pointers to arguments and environment.
Result<void> show_process_auxiliary_vector(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    TRY(check_may_inspect(context, subject));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    u64 count = 0;
    if (!space || !load_word(context, *space, space->layout.stack_start, count) || count > text_bytes_max) return {};
    u64 address = space->layout.stack_start + (count + 2) * sizeof(u64);
    for (u64 pointer = 1, seen = 0; pointer != 0 && seen < text_bytes_max; seen++, address += sizeof(u64))
        if (!load_word(context, *space, address, pointer)) return {};
    for (unsigned entry = 0; entry < 64; entry++, address += 2 * sizeof(u64)) {
        u64 pair[2];
        if (!load_word(context, *space, address, pair[0]) || !load_word(context, *space, address + 8, pair[1]))
            return {};
        text.append(std::string_view(reinterpret_cast<const char*>(pair), sizeof pair));
        if (pair[0] == 0) break;
    }
    return {};
}

namespace {

void show_range(TextSink& text, const AreaInfo& area, u64 device, u64 inode)
{
    format(text, "{08x}-{08x} {}{}{}{} {08x} {02x}:{02x} {} ", area.start, area.end,
           area.protection & protection::read ? 'r' : '-', area.protection & protection::write ? 'w' : '-',
           area.protection & protection::execute ? 'x' : '-', area.shared ? 's' : 'p', area.offset,
           device_major(device), device_minor(device), inode);
}

std::string_view special_name(const AreaInfo& area, const AddressSpace::Layout& layout)
{
    if (area.label) return area.label;
    if (area.object) return {};
    if (layout.break_start != 0 && area.start <= layout.break_start && layout.break_start < area.end) return "[heap]";
    if (area.start <= layout.stack_start && layout.stack_start < area.end) return "[stack]";
    return {};
}

}  // namespace

Result<void> show_process_maps(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    TRY(check_may_inspect(context, subject));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    if (!space) return {};
    space->each_area(context, [&](const AreaInfo& area) {
        const u64 device = area.object && !area.label ? area.object->device_number() : 0;
        const u64 inode = area.object && !area.label ? area.object->inode_number() : 0;
        const usize before = text.length();
        show_range(text, area, device, inode);
        TextBuffer<512> name;
        name.append(special_name(area, space->layout));
        if (name.length() == 0 && area.object) area.object->describe(context, name);
        if (name.length() > 0) {
            while (text.length() - before < 73) text.append(' ');
            for (const char character : name.view())
                if (character == '\n')
                    text.append("\\012");
                else
                    text.append(character);
        }
        text.append('\n');
        return !text.truncated();
    });
    return {};
}

Result<void> show_process_smaps_rollup(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    TRY(check_may_inspect(context, subject));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    if (!space) return Errno::esrch;
    const MemoryUse use = space->use(context);
    u64 first = 0;
    u64 end = 0;
    space->each_area(context, [&](const AreaInfo& area) {
        if (end == 0) first = area.start;
        end = area.end;
        return true;
    });
    format(text, "{08x}-{08x} ---p 00000000 00:00 0 ", first, end);
    while (text.length() < 73) text.append(' ');
    text.append("[rollup]\n");
    const auto line = [&text](std::string_view name, u64 pages) {
        TextBuffer<24> label;
        format(label, "{}:", name);
        format(text, "{-15} {8} kB\n", label.view(), pages * 4);
    };
    const u64 anonymous = use.resident_pages - use.shared_pages;
    line("Rss", use.resident_pages);
    line("Anonymous", anonymous);
    line("Swap", 0);
    line("SwapPss", 0);
    line("Locked", use.locked_pages);
    return {};
}

// --- mem

namespace {

class ProcessMemoryFile : public File {
public:
    ProcessMemoryFile(u32 flags, Ref<AddressSpace> space) : File(flags), space_(std::move(space)) {}
    bool seekable() const override { return true; }
    bool pollable() const override { return false; }
    // Any position: addresses are not offsets in something with an end.
    Result<u64> seek(MayBlock&, i64 offset, Whence whence, u64 present) override
    {
        if (whence == Whence::set) return static_cast<u64>(offset);
        if (whence == Whence::current) return present + static_cast<u64>(offset);
        return Errno::einval;
    }
    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;

private:
    const Ref<AddressSpace> space_;  // null: there was none
};

Result<usize> ProcessMemoryFile::read(MayBlock& context, IoBuffer& into, u64 position)
{
    if (!space_) return usize{0};
    char chunk[512];
    usize done = 0;
    while (into.remaining() > 0) {  // bound: the caller's buffer
        const usize wanted = std::min(sizeof chunk, into.remaining());
        const usize got = space_->access(context, position + done, chunk, wanted, false, true);
        if (got == 0) return done > 0 ? Result<usize>(done) : Errno::eio;
        const Result<usize> put = into.put(context, chunk, got);
        if (!put.ok()) return done > 0 ? Result<usize>(done) : put.error();
        done += put.value();
        if (put.value() < wanted) break;
    }
    return done;
}

Result<usize> ProcessMemoryFile::write(MayBlock& context, IoBuffer& from, u64 position)
{
    if (!space_) return usize{0};
    char chunk[512];
    usize done = 0;
    while (from.remaining() > 0) {  // bound: the caller's buffer
        const Result<usize> taken = from.take(context, chunk, std::min(sizeof chunk, from.remaining()));
        if (!taken.ok()) return done > 0 ? Result<usize>(done) : taken.error();
        const usize written = space_->access(context, position + done, chunk, taken.value(), true, true);
        done += written;
        if (written < taken.value()) {
            from.step_back(taken.value() - written);
            return done > 0 ? Result<usize>(done) : Errno::eio;
        }
    }
    return done;
}

class ProcessMemoryNode : public Inode {
public:
    ProcessMemoryNode(FileSystem& file_system, u64 number, ProcOwner owner, ProcSubject subject)
        : Inode(file_system, file_mode::regular | 0600, number, owner.user, owner.group), subject_(std::move(subject))
    {
    }
    Result<Ref<File>> open(MayBlock& context, const Path&, u32 flags) override
    {
        TRY(check_may_inspect(context, subject_));
        return Ref<File>(TRY(make_ref<ProcessMemoryFile>(context, flags, address_space_of(context, subject_))));
    }
    Result<void> truncate(MayBlock&, u64) override { return {}; }

private:
    const ProcSubject subject_;
};

}  // namespace

Result<Ref<Inode>> make_process_memory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                       u64 number)
{
    return Ref<Inode>(
        TRY(make_ref<ProcessMemoryNode>(context, file_system, number, owner_of(context, subject), subject)));
}

}  // namespace takt
