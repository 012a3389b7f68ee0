// Identity: what uname(2) and /proc/sys/kernel say the system is.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/base/text.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class Identity {
public:
    static constexpr usize name_length_max = 64;  // __NEW_UTS_LEN

    // Programs look at these to know the system call interface: it is Linux's.
    static constexpr std::string_view system = "Linux";
    static constexpr std::string_view release = "6.1.0-takt";
    static constexpr std::string_view version = "#1 SMP PREEMPT_RT";
    static constexpr std::string_view machine = "x86_64";

    enum class Name : u8 { host, domain };
    void get(MayLock& context, Name which, TextSink& text);
    // Permission was checked. Errors: einval (too long).
    Result<void> set(MayLock& context, Name which, std::string_view name);

private:
    struct Text {
        char bytes[name_length_max] = {};
        usize length = 0;
    };
    Lock<Rank::object> lock_;
    Text names_[2] GUARDED_BY(lock_) = {{"(none)", 6}, {"(none)", 6}};
};

}  // namespace takt
