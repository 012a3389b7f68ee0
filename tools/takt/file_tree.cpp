#include "file_tree.hpp"

#include "failure.hpp"

#include <deque>
#include <sys/stat.h>

namespace takt {

namespace {

unsigned permissions_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()) & 07777; }

// Appends the parts of a path in front of those still to be walked.
void push_front(std::deque<std::string>& parts, const fs::path& path)
{
    std::deque<std::string> fresh;
    for (const fs::path& part : path) {
        if (part != "/" && !part.empty() && part != ".") fresh.push_back(part.string());
    }
    parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

}  // namespace

std::string FileTree::resolve(const std::string& path, bool follow_last) const
{
    std::deque<std::string> parts;
    push_front(parts, path);
    fs::path here;
    constexpr int most_links = 40;  // as Linux
    for (int links = 0; !parts.empty();) {
        const std::string part = parts.front();
        parts.pop_front();
        if (part == "..") {
            here = here.parent_path();
            continue;
        }
        const fs::path next = here / part;
        const auto node = nodes_.find(next.string());
        const bool link = node != nodes_.end() && node->second.type == NodeType::symlink;
        if (!link || (parts.empty() && !follow_last)) {
            here = next;
            continue;
        }
        if (++links > most_links) throw Failure(exit_takt_failed, "too many symbolic links in {}", path);
        const fs::path target = node->second.text;
        if (target.is_absolute()) here.clear();
        push_front(parts, target);
    }
    return here.string();
}

Node& FileTree::place(const std::string& path)
{
    const std::string key = resolve(path, false);
    for (fs::path parent = fs::path(key).parent_path(); !parent.empty(); parent = parent.parent_path()) {
        const auto node = nodes_.try_emplace(parent.string()).first;
        if (node->second.type != NodeType::directory)
            throw Failure(exit_takt_failed, "{} is in the way of {} in the machine", "/" + parent.string(), path);
    }
    return nodes_[key];
}

// For anything but a directory.
Node& FileTree::place_leaf(const std::string& path)
{
    const std::string below = resolve(path, false) + "/";
    const auto inside = nodes_.lower_bound(below);
    if (inside != nodes_.end() && inside->first.starts_with(below))
        throw Failure(exit_takt_failed, "{} is a directory in the machine already", path);
    return place(path);
}

void FileTree::add_directory(const std::string& path, unsigned mode)
{
    const std::string key = resolve(path, true);
    if (key.empty()) return;
    place("/" + key) = {.type = NodeType::directory, .mode = mode};
}

void FileTree::add_file(const std::string& path, const fs::path& source)
{
    add_file(path, source, permissions_of(source));
}

void FileTree::add_file(const std::string& path, const fs::path& source, unsigned mode)
{
    place_leaf(path) = {.type = NodeType::file, .mode = mode, .source = source, .size = fs::file_size(source)};
}

void FileTree::add_text(const std::string& path, std::string text, unsigned mode)
{
    const uint64_t size = text.size();
    place_leaf(path) = {.type = NodeType::file, .mode = mode, .text = std::move(text), .size = size};
}

void FileTree::add_symlink(const std::string& path, const std::string& target)
{
    place_leaf(path) = {.type = NodeType::symlink, .mode = 0777, .text = target, .size = target.size()};
}

void FileTree::add_character_device(const std::string& path, unsigned mode, unsigned major, unsigned minor)
{
    place_leaf(path) = {.type = NodeType::character_device, .mode = mode, .major = major, .minor = minor};
}

void FileTree::add_host_entry(const std::string& path, const fs::directory_entry& entry)
{
    if (entry.is_symlink()) {
        // A directory that is there already stays: the link would hide what is in it.
        const Node* present = find(path);
        if (present == nullptr || present->type != NodeType::directory)
            add_symlink(path, fs::read_symlink(entry.path()).string());
    } else if (entry.is_directory()) {
        add_directory(path, permissions_of(entry.path()));
    } else if (entry.is_regular_file()) {
        add_file(path, entry.path());
    }
}

const Node* FileTree::find(const std::string& path) const
{
    static const Node root;
    const std::string key = resolve(path, true);
    if (key.empty()) return &root;
    const auto node = nodes_.find(key);
    return node == nodes_.end() ? nullptr : &node->second;
}

std::string FileTree::find_path(const std::string& path) const
{
    const std::string key = resolve(path, true);
    return nodes_.contains(key) ? "/" + key : std::string();
}

}  // namespace takt
