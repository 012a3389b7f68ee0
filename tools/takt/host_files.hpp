// Files, descriptors and well-known places on the host.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace takt {

namespace fs = std::filesystem;

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() { close(); }

    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    void close();

private:
    int number_ = -1;
};

// All throw Failure with the system's reason.
Descriptor open_file(const fs::path& path, int flags, unsigned mode = 0666);
Descriptor memory_file(const char* name);
std::pair<Descriptor, Descriptor> make_pipe();  // reader, writer; both close on exec
void write_all(int file, std::string_view data);
std::string read_all(int file, size_t offset = 0);  // leaves the file position alone
std::string read_text(const fs::path& path);
// Readers see the old text or the new one, never a part.
void write_text(const fs::path& path, std::string_view text);

// Failure unless a file could be written there: found out before the work whose result it is to take. `option` is what
// the user wrote.
void check_writable(const char* option, const fs::path& path);

// Holds the lock on a file, made if missing, until destroyed: other takt processes wait.
class FileLock {
public:
    explicit FileLock(const fs::path& path);

private:
    Descriptor file_;
};

// A directory of its own under the system's temporary one, removed with all that is in it.
class ScratchDirectory {
public:
    ScratchDirectory();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

fs::path source_directory();
fs::path build_directory();
fs::path cache_directory();  // $TAKT_CACHE, else $XDG_CACHE_HOME/takt, else ~/.cache/takt
fs::path init_program();

std::optional<std::string> environment(const char* name);  // empty counts as absent
// What execvp would run; a name with a slash stands for itself.
std::optional<fs::path> find_on_path(const std::string& name);

}  // namespace takt
