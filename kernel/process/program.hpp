// Program: the files that an execve(2) needs, opened and looked into before anything changes: scripts followed to their
// interpreters, the executable's headers read, its loader opened.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/process/elf_image.hpp>

namespace takt {

class Program : public HeapObject {
public:
    // `flags`: of execveat(2). Errors: open_for_exec()'s; enoexec, elibbad, eloop (scripts), enametoolong, enomem.
    Result<void> open(MayBlock& context, int directory, std::string_view path, u32 flags);

    // The file that runs in the end: the script's interpreter, if it is a script.
    File& executable() { return *file_; }
    // The file that was named: its set-user-id bits count (a script's don't, so it is executable()).
    ElfImage image;
    bool has_loader = false;
    ElfImage loader;

    // Arguments that scripts put before the rest of the original ones (which lose the first): number 0 is argv[0].
    usize prefix_count() const { return prefix_count_; }
    std::string_view prefix(usize index) const { return prefix_[index]; }
    // What getauxval(AT_EXECFN) shows: `path`, or the descriptor's name.
    std::string_view shown_path() const { return {shown_path_, shown_length_}; }

private:
    static constexpr usize header_bytes = 256;  // BINPRM_BUF_SIZE
    static constexpr usize scripts_max = 5;
    static constexpr usize path_capacity = 4096;

    Result<void> set_shown_path(int directory, std::string_view path);
    Result<bool> follow_script(MayBlock& context, usize level, std::string_view& interpreter);
    void add_prefix(std::string_view argument);
    Result<void> open_loader(MayBlock& context);

    Ref<File> file_;
    usize prefix_count_ = 0;
    std::string_view prefix_[2 * scripts_max + 1];
    char headers_[scripts_max + 1][header_bytes];
    char shown_path_[path_capacity];
    usize shown_length_ = 0;
    char loader_path_[path_capacity];
};

}  // namespace takt
