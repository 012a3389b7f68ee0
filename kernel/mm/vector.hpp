// Vector<T>: a growing array whose growth may fail.
#pragma once

#include <kernel/mm/allocate.hpp>
#include <span>

namespace takt {

template <typename T>
class Vector {
public:
    Vector() = default;
    Vector(Vector&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0))
    {
    }
    Vector& operator=(Vector&& other) noexcept
    {
        if (this != &other) {
            this->~Vector();
            new (this) Vector(std::move(other));
        }
        return *this;
    }
    ~Vector()
    {
        clear();
        free(data_);
    }

    // Errors: enomem. Amortised O(1).
    Result<void> push_back(MayLock& context, T value)
    {
        TRY(reserve(context, size_ + 1));
        new (data_ + size_++) T(std::move(value));
        return {};
    }
    Result<void> reserve(MayLock& context, usize wanted)
    {
        if (wanted <= capacity_) return {};
        usize capacity = capacity_ * 2 > wanted ? capacity_ * 2 : wanted;
        if (capacity < 8) capacity = 8;
        T* data = static_cast<T*>(allocate(context, capacity * sizeof(T)));
        if (!data) return Errno::enomem;
        for (usize index = 0; index < size_; index++) {
            new (data + index) T(std::move(data_[index]));
            data_[index].~T();
        }
        free(data_);
        data_ = data;
        capacity_ = capacity;
        return {};
    }
    // New elements are value-initialised.
    Result<void> resize(MayLock& context, usize size)
    {
        TRY(reserve(context, size));
        while (size_ > size) pop_back();
        while (size_ < size) new (data_ + size_++) T();
        return {};
    }
    void pop_back()
    {
        ASSERT(size_ > 0);
        data_[--size_].~T();
    }
    void clear()
    {
        while (size_ > 0) pop_back();
    }

    T& operator[](usize index)
    {
        ASSERT(index < size_);
        return data_[index];
    }
    const T& operator[](usize index) const
    {
        ASSERT(index < size_);
        return data_[index];
    }
    T& back() { return (*this)[size_ - 1]; }
    usize size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T* data() { return data_; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }
    std::span<T> span() { return {data_, size_}; }

private:
    T* data_ = nullptr;
    usize size_ = 0;
    usize capacity_ = 0;
};

}  // namespace takt
