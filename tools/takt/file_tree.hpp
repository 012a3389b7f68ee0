// The machine's root file system before it is written as an archive: names, and where each
// file's bytes come from.
#pragma once

#include "host_files.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace takt {

enum class NodeType { directory, file, symlink, character_device };

struct Node {
    NodeType type = NodeType::directory;
    unsigned mode = 0755;  // permission bits only
    fs::path source;       // file: the host file with its bytes, unless empty
    std::string text;      // file without a source: its bytes; symlink: its target
    uint64_t size = 0;     // file
    unsigned major = 0;    // character_device
    unsigned minor = 0;
};

// What add_folder does with an entry of a host folder: a directory that is only entered appears if
// something in it does.
enum class Take { yes, no, enter };

// Paths are guest paths, absolute. Every path given to an add_ function is first resolved through
// the symbolic links that the tree has (so /lib/x goes to /usr/lib/x once /lib is a link), and the
// directories above it are made. What is already there is replaced, but a directory never is.
class FileTree {
public:
    using Nodes = std::map<std::string, Node>;  // key: the resolved path without the leading '/'

    void add_directory(const std::string& path, unsigned mode = 0755);
    void add_file(const std::string& path, const fs::path& source);
    void add_file(const std::string& path, const fs::path& source, unsigned mode);
    void add_text(const std::string& path, std::string text, unsigned mode = 0644);
    void add_symlink(const std::string& path, const std::string& target);
    void add_character_device(const std::string& path, unsigned mode, unsigned major, unsigned minor);

    // A host folder: of each entry `wanted` decides, by its path below `folder`. Sockets, pipes
    // and devices are left out.
    template <typename Wanted>
    void add_folder(const std::string& path, const fs::path& folder, Wanted wanted);

    // Follows symbolic links, the last part's too; nullptr if nothing is there.
    const Node* find(const std::string& path) const;
    bool contains(const std::string& path) const { return find(path) != nullptr; }
    // The same, and where it really is; empty if nothing is there.
    std::string find_path(const std::string& path) const;

    const Nodes& nodes() const { return nodes_; }

private:
    Node& place(const std::string& path);
    Node& place_leaf(const std::string& path);
    void add_host_entry(const std::string& path, const fs::directory_entry& entry);
    std::string resolve(const std::string& path, bool follow_last) const;

    Nodes nodes_;
};

template <typename Wanted>
void FileTree::add_folder(const std::string& path, const fs::path& folder, Wanted wanted)
{
    add_directory(path);
    for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
        const std::string below = entry->path().lexically_relative(folder).string();
        const Take take = wanted(below, *entry);
        if (take == Take::yes)
            add_host_entry(path + "/" + below, *entry);
        else if (take == Take::no && entry->is_directory() && !entry->is_symlink())
            entry.disable_recursion_pending();
    }
}

}  // namespace takt
