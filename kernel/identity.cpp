#include <algorithm>
#include <kernel/identity.hpp>

namespace takt {

void Identity::get(MayLock& context, Name which, TextSink& text)
{
    LockGuard guard(lock_, context);
    const Text& name = names_[static_cast<usize>(which)];
    text.append({name.bytes, name.length});
}

Result<void> Identity::set(MayLock& context, Name which, std::string_view name)
{
    if (name.size() > name_length_max) return Errno::einval;
    LockGuard guard(lock_, context);
    Text& text = names_[static_cast<usize>(which)];
    std::copy_n(name.data(), name.size(), text.bytes);
    text.length = name.size();
    return {};
}

}  // namespace takt
