#include <kernel/fs/growing_text.hpp>

namespace takt {

namespace {
constexpr usize first_capacity = 1024;
constexpr usize capacity_max = 4u << 20;
}  // namespace

GrowingText::GrowingText(MayLock& context) : TextSink(nullptr, 0), context_(context) { grow_ = grow; }

GrowingText::~GrowingText() { free(buffer_); }

char* GrowingText::release()
{
    char* memory = buffer_;
    buffer_ = nullptr;
    capacity_ = 0;
    length_ = 0;
    return memory;
}

bool GrowingText::grow(TextSink& sink)
{
    auto& text = static_cast<GrowingText&>(sink);
    usize capacity = text.capacity_ ? text.capacity_ * 2 : first_capacity;
    if (capacity > capacity_max) return false;
    auto* memory = static_cast<char*>(allocate(text.context_, capacity));
    if (!memory) return false;
    __builtin_memcpy(memory, text.buffer_, text.length_);
    free(text.buffer_);
    text.buffer_ = memory;
    text.capacity_ = capacity;
    return true;
}

}  // namespace takt
