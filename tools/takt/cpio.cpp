#include "cpio.hpp"

#include "failure.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace takt {

namespace {

constexpr uint64_t page_size = 4096;
constexpr uint64_t header_size = 110;
constexpr uint64_t longest_name = 4096;      // Linux skips an entry whose name, with NULs, is longer
constexpr unsigned fixed_time = 1577836800;  // 2020-01-01, the machine's own start

constexpr uint64_t round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

unsigned type_bits(NodeType type)
{
    switch (type) {
    case NodeType::directory:
        return S_IFDIR;
    case NodeType::file:
        return S_IFREG;
    case NodeType::symlink:
        return S_IFLNK;
    case NodeType::character_device:
        return S_IFCHR;
    }
    return 0;
}

class CpioWriter {
public:
    explicit CpioWriter(int file) : file_(file) {}

    void entry(const std::string& name, const Node& node)
    {
        uint64_t name_size = name.size() + 1;
        if (node.type == NodeType::file && node.size > page_size) {
            const uint64_t data_at = round_up(offset() + header_size + name_size, page_size);
            uint64_t padded = data_at - offset() - header_size;
            if (padded > longest_name) {
                filler();
                return entry(name, node);
            }
            name_size = padded;
        }
        const uint64_t size = node.type == NodeType::directory ? 0 : node.size;
        header(node, name_size, size);
        buffer_ += name;
        buffer_.append(name_size - name.size(), '\0');
        align();
        if (!node.source.empty())
            copy(node.source, node.size);
        else
            buffer_ += node.text;
        align();
        if (buffer_.size() > 1 << 20) flush();
    }

    void finish()
    {
        entry("TRAILER!!!", {.type = NodeType::file, .mode = 0});
        buffer_.append(round_up(offset(), 512) - offset(), '\0');
        flush();
    }

private:
    uint64_t offset() const { return written_ + buffer_.size(); }

    // Moves on by half a page where the next file's padding would be too long for a name.
    void filler()
    {
        const Node root{.type = NodeType::directory};
        header(root, page_size / 2, 0);
        buffer_ += '.';
        buffer_.append(page_size / 2 - 1, '\0');
        align();
    }

    void header(const Node& node, uint64_t name_size, uint64_t size)
    {
        const unsigned links = node.type == NodeType::directory ? 2 : 1;
        const unsigned mode = node.mode == 0 ? 0 : type_bits(node.type) | node.mode;
        buffer_ +=
            fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}"
                        "{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}",
                        ++inode_, mode, 0, 0, links, fixed_time, size, 0, 0, node.major, node.minor, name_size, 0);
    }

    void align() { buffer_.append(round_up(offset(), 4) - offset(), '\0'); }

    void copy(const fs::path& source, uint64_t size)
    {
        const Descriptor from = open_file(source, O_RDONLY);
        const size_t start = buffer_.size();
        buffer_.resize(start + size);
        for (size_t done = 0; done < size;) {
            const ssize_t got = read(from.get(), buffer_.data() + start + done, size - done);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0)
                throw Failure(exit_takt_failed, "cannot read {}: {}", source.string(),
                              got < 0 ? strerror(errno) : "it became shorter");
            done += static_cast<size_t>(got);
        }
    }

    void flush()
    {
        write_all(file_, buffer_);
        written_ += buffer_.size();
        buffer_.clear();
    }

    int file_;
    std::string buffer_;
    uint64_t written_ = 0;
    unsigned inode_ = 0;
};

}  // namespace

void write_cpio(const FileTree& tree, int file)
{
    CpioWriter writer(file);
    for (const auto& [name, node] : tree.nodes()) writer.entry(name, node);
    writer.finish();
}

}  // namespace takt
