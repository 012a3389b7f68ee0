#include <kernel/process/program.hpp>

#include <abi/file.hpp>
#include <kernel/fs/open.hpp>

namespace takt {

namespace {

constexpr bool is_blank(char character) { return character == ' ' || character == '\t'; }

std::string_view trim(std::string_view text)
{
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

Result<void> Program::set_shown_path(int directory, std::string_view path)
{
    TextSink text(shown_path_, path_capacity);
    if (directory == at_fdcwd || path.starts_with('/'))
        text.append(path);
    else if (path.empty())
        format(text, "/dev/fd/{}", directory);
    else
        format(text, "/dev/fd/{}/{}", directory, path);
    shown_length_ = text.length();
    return text.truncated() ? Result<void>(Errno::enametoolong) : Result<void>();
}

void Program::add_prefix(std::string_view argument)
{
    for (usize index = prefix_count_; index > 0; index--) prefix_[index] = prefix_[index - 1];
    prefix_[0] = argument;
    prefix_count_++;
}

// execve(2), "Interpreter scripts": false when the file is no script.
Result<bool> Program::follow_script(MayBlock& context, usize level, std::string_view& interpreter)
{
    char* header = headers_[level];
    IoBuffer into(header, header_bytes);
    usize length = TRY(file_->read(context, into, 0));
    std::string_view text(header, length);
    if (!text.starts_with("#!")) return false;
    if (level >= scripts_max) return Errno::eloop;
    text.remove_prefix(2);
    text = text.substr(0, text.find('\0'));
    usize end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    usize name_end = 0;
    while (name_end < line.size() && !is_blank(line[name_end])) name_end++;
    // A line that goes on past what was read: only the interpreter's name has to be complete.
    bool cut = end == text.npos && length == header_bytes;
    if (line.empty() || (cut && name_end == line.size())) return Errno::enoexec;

    if (prefix_count_ == 0) add_prefix(shown_path());
    std::string_view argument = trim(line.substr(name_end));
    if (!argument.empty()) add_prefix(argument);
    interpreter = line.substr(0, name_end);
    add_prefix(interpreter);
    return true;
}

Result<void> Program::open_loader(MayBlock& context)
{
    TextSink path(loader_path_, path_capacity);
    TRY(image.read_interpreter_path(context, path));
    has_loader = path.length() > 0;
    if (!has_loader) return {};
    Ref<File> file = TRY(open_for_exec(context, at_fdcwd, path.view(), 0));
    Result<void> loaded = loader.load_headers(context, std::move(file));
    if (loaded.ok()) return {};
    return loaded.error() == Errno::enoexec ? Errno::elibbad : loaded.error();
}

Result<void> Program::open(MayBlock& context, int directory, std::string_view path, u32 flags)
{
    TRY(set_shown_path(directory, path));
    file_ = TRY(open_for_exec(context, directory, path, flags));
    std::string_view interpreter;
    // bound: scripts_max
    for (usize level = 0; TRY(follow_script(context, level, interpreter)); level++)
        file_ = TRY(open_for_exec(context, at_fdcwd, interpreter, 0));
    Result<void> loaded = image.load_headers(context, file_);
    // A short file is just no program; a short loader failed to be read.
    if (!loaded.ok()) return loaded.error() == Errno::eio ? Errno::enoexec : loaded.error();
    return open_loader(context);
}

}  // namespace takt
