#include <kernel/hal/port_io.hpp>
#include <kernel/kernel.hpp>
#include <kernel/parameters.hpp>
#include <kernel/syscall/call_log.hpp>
#include <kernel/syscall/table.hpp>
#include <kernel/trace/log.hpp>
#include <string.h>

namespace takt {
namespace {

// How a parameter of each type is shown.
enum class Shown : u8 { number, hexadecimal, octal, path, pointer };

template <typename T>
constexpr Shown shown_as()
{
    if constexpr (std::is_same_v<T, UserString>)
        return Shown::path;
    else if constexpr (std::is_same_v<T, OctalMode>)
        return Shown::octal;
    else if constexpr (std::is_same_v<T, OpenFlags>)
        return Shown::hexadecimal;
    else if constexpr (std::is_same_v<T, Fd> || std::is_same_v<T, Pid> || std::is_same_v<T, SignalNumber>)
        return Shown::number;
    else if constexpr (std::is_integral_v<T>)
        return std::is_signed_v<T> ? Shown::number : Shown::hexadecimal;
    else
        return Shown::pointer;
}

struct Shape {
    u8 count = 0;
    Shown shown[6] = {};
    u8 width[6] = {};
};

template <typename... Parameters>
constexpr Shape shape_of(Result<i64> (*)(MayBlock&, Parameters...))
{
    Shape shape;
    shape.count = sizeof...(Parameters);
    u8 index = 0;
    ((shape.shown[index] = shown_as<Parameters>(), shape.width[index] = sizeof(Parameters), index++), ...);
    return shape;
}

struct Shapes {
    Shape shapes[512];
};

constexpr Shapes make_shapes()
{
    Shapes all{};
#define SYSTEM_CALL(number, name, parameters, test, notes) all.shapes[number] = shape_of(&system_call::name);
#define SYSTEM_CALL_MISSING(number, name)
#include <abi/system_calls.def>
#undef SYSTEM_CALL
#undef SYSTEM_CALL_MISSING
    return all;
}

constexpr Shapes shapes = make_shapes();

// By name: glibc's strerrorname_np's set, in the order of the numbers.
constexpr const char* errno_names[] = {"0",       "EPERM",        "ENOENT", "ESRCH",  "EINTR",     "EIO",     "ENXIO",
                                       "E2BIG",   "ENOEXEC",      "EBADF",  "ECHILD", "EAGAIN",    "ENOMEM",  "EACCES",
                                       "EFAULT",  "ENOTBLK",      "EBUSY",  "EEXIST", "EXDEV",     "ENODEV",  "ENOTDIR",
                                       "EISDIR",  "EINVAL",       "ENFILE", "EMFILE", "ENOTTY",    "ETXTBSY", "EFBIG",
                                       "ENOSPC",  "ESPIPE",       "EROFS",  "EMLINK", "EPIPE",     "EDOM",    "ERANGE",
                                       "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP"};

void append_error(TextSink& text, i64 number)
{
    if (number < static_cast<i64>(std::size(errno_names)))
        format(text, "-1 {}", errno_names[number]);
    else if (number >= 512)
        format(text, "? ERESTART({})", number);
    else
        format(text, "-1 errno {}", number);
}

void append_path(MayBlock& context, TextSink& text, u64 address)
{
    char path[128];
    Result<usize> length = copy_string_from_user(context, path, UserAddress{address}, sizeof path);
    if (length.ok())
        format(text, "\"{}\"", std::string_view(path, length.value()));
    else
        format(text, "0x{x}", address);
}

void append_argument(MayBlock& context, TextSink& text, Shown shown, u8 width, u64 word)
{
    if (width == 4) word &= 0xffffffff;
    switch (shown) {
    case Shown::number:
        format(text, "{}", width == 4 ? static_cast<i64>(static_cast<i32>(word)) : static_cast<i64>(word));
        break;
    case Shown::octal:
        format(text, "0{o}", word);
        break;
    case Shown::path:
        append_path(context, text, word);
        break;
    case Shown::pointer:
        if (word == 0) {
            text.append("NULL");
            break;
        }
        [[fallthrough]];
    case Shown::hexadecimal:
        format(text, word < 10 ? "{x}" : "0x{x}", word);
        break;
    }
}

void append_call(Task& task, TextSink& text, u64 number, const hal::UserFrame& frame)
{
    MayBlock context = ContextMint::may_block(task);
    const char* name = system_call_name(number);
    format(text, "[{}] {}(", task.id, name ? name : "?");
    const Shape& shape = shapes.shapes[number < 512 ? number : 511];
    for (unsigned index = 0; index < shape.count; index++) {
        if (index) text.append(", ");
        append_argument(context, text, shape.shown[index], shape.width[index], hal::system_call_argument(frame, index));
    }
    text.append(")");
}

// To the host's debug console beside the program's standard error (drivers/host_channel.hpp); to the log without one.
void print(Task& task, std::string_view line)
{
    constexpr u16 port = 0x5e4;
    constexpr u8 present = 0xe9;
    if (hal::in8(port) != present) return log_text(LogLevel::info, line);
    MayBlock context = ContextMint::may_block(task);
    MutexGuard guard(hal::kernel().host_channels.mutex(), context);
    hal::out_bytes(port, {reinterpret_cast<const u8*>(line.data()), line.size()});
}

bool may_not_return(u64 number)
{
    return number == 15 || number == 59 || number == 60 || number == 231 || number == 322;
}

}  // namespace

void CallLog::init() { enabled_ = has_parameter("takt.strace"); }

void CallLog::enter(Task& task, u64 number, const hal::UserFrame& frame)
{
    if (!may_not_return(number)) return;
    TextBuffer<400> text;
    append_call(task, text, number, frame);
    text.append(" ...\n");
    print(task, text.view());
}

void CallLog::leave(Task& task, u64 number, const hal::UserFrame& frame, i64 result)
{
    TextBuffer<400> text;
    append_call(task, text, number, frame);
    text.append(" = ");
    if (result < 0 && result > -4096)
        append_error(text, -result);
    else if (result > 0x10000)
        format(text, "0x{x}", static_cast<u64>(result));
    else
        format(text, "{}", result);
    text.append("\n");
    print(task, text.view());
}

bool CallLog::first_miss(u64 number)
{
    u64 bit = 1ull << (number % 64);
    return !(missed_[number / 64 % 8].fetch_or(bit, Order::relaxed) & bit);
}

}  // namespace takt
