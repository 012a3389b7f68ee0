#include "packer.hpp"

#include "failure.hpp"

#include <array>
#include <fcntl.h>
#include <sstream>
#include <unistd.h>

namespace takt {

const char* const guest_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

namespace {

// The words of a script's first line after "#!"; none if it is no script.
std::vector<std::string> interpreter_line(const fs::path& path)
{
    std::array<char, 256> start{};  // as much as Linux reads
    const Descriptor file = open_file(path, O_RDONLY);
    const ssize_t got = read(file.get(), start.data(), start.size());
    const std::string text(start.data(), size_t(std::max<ssize_t>(got, 0)));
    if (!text.starts_with("#!")) return {};
    std::istringstream line(text.substr(2, text.find('\n') - 2));
    std::vector<std::string> words;
    for (std::string word; line >> word;) words.push_back(word);
    return words;
}

// These are of no use without the many files of their standard libraries.
bool needs_its_package(const std::string& interpreter)
{
    for (const char* name : {"python", "perl", "ruby", "node", "tclsh", "php"}) {
        if (interpreter.starts_with(name)) return true;
    }
    return false;
}

}  // namespace

std::string Packer::find_in_tree(const std::string& name) const
{
    std::istringstream directories(guest_path);
    for (std::string directory; std::getline(directories, directory, ':');) {
        const std::string path = directory + "/" + name;
        const Node* node = tree_.find(path);
        if (node != nullptr && node->type == NodeType::file && (node->mode & 0111) != 0) return path;
    }
    return {};
}

std::string Packer::add_program(const std::string& program)
{
    const bool is_path = program.find('/') != std::string::npos;
    if (!is_path) {
        if (std::string found = find_in_tree(program); !found.empty()) return found;
        const auto host = find_on_path(program);
        if (!host)
            throw Failure(exit_not_found,
                          "no program {} in the root file system or on this machine's PATH; "
                          "give its path, or add its package with --package",
                          program);
        return add_program(fs::absolute(*host).string());
    }
    if (!fs::exists(program)) throw Failure(exit_not_found, "no such program: {}", program);
    if (!fs::is_regular_file(program))
        throw Failure(exit_cannot_execute, "{} is not a file that can be executed", program);
    if (access(program.c_str(), X_OK) != 0)
        throw Failure(exit_cannot_execute, "{} is not executable; chmod +x it", program);
    const std::string guest = fs::absolute(program).lexically_normal().string();
    pack(guest, program);
    return guest;
}

void Packer::pack(const std::string& guest, const fs::path& host)
{
    const ElfFile elf = read_elf(host);
    switch (elf.kind) {
    case ElfKind::other_machine:
        throw Failure(exit_cannot_execute, "{} is a {} program; Takt runs x86-64 programs", host.string(), elf.machine);
    case ElfKind::not_elf:
        pack_script(host);
        break;
    case ElfKind::x86_64:
        if (!elf.executable)
            throw Failure(exit_cannot_execute, "{} is an object file, not a program; link it", host.string());
        pack_libraries(host, elf);
        break;
    }
    tree_.add_file(guest, host, 0755);
}

void Packer::pack_script(const fs::path& script)
{
    const std::vector<std::string> words = interpreter_line(script);
    if (words.empty())
        throw Failure(exit_cannot_execute, "{} is neither an x86-64 ELF program nor a script that begins with #!",
                      script.string());
    std::string interpreter = words[0];
    const bool through_env = fs::path(interpreter).filename() == "env" && words.size() > 1;
    if (through_env) {
        size_t at = 1;
        while (at + 1 < words.size() && (words[at].starts_with("-") || words[at].find('=') != std::string::npos)) ++at;
        interpreter = words[at];
    }
    const bool present = through_env ? !find_in_tree(interpreter).empty() : tree_.contains(interpreter);
    if (present) return;
    const std::string name = fs::path(interpreter).filename().string();
    if (needs_its_package(name))
        throw Failure(exit_cannot_execute, "{} needs {}; add it with --package {}", script.string(), name, name);
    const auto host = find_on_path(interpreter);
    if (!host)
        throw Failure(exit_cannot_execute, "{} needs the interpreter {}, which is not there", script.string(),
                      interpreter);
    const ElfFile elf = read_elf(*host);
    if (elf.kind != ElfKind::x86_64)
        throw Failure(exit_cannot_execute, "{} needs {}, which is not an x86-64 program", script.string(), interpreter);
    pack(fs::absolute(*host).lexically_normal().string(), *host);
}

void Packer::pack_libraries(const fs::path& host, const ElfFile& elf)
{
    if (!elf.interpreter.empty() && !tree_.contains(elf.interpreter)) {
        if (!fs::exists(elf.interpreter))
            throw Failure(exit_cannot_execute, "{} needs the dynamic linker {}, which is not there", host.string(),
                          elf.interpreter);
        tree_.add_file(elf.interpreter, fs::canonical(elf.interpreter), 0755);
    }
    if (elf.needed.empty()) return;
    for (const FoundLibrary& library : search_.libraries_of(host)) pack_library(library);
}

// A library of the root file system stays: it comes from the same packages as the rest there, and
// the C library's parts only fit each other.
void Packer::pack_library(const FoundLibrary& library)
{
    const std::string guest = library.path.string();
    if (!tree_.contains(guest)) tree_.add_file(guest, fs::canonical(library.path), 0755);
    if (library.standard_directory) return;
    // The machine has no ld.so.cache that would lead there.
    const std::string standard = "/usr/lib/x86_64-linux-gnu/" + library.name;
    if (!tree_.contains(standard)) tree_.add_symlink(standard, guest);
}

void Packer::add_file(const std::string& argument)
{
    std::string host = argument;
    std::string guest;
    const size_t colon = argument.rfind(':');
    if (!fs::exists(host) && colon != std::string::npos) {
        host = argument.substr(0, colon);
        guest = argument.substr(colon + 1);
    }
    if (!fs::exists(host)) throw Failure(exit_takt_failed, "--add {}: no such file or folder", argument);
    if (guest.empty()) guest = fs::absolute(host).lexically_normal().string();
    if (!guest.starts_with('/'))
        throw Failure(exit_takt_failed, "--add {}: the place in the machine, {}, must begin with /", argument, guest);
    while (guest.size() > 1 && guest.ends_with('/')) guest.pop_back();
    if (!fs::is_directory(host)) {
        if (const ElfFile elf = read_elf(host); elf.kind == ElfKind::x86_64 && elf.executable)
            pack_libraries(host, elf);
        tree_.add_file(guest, host);
        return;
    }
    // Of a folder only programs: a plug-in's needs may be met by what loads it.
    tree_.add_folder(guest, host, [&](const std::string&, const fs::directory_entry& entry) {
        if (entry.is_regular_file() && !entry.is_symlink()) {
            const ElfFile elf = read_elf(entry.path());
            if (elf.kind == ElfKind::x86_64 && !elf.interpreter.empty()) pack_libraries(entry.path(), elf);
        }
        return Take::yes;
    });
}

}  // namespace takt
