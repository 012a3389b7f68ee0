// Reference-counted kernel objects: Ref<T> owns one reference; RefCounted<T> is the count inside the object.
#pragma once

#include <kernel/base/assert.hpp>
#include <kernel/base/types.hpp>
#include <kernel/hal/atomic.hpp>
#include <utility>

namespace takt {

// Derive as class Pipe : public RefCounted<Pipe>. Deleted through `delete` when the last reference goes, in the
// context of whoever drops it.
template <typename T>
class RefCounted {
public:
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

    void add_reference() const
    {
        u32 before = references_.fetch_add(1, Order::relaxed);
        ASSERT(before != 0 && before < 0x7fffffff);
    }
    // Fails when the last reference is gone already (a table that holds no reference looks an object up).
    bool try_add_reference() const
    {
        u32 seen = references_.load(Order::relaxed);
        while (seen != 0)  // bound: other CPUs' concurrent changes
            if (references_.compare_exchange(seen, seen + 1, Order::acquire)) return true;
        return false;
    }
    void drop_reference() const
    {
        // Partner: every other drop; the last one sees all writes made under earlier references.
        u32 before = references_.fetch_sub(1, Order::acq_rel);
        ASSERT(before != 0);
        if (before == 1) {
            // What T wants done while the whole object, derived parts too, still stands.
            if constexpr (requires(const T& object) { object.last_reference_gone(); })
                static_cast<const T*>(this)->last_reference_gone();
            delete static_cast<const T*>(this);
        }
    }
    u32 reference_count() const { return references_.load(Order::relaxed); }

protected:
    RefCounted() = default;
    ~RefCounted() = default;

private:
    mutable Atomic<u32> references_{1};
};

template <typename T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    Ref(const Ref& other) : object_(other.object_)
    {
        if (object_) object_->add_reference();
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <typename U>
    requires std::is_convertible_v<U*, T*> Ref(Ref<U> other) : object_(other.release()) {}
    Ref& operator=(Ref other) noexcept
    {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref()
    {
        if (object_) object_->drop_reference();
    }

    // Takes over a reference that exists already (a new object's first one).
    static Ref adopt(T* object)
    {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    // Adds a reference to an object that the caller knows to be alive.
    static Ref share(T& object)
    {
        object.add_reference();
        return adopt(&object);
    }
    [[nodiscard]] T* release() { return std::exchange(object_, nullptr); }

    T* get() const { return object_; }
    T& operator*() const
    {
        ASSERT(object_);
        return *object_;
    }
    T* operator->() const
    {
        ASSERT(object_);
        return object_;
    }
    explicit operator bool() const { return object_ != nullptr; }
    bool operator==(const Ref& other) const { return object_ == other.object_; }

private:
    T* object_ = nullptr;
};

}  // namespace takt
