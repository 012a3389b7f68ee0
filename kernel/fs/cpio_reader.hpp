// CpioReader: takes newc archives in pieces of any size and makes their entries in the root file system.
#pragma once

#include <kernel/fs/dentry.hpp>
#include <kernel/fs/inflate.hpp>
#include <kernel/fs/tmpfs_file.hpp>
#include <kernel/mm/vector.hpp>

namespace takt {

class CpioReader final : public InflateSink, public HeapObject {
public:
    explicit CpioReader(Path root) : root_(std::move(root)) {}

    // Consumes bytes until they are used up, or until something that is no archive follows one; returns how many. With
    // `in_place` they are page frames of the initramfs that files may take over. Errors: einval (damaged), enomem.
    Result<usize> feed(MayBlock& context, std::span<const u8> bytes, bool in_place);
    // Decompressed bytes; what is no archive is einval.
    Result<void> take(MayBlock& context, std::span<const u8> bytes) override;

    // A new stream: offsets count from here.
    void begin_stream();
    // Between archives, not inside of one.
    bool complete() const { return state_ == State::gap; }
    // Directories get their times last, when nothing is made in them any more.
    void finish();
    u32 entries() const { return entries_; }

private:
    enum class State : u8 { gap, header, name, data };
    static constexpr usize header_size = 110;

    struct Header {
        u32 inode, mode, user, group, links, modify_time, size, device_major, device_minor, special_major,
            special_minor, name_size;
    };
    struct LinkedFile {
        u32 inode, device_major, device_minor;
        Ref<Inode> file;
    };
    struct DirectoryTime {
        Ref<Inode> directory;
        i64 modify_time;
    };

    Result<void> header_done();
    Result<void> name_done(MayBlock& context);
    Result<void> data_piece(MayBlock& context, std::span<const u8> bytes, bool in_place);
    Result<void> data_done(MayBlock& context);
    Result<void> make_entry(MayBlock& context, std::string_view name);
    Result<void> find_parent(MayBlock& context, std::string_view directory);
    Result<Ref<Inode>> make_inode(MayBlock& context, const EntryName& name, std::string_view target);
    Result<bool> link_to_earlier(MayBlock& context, const EntryName& name);
    Result<void> replace_existing(MayBlock& context, const EntryName& name, Ref<Inode>& kept);
    void set_attributes(Inode& inode);
    u64 pad() const { return -offset_ & 3; }

    Path root_;
    State state_ = State::gap;
    Header header_{};
    u64 offset_ = 0;  // in the stream
    u64 wanted_ = 0;  // bytes of the present part, with its padding
    u64 gathered_ = 0;
    u32 entries_ = 0;
    char header_text_[header_size];
    char name_[path_length_max];
    char target_[path_length_max];  // of a symbolic link
    char parent_name_[path_length_max];
    usize parent_length_ = ~usize{0};  // of parent_name_; ~0: nothing cached
    Ref<Dentry> parent_;
    Ref<Inode> file_;      // whose data comes
    EntryName link_name_;  // a symbolic link whose target comes
    Vector<LinkedFile> linked_;
    Vector<DirectoryTime> times_;
};

}  // namespace takt
