// GrowingText: a TextSink on the heap that doubles when it is full.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/mm/allocate.hpp>

namespace takt {

class GrowingText : public TextSink {
public:
    // Keeps `context` for allocation: must not outlive it. Appending may allocate: fine under a Lock or Mutex, not
    // under a RawSpinLock. truncated() after use means that memory ran out.
    explicit GrowingText(MayLock& context);
    ~GrowingText();
    GrowingText(const GrowingText&) = delete;
    GrowingText& operator=(const GrowingText&) = delete;

    // Gives the memory to the caller, who free()s it.
    char* release();
    usize capacity() const { return capacity_; }

private:
    static bool grow(TextSink& sink);
    MayLock& context_;
};

}  // namespace takt
