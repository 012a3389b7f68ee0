#include <kernel/drivers/memory_devices.hpp>

#include <algorithm>
#include <kernel/drivers/random.hpp>
#include <kernel/fs/device_table.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

namespace {

constexpr u32 memory_major = 1;
constexpr u32 misc_major = 10;
constexpr u32 null_minor = 3, zero_minor = 5, full_minor = 7, random_minor = 8, urandom_minor = 9;
constexpr u32 latency_minor = 262;

// lseek(2) on these succeeds and stays at 0.
class MemoryDevice : public File {
public:
    using File::File;
    Result<u64> seek(MayBlock&, i64, Whence, u64) override { return u64{0}; }
};

class NullFile : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
    bool pollable() const override { return false; }
    Result<usize> read(MayBlock&, IoBuffer&, u64) override { return usize{0}; }
    Result<usize> write(MayBlock&, IoBuffer& from, u64) override { return from.remaining(); }
};

class ZeroFile : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
    bool pollable() const override { return false; }
    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override
    {
        // In pieces: a signal must be able to end a read of gigabytes.
        usize total = 0;
        while (into.remaining() > 0) {
            usize piece = std::min<usize>(into.remaining(), 1u << 20);
            Result<usize> done = into.put_zeros(context, piece);
            if (!done.ok()) return total > 0 ? Result<usize>(total) : done;
            total += done.value();
            if (done.value() < piece || context.thread().has_work(Work::signal) ||
                context.thread().has_work(Work::fatal))
                break;
        }
        return total;
    }
    Result<usize> write(MayBlock&, IoBuffer& from, u64) override { return from.remaining(); }
    Result<Ref<MemoryObject>> memory_object(MayBlock& context) override
    {
        return create_shared_memory(context, "dev/zero", TmpfsFile::size_max);
    }
};

class FullFile : public ZeroFile {
public:
    using ZeroFile::ZeroFile;
    Result<usize> write(MayBlock&, IoBuffer&, u64) override { return Errno::enospc; }
    Result<Ref<MemoryObject>> memory_object(MayBlock&) override { return Errno::enodev; }
};

class RandomFile : public MemoryDevice {
public:
    using MemoryDevice::MemoryDevice;
    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override
    {
        return hal::kernel().random.read(context, into);
    }
    Result<usize> write(MayBlock& context, IoBuffer& from, u64) override
    {
        u8 chunk[64];
        usize total = 0;
        while (from.remaining() > 0) {  // bound: the buffer
            Result<usize> taken = from.take(context, chunk, std::min(from.remaining(), sizeof chunk));
            if (!taken.ok()) return total > 0 ? Result<usize>(total) : taken;
            hal::kernel().random.mix(context, {chunk, taken.value()});
            total += taken.value();
        }
        return total;
    }
};

// A bound on the wake-up delay that power saving may cost. An idle CPU here halts and no more, so every bound holds;
// the request is checked and remembered for whoever reads it back.
class LatencyRequestFile : public File {
public:
    using File::File;
    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override
    {
        i32 value = value_.load(Order::relaxed);
        return into.put(context, &value, sizeof value);
    }
    Result<usize> write(MayBlock& context, IoBuffer& from, u64) override
    {
        usize length = from.remaining();
        if (length == sizeof(i32)) {
            i32 value = 0;
            if (TRY(from.take(context, &value, sizeof value)) != sizeof value) return Errno::efault;
            if (value < 0) return Errno::einval;
            value_.store(value, Order::relaxed);
            return length;
        }
        char text[12] = {};
        if (length >= sizeof text) return Errno::einval;
        usize taken = TRY(from.take(context, text, length));
        i64 value = TRY(parse_hexadecimal({text, taken}));
        value_.store(static_cast<i32>(value), Order::relaxed);
        return length;
    }

private:
    static constexpr i32 no_request = 2000 * 1000 * 1000;

    static Result<i64> parse_hexadecimal(std::string_view text)
    {
        while (!text.empty() && (text.back() == '\n' || text.back() == 0)) text.remove_suffix(1);
        if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
        if (text.empty()) return Errno::einval;
        i64 value = 0;
        for (char character : text) {
            int digit = character >= '0' && character <= '9'   ? character - '0'
                        : character >= 'a' && character <= 'f' ? character - 'a' + 10
                        : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                               : -1;
            if (digit < 0) return Errno::einval;
            value = value * 16 + digit;
        }
        if (value > INT32_MAX) return Errno::einval;
        return value;
    }

    Atomic<i32> value_{no_request};
};

template <typename FileType>
Result<Ref<File>> open_as(MayBlock& context, u32, u32 flags, Inode*)
{
    return Ref<File>(TRY(make_ref<FileType>(context, flags)));
}

}  // namespace

Result<void> init_memory_devices(MayBlock& context)
{
    struct Device {
        const char* name;
        u32 major, minor, permissions;
        OpenDevice open;
        const char* driver;
    };
    static constexpr Device devices[] = {
        {"null", memory_major, null_minor, 0666, open_as<NullFile>, "mem"},
        {"zero", memory_major, zero_minor, 0666, open_as<ZeroFile>, "mem"},
        {"full", memory_major, full_minor, 0666, open_as<FullFile>, "mem"},
        {"random", memory_major, random_minor, 0666, open_as<RandomFile>, "mem"},
        {"urandom", memory_major, urandom_minor, 0666, open_as<RandomFile>, "mem"},
        {"cpu_dma_latency", misc_major, latency_minor, 0600, open_as<LatencyRequestFile>, "misc"},
    };
    for (const Device& device : devices)
        TRY(register_character_device(context, device.name, make_device(device.major, device.minor), device.permissions,
                                      device.open, device.driver));
    return {};
}

}  // namespace takt
