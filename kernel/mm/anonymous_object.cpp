#include <kernel/kernel.hpp>
#include <kernel/mm/anonymous_object.hpp>

namespace takt {

Result<Ref<AnonymousObject>> AnonymousObject::create(MayBlock& context, u64 bytes, std::string_view name,
                                                     u64 inode_number)
{
    u64 pages = page_ceiling(bytes) >> page_shift;
    if (page_ceiling(bytes) < bytes || pages > hal::kernel().frames.total()) return Errno::enomem;
    return make_ref<AnonymousObject>(context, pages, name, inode_number);
}

AnonymousObject::AnonymousObject(u64 pages, std::string_view name, u64 inode_number)
    : pages_(pages), inode_number_(inode_number)
{
    name.copy(name_, sizeof name_ - 1);
    hal::kernel().frames.add_committed(static_cast<i64>(pages_));
}

AnonymousObject::~AnonymousObject() { hal::kernel().frames.add_committed(-static_cast<i64>(pages_)); }

Result<FrameRef> AnonymousObject::page(MayBlock& context, u64 index, bool create)
{
    if (index >= pages_) return Errno::efault;
    MutexGuard guard(mutex_, context);
    FrameNumber found = frames_.find(index);
    if (found.value != 0) return FrameRef::share(found);
    if (!create) return FrameRef();
    FrameRef frame = TRY(hal::kernel().frames.allocate_user(context, FrameUse::object));
    FrameNumber number = frame.number();
    TRY(frames_.insert(context, index, std::move(frame)));
    return FrameRef::share(number);
}

void AnonymousObject::describe(MayBlock&, TextSink& sink) { sink.append(std::string_view(name_)); }

u64 AnonymousObject::resident_pages(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    return frames_.count();
}

}  // namespace takt
