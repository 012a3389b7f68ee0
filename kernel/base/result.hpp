// Result<T>: a value or an Errno. TRY(x) unwraps or returns the error to the caller.
#pragma once

#include <abi/errno.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/base/types.hpp>
#include <new>
#include <type_traits>
#include <utility>

namespace takt {

template <typename T>
class [[nodiscard]] Result {
public:
    Result(Errno error) : error_(error) { ASSERT(error != Errno::none); }
    Result(T value) : error_(Errno::none) { new (&storage_) T(std::move(value)); }
    Result(Result&& other) noexcept : error_(other.error_)
    {
        if (ok()) new (&storage_) T(std::move(other.held()));
    }
    Result& operator=(Result&& other) noexcept
    {
        if (this != &other) {
            this->~Result();
            new (this) Result(std::move(other));
        }
        return *this;
    }
    ~Result()
    {
        if (ok()) held().~T();
    }

    bool ok() const { return error_ == Errno::none; }
    explicit operator bool() const { return ok(); }
    Errno error() const { return error_; }
    T& value() &
    {
        ASSERT(ok());
        return held();
    }
    T value() &&
    {
        ASSERT(ok());
        return std::move(held());
    }
    T value_or(T other) && { return ok() ? std::move(held()) : std::move(other); }

private:
    T& held() { return *std::launder(reinterpret_cast<T*>(&storage_)); }

    alignas(T) unsigned char storage_[sizeof(T)];
    Errno error_;
};

template <typename T>
requires std::is_trivially_copyable_v<T>
class [[nodiscard]] Result<T> {
public:
    constexpr Result(Errno error) : error_(error) { ASSERT(error != Errno::none); }
    constexpr Result(T value) : value_(value), error_(Errno::none) {}

    constexpr bool ok() const { return error_ == Errno::none; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr Errno error() const { return error_; }
    constexpr T value() const
    {
        ASSERT(ok());
        return value_;
    }
    constexpr T value_or(T other) const { return ok() ? value_ : other; }

private:
    T value_{};
    Errno error_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    constexpr Result() : error_(Errno::none) {}
    constexpr Result(Errno error) : error_(error) {}  // Errno::none is success

    constexpr bool ok() const { return error_ == Errno::none; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr Errno error() const { return error_; }
    constexpr void value() const { ASSERT(ok()); }

private:
    Errno error_;
};

}  // namespace takt

#define TRY(expression)                                                                                                \
    ({                                                                                                                 \
        auto&& try_result_ = (expression);                                                                             \
        if (!try_result_.ok()) [[unlikely]]                                                                            \
            return try_result_.error();                                                                                \
        std::move(try_result_).value();                                                                                \
    })
