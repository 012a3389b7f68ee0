#include <kernel/fs/cpio_reader.hpp>

#include <algorithm>
#include <kernel/fs/path_lookup.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <kernel/trace/log.hpp>

namespace takt {

namespace {

// Eight hexadecimal digits.
bool parse_field(const char* text, u32& value)
{
    value = 0;
    for (int index = 0; index < 8; index++) {
        char character = text[index];
        u32 digit = static_cast<u32>(character - '0');
        if (digit > 9) {
            digit = static_cast<u32>((character | 0x20) - 'a') + 10;
            if (digit < 10 || digit > 15) return false;
        }
        value = value << 4 | digit;
    }
    return true;
}

constexpr std::string_view trailer = "TRAILER!!!";

}  // namespace

void CpioReader::begin_stream()
{
    offset_ = 0;
    state_ = State::gap;
}

Result<void> CpioReader::take(MayBlock& context, std::span<const u8> bytes)
{
    if (TRY(feed(context, bytes, false)) != bytes.size()) return Errno::einval;
    return {};
}

Result<usize> CpioReader::feed(MayBlock& context, std::span<const u8> bytes, bool in_place)
{
    usize at = 0;
    while (at < bytes.size()) {  // bound: the bytes
        if (state_ == State::gap) {
            if (bytes[at] == 0) {
                at++;
                offset_++;
                continue;
            }
            if (bytes[at] != '0' || pad() != 0) return at;
            state_ = State::header;
            wanted_ = header_size;
            gathered_ = 0;
        }
        usize piece = std::min<u64>(bytes.size() - at, wanted_ - gathered_);
        std::span<const u8> part = bytes.subspan(at, piece);
        if (state_ == State::header)
            std::copy(part.begin(), part.end(), header_text_ + gathered_);
        else if (state_ == State::name && gathered_ < header_.name_size)
            std::copy_n(part.begin(), std::min<u64>(piece, header_.name_size - gathered_), name_ + gathered_);
        else if (state_ == State::data)
            TRY(data_piece(context, part, in_place));
        at += piece;
        offset_ += piece;
        gathered_ += piece;
        if (gathered_ < wanted_) break;
        switch (state_) {
        case State::header:
            TRY(header_done());
            break;
        case State::name:
            TRY(name_done(context));
            break;
        case State::data:
            TRY(data_done(context));
            break;
        case State::gap:
            break;
        }
    }
    return at;
}

Result<void> CpioReader::header_done()
{
    std::string_view magic(header_text_, 6);
    if (magic != "070701" && magic != "070702") return Errno::einval;
    u32* const fields[] = {&header_.inode,        &header_.mode,          &header_.user,          &header_.group,
                           &header_.links,        &header_.modify_time,   &header_.size,          &header_.device_major,
                           &header_.device_minor, &header_.special_major, &header_.special_minor, &header_.name_size};
    for (usize index = 0; index < std::size(fields); index++)
        if (!parse_field(header_text_ + 6 + index * 8, *fields[index])) return Errno::einval;
    if (header_.name_size == 0 || header_.name_size > path_length_max) return Errno::einval;
    state_ = State::name;
    gathered_ = 0;
    wanted_ = header_.name_size + (-(offset_ + header_.name_size) & 3);
    return {};
}

Result<void> CpioReader::name_done(MayBlock& context)
{
    name_[header_.name_size - 1] = 0;
    std::string_view name(name_);
    file_ = {};
    link_name_ = {};
    if (name == trailer) {
        linked_.clear();
        state_ = State::gap;
        return {};
    }
    Result<void> made = make_entry(context, name);
    // An entry that can't be made is left out, as on Linux; only lack of memory is the end.
    if (!made.ok()) {
        if (made.error() == Errno::enomem) return made;
        log(LogLevel::warning, "initramfs: {}: error {}", name, static_cast<i32>(made.error()));
    }
    entries_++;
    state_ = State::data;
    gathered_ = 0;
    wanted_ = header_.size + (-(offset_ + header_.size) & 3);
    if (wanted_ == 0) return data_done(context);
    return {};
}

// The names around: "." and slashes at the ends don't count.
Result<void> CpioReader::make_entry(MayBlock& context, std::string_view name)
{
    while (name.starts_with('/')) name.remove_prefix(1);
    while (name.starts_with("./")) name.remove_prefix(2);
    while (name.ends_with('/')) name.remove_suffix(1);
    if (name.empty() || name == ".") {
        if ((header_.mode & file_mode::type_mask) == file_mode::directory) set_attributes(root_.dentry->inode());
        return {};
    }
    usize slash = name.rfind('/');
    TRY(find_parent(context, slash == std::string_view::npos ? std::string_view() : name.substr(0, slash)));
    EntryName last(slash == std::string_view::npos ? name : name.substr(slash + 1));
    if (last.text == "." || last.text == ".." || last.text.size() > name_length_max) return Errno::einval;
    u32 type = header_.mode & file_mode::type_mask;
    if (type == file_mode::symlink) {
        // Made when its target, which is the data, has come.
        if (header_.size == 0 || header_.size >= sizeof target_) return Errno::einval;
        link_name_ = last;
        return {};
    }
    if (type != file_mode::directory && header_.links >= 2 && TRY(link_to_earlier(context, last))) return {};
    Ref<Inode> inode;
    TRY(replace_existing(context, last, inode));
    if (!inode) inode = TRY(make_inode(context, last, {}));
    if (type == file_mode::regular) file_ = inode;
    if (type != file_mode::directory && header_.links >= 2)
        TRY(linked_.push_back(context, {header_.inode, header_.device_major, header_.device_minor, inode}));
    set_attributes(*inode);
    if (type == file_mode::directory) TRY(times_.push_back(context, {inode, inode->modify_time()}));
    return {};
}

// The directory of the entry before is mostly that of this one.
Result<void> CpioReader::find_parent(MayBlock& context, std::string_view directory)
{
    if (parent_ && directory == std::string_view(parent_name_, parent_length_)) return {};
    parent_ = {};
    Ref<Dentry> found = root_.dentry;
    if (!directory.empty()) {
        PathWalker walker(context);
        TRY(walker.start_at(root_, directory));
        LinkTarget target;
        TRY(walker.finish(true, target));
        found = target.path.dentry;
    }
    if (!found->inode().as_directory()) return Errno::enotdir;
    parent_ = std::move(found);
    std::copy(directory.begin(), directory.end(), parent_name_);
    parent_length_ = directory.size();
    return {};
}

Result<Ref<Inode>> CpioReader::make_inode(MayBlock& context, const EntryName& name, std::string_view target)
{
    NewNode node{.mode = header_.mode,
                 .user = header_.user,
                 .group = header_.group,
                 .device = make_device(header_.special_major, header_.special_minor),
                 .target = target};
    Ref<Dentry> made = TRY(parent_->inode().as_directory()->create(context, *parent_, name, node));
    return Ref<Inode>::share(made->inode());
}

Result<bool> CpioReader::link_to_earlier(MayBlock& context, const EntryName& name)
{
    for (usize index = linked_.size(); index-- > 0;) {  // bound: linked files of the archive
        LinkedFile& earlier = linked_[index];
        if (earlier.inode != header_.inode || earlier.device_major != header_.device_major ||
            earlier.device_minor != header_.device_minor)
            continue;
        Ref<Inode> there;
        TRY(replace_existing(context, name, there));
        if (!there) TRY(parent_->inode().as_directory()->add_link_to(context, *parent_, name, earlier.file));
        // The data comes with the first or with the last of the names.
        if (earlier.file->is_regular() && header_.size != 0) file_ = earlier.file;
        set_attributes(*earlier.file);
        return true;
    }
    return false;
}

// A later entry wins: a directory stays a directory, anything else is replaced.
Result<void> CpioReader::replace_existing(MayBlock& context, const EntryName& name, Ref<Inode>& kept)
{
    Directory& directory = *parent_->inode().as_directory();
    Result<Ref<Dentry>> found = directory.lookup(context, *parent_, name);
    if (!found.ok()) return found.error() == Errno::enoent ? Result<void>() : found.error();
    Ref<Dentry> entry = std::move(found).value();
    bool is_directory = (header_.mode & file_mode::type_mask) == file_mode::directory;
    if (is_directory && entry->inode().is_directory()) {
        kept = Ref<Inode>::share(entry->inode());
        return {};
    }
    return directory.remove(context, *parent_, *entry);
}

void CpioReader::set_attributes(Inode& inode)
{
    inode.set_permissions(header_.mode & file_mode::permissions);
    inode.set_owner(header_.user, header_.group);
    i64 time = static_cast<i64>(header_.modify_time) * ns_per_s;
    inode.set_modify_time(time);
    inode.set_access_time(time);
}

Result<void> CpioReader::data_piece(MayBlock& context, std::span<const u8> bytes, bool in_place)
{
    if (gathered_ >= header_.size) return {};
    u64 position = gathered_;
    bytes = bytes.first(std::min<u64>(bytes.size(), header_.size - position));
    if (!link_name_.text.empty()) {
        std::copy(bytes.begin(), bytes.end(), target_ + position);
        return {};
    }
    if (!file_) return {};
    auto& file = static_cast<TmpfsFile&>(*file_);
    if (position == 0 && file.size() != 0) TRY(file.truncate(context, 0));
    // Whole pages of the file that are whole frames of the archive change hands.
    if (in_place && position == 0 && reinterpret_cast<uptr>(bytes.data()) % page_size == 0) {
        u64 pages = bytes.size() / page_size;
        for (u64 index = 0; index < pages; index++) {
            FrameNumber frame{hal::physical_of(bytes.data() + index * page_size) >> page_shift};
            TRY(file.adopt_page(context, index, hal::kernel().frames.adopt_initramfs(frame)));
        }
        position = pages * page_size;
        file.set_first_size(position);
        bytes = bytes.subspan(position);
    }
    IoBuffer from(const_cast<u8*>(bytes.data()), bytes.size());
    if (TRY(file.write(context, from, position, false)) != bytes.size()) return Errno::enospc;
    return {};
}

Result<void> CpioReader::data_done(MayBlock& context)
{
    state_ = State::header;
    wanted_ = header_size;
    gathered_ = 0;
    if (!link_name_.text.empty()) {
        Ref<Inode> there;
        TRY(replace_existing(context, link_name_, there));
        Ref<Inode> link = TRY(make_inode(context, link_name_, {target_, header_.size}));
        set_attributes(*link);
        link_name_ = {};
    } else if (file_) {
        set_attributes(*file_);  // writing changed the time
    }
    file_ = {};
    return {};
}

void CpioReader::finish()
{
    for (DirectoryTime& time : times_) time.directory->set_modify_time(time.modify_time);
    times_.clear();
}

}  // namespace takt
