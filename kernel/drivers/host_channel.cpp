#include <kernel/drivers/host_channel.hpp>

#include <algorithm>
#include <kernel/fs/device_table.hpp>
#include <kernel/hal/port_io.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u32 host_major = 240;  // the first of those for local use
constexpr u8 present = 0xe9;

struct Channel {
    const char* name;
    u16 port;
};
constexpr Channel channels[] = {{"host/stdout", 0x5e0}, {"host/stderr", 0x5e4}, {"host/control", 0x5e8}};

class HostChannelFile : public File {
public:
    HostChannelFile(u32 flags, u16 port) : File(flags), port_(port) {}

    Result<usize> write(MayBlock& context, IoBuffer& from, u64) override
    {
        u8 chunk[512];
        usize total = 0;
        MutexGuard guard(hal::kernel().host_channels.mutex(), context);
        while (from.remaining() > 0) {  // bound: the buffer; preemptible, a signal ends it
            Result<usize> taken = from.take(context, chunk, std::min(from.remaining(), sizeof chunk));
            if (!taken.ok()) return total > 0 ? Result<usize>(total) : taken;
            hal::out_bytes(port_, {chunk, taken.value()});
            total += taken.value();
            if (context.thread().has_work(Work::fatal)) break;
        }
        return total;
    }
    u32 poll(MayLock&, PollObserver* observer) override
    {
        if (observer) source_.add(*observer);
        return poll_event::out | poll_event::wrnorm;
    }

private:
    u16 port_;
    PollSource source_;  // never changes, so it never notifies
};

Result<Ref<File>> open_channel(MayBlock& context, u32 minor, u32 flags, Inode*)
{
    if (minor >= std::size(channels)) return Errno::enxio;
    if ((flags & open_flag::access_mode) != open_flag::write_only) return Errno::eacces;
    return Ref<File>(TRY(make_ref<HostChannelFile>(context, flags, channels[minor].port)));
}

}  // namespace

Result<void> HostChannels::init(MayBlock& context)
{
    for (u32 minor = 0; minor < std::size(channels); minor++)
        if (hal::in8(channels[minor].port) == present)
            TRY(register_character_device(context, channels[minor].name, make_device(host_major, minor), 0622,
                                          open_channel, "host"));
    return {};
}

}  // namespace takt
