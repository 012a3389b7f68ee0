#include "host_files.hpp"

#include "failure.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

namespace takt {

void Descriptor::close()
{
    if (number_ >= 0) ::close(number_);
    number_ = -1;
}

Descriptor open_file(const fs::path& path, int flags, unsigned mode)
{
    Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!file) throw Failure(exit_takt_failed, "cannot open {}: {}", path.string(), strerror(errno));
    return file;
}

Descriptor memory_file(const char* name)
{
    Descriptor file(memfd_create(name, MFD_CLOEXEC));
    if (!file) throw Failure(exit_takt_failed, "cannot make a memory file: {}", strerror(errno));
    return file;
}

std::pair<Descriptor, Descriptor> make_pipe()
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) throw Failure(exit_takt_failed, "cannot make a pipe: {}", strerror(errno));
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

void write_all(int file, std::string_view data)
{
    while (!data.empty()) {
        const ssize_t written = ::write(file, data.data(), data.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Failure(exit_takt_failed, "cannot write: {}", strerror(errno));
        data.remove_prefix(static_cast<size_t>(written));
    }
}

std::string read_all(int file, size_t offset)
{
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t got = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(offset + text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw Failure(exit_takt_failed, "cannot read: {}", strerror(errno));
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<size_t>(got));
    }
}

std::string read_text(const fs::path& path) { return read_all(open_file(path, O_RDONLY).get()); }

void write_text(const fs::path& path, std::string_view text)
{
    if (fs::exists(path) && !fs::is_regular_file(path)) {  // a device or a pipe stays what it is
        write_all(open_file(path, O_WRONLY).get(), text);
        return;
    }
    const fs::path fresh = fmt::format("{}.{}", path.string(), getpid());
    write_all(open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC).get(), text);
    fs::rename(fresh, path);
}

void check_writable(const char* option, const fs::path& path)
{
    const fs::path folder = fs::absolute(path).parent_path();
    if (fs::is_directory(path) || access(fs::exists(path) ? path.c_str() : folder.c_str(), W_OK) < 0)
        throw Failure(exit_takt_failed, "{} {}: {}", option, path.string(),
                      fs::is_directory(path) ? "a folder" : strerror(errno));
}

FileLock::FileLock(const fs::path& path)
{
    fs::create_directories(path.parent_path());
    file_ = open_file(path, O_RDWR | O_CREAT);
    while (flock(file_.get(), LOCK_EX) < 0 && errno == EINTR) {
    }
}

ScratchDirectory::ScratchDirectory()
{
    std::string name = (fs::temp_directory_path() / "takt-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Failure(exit_takt_failed, "cannot make {}: {}", name, strerror(errno));
    path_ = name;
}

ScratchDirectory::~ScratchDirectory()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path source_directory() { return TAKT_SOURCE_DIR; }
fs::path build_directory() { return source_directory() / "build"; }
fs::path init_program() { return TAKT_INIT; }

fs::path cache_directory()
{
    if (const auto chosen = environment("TAKT_CACHE")) return *chosen;
    if (const auto caches = environment("XDG_CACHE_HOME")) return fs::path(*caches) / "takt";
    if (const auto home = environment("HOME")) return fs::path(*home) / ".cache" / "takt";
    return build_directory() / "cache";
}

std::optional<std::string> environment(const char* name)
{
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

std::optional<fs::path> find_on_path(const std::string& name)
{
    const auto usable = [](const fs::path& path) {
        return fs::is_regular_file(path) && access(path.c_str(), X_OK) == 0;
    };
    if (name.find('/') != std::string::npos) return usable(name) ? std::optional<fs::path>(name) : std::nullopt;
    const std::string path = environment("PATH").value_or("/usr/bin:/bin");
    for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find(':', at), path.size());
        const fs::path candidate = fs::path(path.substr(at, end - at)) / name;
        if (end > at && usable(candidate)) return candidate;
        at = end + 1;
    }
    return std::nullopt;
}

}  // namespace takt
