#include "root_filesystem.hpp"

#include "debian_packages.hpp"
#include "elf_file.hpp"
#include "failure.hpp"
#include "process.hpp"

#include <algorithm>
#include <set>
#include <sstream>

namespace takt {

namespace {

const std::vector<std::string> base_packages = {"busybox-static", "libc6",    "libgcc-s1",
                                                "libnuma1",       "rt-tests", "util-linux"};

// Of these packages only this is wanted in every machine: each further byte is boot time.
Take wanted_in_base(const std::string& package, const fs::directory_entry& entry)
{
    static const std::set<std::string> libraries = {"ld-linux-x86-64.so.2", "libc.so.6",     "libm.so.6",
                                                    "libpthread.so.0",      "libdl.so.2",    "librt.so.1",
                                                    "libutil.so.1",         "libresolv.so.2"};
    static const std::set<std::string> utilities = {"chrt", "taskset"};
    if (entry.is_directory() && !entry.is_symlink()) return Take::enter;
    const std::string name = entry.path().filename().string();
    const std::string folder = entry.path().parent_path().filename().string();
    const bool program = folder == "bin" || folder == "sbin";
    bool wanted = program || folder == "x86_64-linux-gnu";
    if (package == "libc6")
        wanted = libraries.contains(name) && (folder == "x86_64-linux-gnu" || folder == "lib64");
    else if (package == "util-linux")
        wanted = program && utilities.contains(name);
    else if (package == "rt-tests")  // a few of its programs are Python
        wanted = program && (entry.is_symlink() || read_elf(entry.path()).kind == ElfKind::x86_64);
    return wanted ? Take::yes : Take::no;
}

Take wanted_of_package(const std::string& below)
{
    for (const char* folder : {"usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale",
                               "usr/share/lintian", "usr/share/bug", "usr/share/doc-base"}) {
        if (below == folder || below.starts_with(std::string(folder) + "/")) return Take::no;
    }
    return Take::yes;
}

// Merged /usr, as Debian has it, before anything else: what is added later follows the links.
void add_skeleton(FileTree& tree)
{
    for (const char* directory :
         {"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/local/bin", "/dev",
          "/proc", "/sys", "/etc", "/run", "/var/log", "/mnt", "/takt"})
        tree.add_directory(directory);
    for (const char* name : {"bin", "sbin", "lib", "lib64"})
        tree.add_symlink(std::string("/") + name, std::string("usr/") + name);
    tree.add_symlink("/var/run", "/run");
    tree.add_directory("/root", 0700);
    tree.add_directory("/tmp", 01777);
    tree.add_directory("/var/tmp", 01777);
    tree.add_character_device("/dev/console", 0600, 5, 1);
    tree.add_character_device("/dev/null", 0666, 1, 3);
    tree.add_text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                                 "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
    tree.add_text("/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n");
    tree.add_text("/etc/hostname", "takt\n");
    tree.add_text("/etc/hosts", "127.0.0.1\tlocalhost takt\n");
    tree.add_text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
    tree.add_file("/init", init_program(), 0755);
}

// busybox says which commands it can be; its own package brings no links.
void add_applets(FileTree& tree, const fs::path& busybox)
{
    const fs::path list = build_directory() / "rootfs" / "applets";
    if (!fs::exists(list) || fs::last_write_time(list) < fs::last_write_time(busybox)) {
        const std::string names = capture_or_fail("cannot list busybox's commands", {busybox.string(), "--list-full"});
        fs::create_directories(list.parent_path());
        write_text(list, names);
    }
    std::istringstream names(read_text(list));
    for (std::string name; std::getline(names, name);) {
        const std::string path = "/" + name;
        if (!name.starts_with("linuxrc") && !tree.contains(path))
            tree.add_symlink(path, name.find("sbin/") == std::string::npos ? "busybox" : "../bin/busybox");
    }
}

}  // namespace

FileTree root_filesystem(const std::vector<std::string>& packages)
{
    FileTree tree;
    add_skeleton(tree);
    DebianPackages debian(cache_directory() / "packages", build_directory() / "rootfs" / "packages.json");
    fs::path busybox;
    for (const DebianPackage& package : debian.fetch(base_packages)) {
        tree.add_folder("/", package.directory, [&](const std::string&, const fs::directory_entry& entry) {
            return wanted_in_base(package.name, entry);
        });
        if (package.name == "busybox-static") busybox = package.directory / "bin" / "busybox";
    }
    if (!fs::exists(busybox)) throw Failure(exit_takt_failed, "no busybox in Debian's busybox-static package");
    for (const std::string& name : packages) {
        for (const DebianPackage& package : debian.fetch_with_dependencies(name)) {
            // What the base already took its part of stays that part, unless asked for by name.
            if (package.name != name && std::ranges::count(base_packages, package.name) > 0) continue;
            tree.add_folder("/", package.directory, [](const std::string& below, const fs::directory_entry&) {
                return wanted_of_package(below);
            });
        }
    }
    add_applets(tree, busybox);
    return tree;
}

}  // namespace takt
