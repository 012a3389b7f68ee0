#include <kernel/fs/pseudo.hpp>

#include <algorithm>

namespace takt {

namespace {

// An open PseudoFile: the text generated last, and where the next sequential read has it.
class PseudoOpenFile : public File {
public:
    PseudoOpenFile(u32 flags, PseudoFile& node) : File(flags), node_(Ref<PseudoFile>::adopt(&node))
    {
        node.add_reference();
    }
    ~PseudoOpenFile() override { free(text_); }

    bool seekable() const override { return true; }
    bool pollable() const override { return false; }
    Result<u64> size(MayBlock&) override { return u64{0}; }
    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;
    Result<void> truncate(MayBlock&, u64) override { return {}; }

private:
    Ref<PseudoFile> node_;
    Mutex<Rank::inode> mutex_;  // of the generated text
    char* text_ GUARDED_BY(mutex_) = nullptr;
    usize length_ GUARDED_BY(mutex_) = 0;
    bool generated_ GUARDED_BY(mutex_) = false;
};

// generate() may take any lock, so it runs before the text's mutex is taken.
Result<usize> PseudoOpenFile::read(MayBlock& context, IoBuffer& into, u64 position)
{
    bool generate = position == 0;
    if (!generate) {
        MutexGuard guard(mutex_, context);
        generate = !generated_;
    }
    if (generate) {
        GrowingText text(context);
        TRY(node_->generate(context, text));
        if (text.truncated()) return Errno::enomem;
        MutexGuard guard(mutex_, context);
        free(text_);
        length_ = text.length();
        text_ = text.release();
        generated_ = true;
    }
    MutexGuard guard(mutex_, context);
    if (position >= length_) return usize{0};
    return into.put(context, text_ + position, length_ - position);
}

Result<usize> PseudoOpenFile::write(MayBlock& context, IoBuffer& from, u64)
{
    usize wanted = std::min(from.remaining(), pseudo_write_max);
    // Most settings are short.
    char small[128];
    char* buffer = small;
    if (wanted > sizeof small) buffer = static_cast<char*>(allocate(context, wanted));
    if (!buffer) return Errno::enomem;
    Result<usize> taken = from.take(context, buffer, wanted);
    Result<void> done;
    if (taken.ok()) done = node_->write_text(context, {buffer, taken.value()});
    if (buffer != small) free(buffer);
    if (!taken.ok()) return taken;
    if (!done.ok()) return done.error();
    return taken;
}

}  // namespace

Result<void> PseudoFile::generate(MayBlock&, TextSink&) { return Errno::einval; }

Result<void> PseudoFile::write_text(MayBlock&, std::string_view) { return Errno::eio; }

Result<Ref<File>> PseudoFile::open(MayBlock& context, const Path&, u32 flags)
{
    return Ref<File>(TRY(make_ref<PseudoOpenFile>(context, flags, *this)));
}

// `echo 1 > file` truncates first.
Result<void> PseudoFile::truncate(MayBlock&, u64) { return {}; }

Result<void> FunctionFile::generate(MayBlock& context, TextSink& text)
{
    return generate_ ? generate_(context, text, argument_) : Result<void>(Errno::einval);
}

Result<void> FunctionFile::write_text(MayBlock& context, std::string_view text)
{
    return write_ ? write_(context, text, argument_) : Result<void>(Errno::eio);
}

Result<PseudoTree> PseudoTree::add_directory(MayBlock& context, std::string_view name, u32 permissions)
{
    return add_directory(context, name, TRY(make_ref<PseudoDirectory>(context, file_system(), permissions)));
}

Result<PseudoTree> PseudoTree::add_directory(MayBlock& context, std::string_view name, Ref<Directory> directory)
{
    Directory& self = *dentry_->inode().as_directory();
    return PseudoTree(TRY(self.add(context, *dentry_, EntryName(name), std::move(directory))));
}

Result<void> PseudoTree::add_file(MayBlock& context, std::string_view name, u32 permissions, GenerateText generate,
                                  WriteText write, u64 argument)
{
    return add(context, name,
               TRY(make_ref<FunctionFile>(context, file_system(), permissions, generate, write, argument)));
}

Result<void> PseudoTree::add_link(MayBlock& context, std::string_view name, std::string_view target)
{
    return add(context, name, TRY(SymbolicLink::create(context, file_system(), target)));
}

Result<void> PseudoTree::add(MayBlock& context, std::string_view name, Ref<Inode> inode)
{
    Directory& self = *dentry_->inode().as_directory();
    (void)TRY(self.add(context, *dentry_, EntryName(name), std::move(inode)));
    return {};
}

Result<PseudoTree> PseudoTree::directory(MayBlock& context, std::string_view name, u32 permissions)
{
    Directory& self = *dentry_->inode().as_directory();
    Result<Ref<Dentry>> found = self.lookup(context, *dentry_, EntryName(name));
    if (found.ok()) return PseudoTree(std::move(found).value());
    if (found.error() != Errno::enoent) return found.error();
    return add_directory(context, name, permissions);
}

Result<void> PseudoTree::remove(MayBlock& context, std::string_view name)
{
    Directory& self = *dentry_->inode().as_directory();
    return self.unpin(context, EntryName(name));
}

Result<PseudoTree> PseudoFileSystem::make_root(MayBlock& context, u32 permissions)
{
    return make_root(context, TRY(make_ref<PseudoDirectory>(context, *this, permissions)));
}

Result<PseudoTree> PseudoFileSystem::make_root(MayBlock& context, Ref<Directory> root_directory)
{
    TRY(set_root(context, std::move(root_directory)));
    return PseudoTree(root());
}

std::string_view trim_newline(std::string_view text)
{
    auto blank = [](char character) { return character == ' ' || character == '\n' || character == '\t'; };
    while (!text.empty() && (blank(text.back()) || text.back() == 0)) text.remove_suffix(1);
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    return text;
}

}  // namespace takt
