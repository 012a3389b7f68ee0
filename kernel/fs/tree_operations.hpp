// Changes of the tree by path: mknod(2), mkdir(2), symlink(2), link(2), unlink(2), rmdir(2), rename(2).
#pragma once

#include <kernel/fs/path_lookup.hpp>

namespace takt {

// Checks that the process may create a name in `parent`, and fills in type, permissions (umask applied) and owner.
// Errors: eacces, erofs, enoent (the directory was removed).
Result<void> prepare_new_node(MayBlock& context, const Path& parent, const Credentials& credentials, u32 mode,
                              NewNode& node);

// mknodat(2): also for the node of a socket that is bound (bind(2)): the place of the new node. Errors: eexist, and
// path lookup's.
Result<Path> make_node_at(MayBlock& context, int directory, std::string_view path, u32 mode, u64 device);
Result<void> make_directory_at(MayBlock& context, int directory, std::string_view path, u32 mode);
Result<void> make_symlink_at(MayBlock& context, std::string_view target, int directory, std::string_view path);
// `from` is resolved by the caller (linkat's flags).
Result<void> link_at(MayBlock& context, const Path& from, int directory, std::string_view path);
Result<void> unlink_at(MayBlock& context, int directory, std::string_view path);
Result<void> remove_directory_at(MayBlock& context, int directory, std::string_view path);
// renameat2(2)
Result<void> rename_at(MayBlock& context, int from_directory, std::string_view from, int to_directory,
                       std::string_view to, u32 flags);

}  // namespace takt
