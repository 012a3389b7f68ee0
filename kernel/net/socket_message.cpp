#include <kernel/fs/file_table.hpp>
#include <kernel/net/socket_message.hpp>
#include <kernel/process/process.hpp>

namespace takt {

Result<SocketAddress> load_address(MayBlock& context, UserAddress from, i32 length)
{
    SocketAddress address;
    if (length < 0 || static_cast<usize>(length) > SocketAddress::length_max) return Errno::einval;
    TRY(copy_from_user(context, address.bytes, from, static_cast<usize>(length)));
    address.length = static_cast<usize>(length);
    return address;
}

Result<void> store_address(MayBlock& context, const SocketAddress& address, UserAddress target, UserPointer<i32> length)
{
    i32 room = TRY(length.load(context));
    if (room < 0) return Errno::einval;
    usize stored = static_cast<usize>(room) < address.length ? static_cast<usize>(room) : address.length;
    TRY(copy_to_user(context, target, address.bytes, stored));
    return length.store(context, static_cast<i32>(address.length));
}

Result<void> MessageSegments::load(MayBlock& context, UserPointer<abi::Iovec> vectors, u64 count)
{
    if (count > count_max) return Errno::emsgsize;
    if (count > inline_count) {
        heap_ = static_cast<IoSegment*>(allocate(context, count * sizeof(IoSegment)));
        if (!heap_) return Errno::enomem;
    }
    static_assert(sizeof(IoSegment) == sizeof(abi::Iovec) &&
                  offsetof(IoSegment, length) == offsetof(abi::Iovec, length));
    IoSegment* segments = heap_ ? heap_ : inline_;
    TRY(copy_from_user(context, segments, vectors.address, count * sizeof(IoSegment)));
    constexpr u64 total_max = 0x7ffff000;  // MAX_RW_COUNT: what is beyond is cut off
    u64 total = 0;
    for (u64 index = 0; index < count; index++) {
        if (segments[index].length > INT64_MAX) return Errno::einval;
        if (segments[index].length > total_max - total) segments[index].length = total_max - total;
        total += segments[index].length;
    }
    count_ = count;
    return {};
}

namespace {

constexpr usize control_align = 8;
constexpr u64 control_length_max = 64 * 1024;

constexpr u64 aligned(u64 length) { return (length + control_align - 1) & ~(control_align - 1); }

// --- Sending: ancillary data from the program.

struct OutgoingControl {
    Owned<PassedFiles> files;
    bool has_credentials = false;
    abi::PeerCredentials credentials{};
};

// A process may claim to be one of the ids it has; with capabilities, any (unix(7)).
Result<void> check_credentials(MayBlock& context, const abi::PeerCredentials& claimed)
{
    Credentials own = current_credentials(context);
    bool pid_ok = claimed.pid == current_process(context).pid.value || own.has(Capability::sys_admin);
    bool user_ok = claimed.user == own.user || claimed.user == own.effective_user || claimed.user == own.saved_user ||
                   own.has(Capability::setuid);
    bool group_ok = claimed.group == own.group || claimed.group == own.effective_group ||
                    claimed.group == own.saved_group || own.has(Capability::setgid);
    if (!pid_ok || !user_ok || !group_ok) return Errno::eperm;
    return {};
}

Result<void> load_rights(MayBlock& context, UserAddress data, u64 bytes, OutgoingControl& control)
{
    i32 descriptors[PassedFiles::count_max];
    usize count = bytes / sizeof(i32);
    if (count > PassedFiles::count_max || (control.files && count > 0)) return Errno::einval;
    if (count == 0) return {};
    TRY(copy_from_user(context, descriptors, data, count * sizeof(i32)));
    control.files = TRY(PassedFiles::create(context, {descriptors, count}));
    return {};
}

Result<void> load_control(MayBlock& context, u64 address, u64 length, OutgoingControl& control)
{
    if (length > control_length_max) return Errno::enobufs;
    u64 offset = 0;
    while (address != 0 && length - offset >= sizeof(abi::ControlHeader)) {  // bound: control_length_max / 16
        abi::ControlHeader header = TRY(UserPointer<abi::ControlHeader>(address + offset).load(context));
        if (header.length < sizeof header || header.length > length - offset) return Errno::einval;
        UserAddress data{address + offset + sizeof header};
        u64 bytes = header.length - sizeof header;
        if (header.level == abi::level_socket && header.type == abi::control_type::rights) {
            TRY(load_rights(context, data, bytes, control));
        } else if (header.level == abi::level_socket && header.type == abi::control_type::credentials) {
            if (bytes != sizeof control.credentials) return Errno::einval;
            control.credentials = TRY(UserPointer<abi::PeerCredentials>(data.value).load(context));
            TRY(check_credentials(context, control.credentials));
            control.has_credentials = true;
        } else if (header.level == abi::level_socket) {
            return Errno::einval;
        }
        if (aligned(header.length) > length - offset) break;
        offset += aligned(header.length);
    }
    return {};
}

// --- Receiving: ancillary data to the program.

class IncomingControl {
public:
    IncomingControl(MayBlock& context, const abi::MessageHeader& header)
        : context_(context), address_(header.control), room_(header.control ? header.control_length : 0)
    {
    }

    Result<void> put_credentials(const abi::PeerCredentials& credentials)
    {
        if (room_ < sizeof(abi::ControlHeader)) {
            truncated_ = true;
            return {};
        }
        u64 bytes = sizeof credentials;
        if (bytes > room_ - sizeof(abi::ControlHeader)) {
            bytes = room_ - sizeof(abi::ControlHeader);
            truncated_ = true;
        }
        TRY(copy_to_user(context_, data(), &credentials, bytes));
        return finish(abi::control_type::credentials, bytes);
    }

    Result<void> put_files(const PassedFiles& files, bool close_on_exec)
    {
        u64 fit = room_ < sizeof(abi::ControlHeader) ? 0 : (room_ - sizeof(abi::ControlHeader)) / sizeof(i32);
        u64 count = fit < files.count() ? fit : files.count();
        FileTable& table = *current_process(context_).files;
        u64 limit = current_limit(context_, Resource::files);
        u64 done = 0;
        for (; done < count; done++) {
            Result<int> descriptor = table.add(context_, files.file(done), close_on_exec, limit);
            if (!descriptor.ok()) break;
            i32 number = descriptor.value();
            UserAddress slot{data().value + done * sizeof number};
            if (!copy_to_user(context_, slot, &number, sizeof number).ok()) {
                (void)table.close(context_, number);
                break;
            }
        }
        if (done < files.count()) truncated_ = true;
        if (done == 0) return {};
        return finish(abi::control_type::rights, done * sizeof(i32));
    }

    u64 used() const { return used_; }
    bool truncated() const { return truncated_; }

private:
    UserAddress data() const { return UserAddress{address_ + sizeof(abi::ControlHeader)}; }
    Result<void> finish(i32 type, u64 bytes)
    {
        abi::ControlHeader header{sizeof header + bytes, abi::level_socket, type};
        TRY(UserPointer<abi::ControlHeader>(address_).store(context_, header));
        u64 space = aligned(header.length) < room_ ? aligned(header.length) : room_;
        address_ += space;
        room_ -= space;
        used_ += space;
        return {};
    }

    MayBlock& context_;
    u64 address_;
    u64 room_;
    u64 used_ = 0;
    bool truncated_ = false;
};

}  // namespace

Result<usize> send_message(MayBlock& context, Socket& socket, const abi::MessageHeader& header, u32 flags)
{
    MessageSegments segments;
    TRY(segments.load(context, UserPointer<abi::Iovec>(header.vectors), header.vector_count));
    SocketAddress to;
    // Linux cuts a longer one to the size of the largest address.
    u32 name_length = header.name_length < SocketAddress::length_max ? header.name_length : SocketAddress::length_max;
    if (static_cast<i32>(header.name_length) < 0) return Errno::einval;
    if (header.name && name_length > 0)
        to = TRY(load_address(context, UserAddress{header.name}, static_cast<i32>(name_length)));
    OutgoingControl control;
    if (header.control_length > 0) TRY(load_control(context, header.control, header.control_length, control));
    IoBuffer data(segments.view());
    SendRequest request{
        .data = data, .flags = flags, .to = to.length > 0 ? &to : nullptr, .files = std::move(control.files)};
    if (control.has_credentials) request.credentials = &control.credentials;
    return socket.send(context, request);
}

Result<usize> receive_message(MayBlock& context, Socket& socket, abi::MessageHeader& header, u32 flags)
{
    MessageSegments segments;
    TRY(segments.load(context, UserPointer<abi::Iovec>(header.vectors), header.vector_count));
    IoBuffer into(segments.view());
    ReceiveRequest request{.into = into, .flags = flags, .wants_from = header.name != 0};
    usize received = TRY(socket.receive(context, request));
    if (header.name) {
        if (static_cast<i32>(header.name_length) < 0) return Errno::einval;
        usize stored = header.name_length < request.from.length ? header.name_length : request.from.length;
        TRY(copy_to_user(context, UserAddress{header.name}, request.from.bytes, stored));
        header.name_length = static_cast<u32>(request.from.length);
    }
    IncomingControl control(context, header);
    if (request.has_credentials) TRY(control.put_credentials(request.credentials));
    if (request.files) TRY(control.put_files(*request.files, flags & abi::message_flag::control_close_on_exec));
    header.control_length = control.used();
    header.flags = request.result_flags | (flags & abi::message_flag::control_close_on_exec) |
                   (control.truncated() ? abi::message_flag::control_truncated : 0);
    return received;
}

}  // namespace takt
