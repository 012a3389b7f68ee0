// Signals as programs see them: sigaction(2), sigaltstack(2), siginfo codes, the frame on the stack of a handler.
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

// sa_flags.
namespace action_flag {
inline constexpr u64 no_child_stop = 0x1, no_child_wait = 0x2, siginfo = 0x4, expose_tag_bits = 0x800,
                     restorer = 0x04000000, on_stack = 0x08000000, restart = 0x10000000, no_defer = 0x40000000,
                     reset_handler = 0x80000000;
}

inline constexpr u64 handler_default = 0;  // SIG_DFL
inline constexpr u64 handler_ignore = 1;   // SIG_IGN

// how of sigprocmask(2).
inline constexpr i32 mask_block = 0, mask_unblock = 1, mask_set = 2;

// ss_flags of sigaltstack(2).
namespace stack_flag {
inline constexpr i32 on_stack = 1, disable = 2, auto_disarm = static_cast<i32>(0x80000000);
}
inline constexpr u64 signal_stack_size_min = 2048;  // MINSIGSTKSZ

// si_code of siginfo_t.
namespace signal_code {
inline constexpr i32 user = 0, kernel = 0x80, queue = -1, timer = -2, message_queue = -3, async_io = -4,
                     thread_kill = -6;
inline constexpr i32 ill_illopn = 2, fpe_intdiv = 1, fpe_fltdiv = 3, fpe_fltovf = 4, fpe_fltund = 5, fpe_fltres = 6,
                     fpe_fltinv = 7, segv_maperr = 1, segv_accerr = 2, bus_adraln = 1, bus_adrerr = 2, trap_brkpt = 1,
                     trap_trace = 2;
inline constexpr i32 child_exited = 1, child_killed = 2, child_dumped = 3, child_trapped = 4, child_stopped = 5,
                     child_continued = 6;
}  // namespace signal_code

// sigevent of timer_create(2) and mq_notify(3).
struct Sigevent {
    u64 value;
    i32 signal;
    i32 notify;
    i32 thread;
    i32 pad[11];
};
static_assert(sizeof(Sigevent) == 64);
inline constexpr i32 notify_signal = 0, notify_none = 1, notify_thread = 2, notify_thread_id = 4;

// --- The frame of a handler on x86-64 (<sys/ucontext.h>, <asm/sigcontext.h>).

struct MachineContext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 error, trap, old_mask, fault_address;
    u64 vector_state;
    u64 reserved[8];
};
static_assert(sizeof(MachineContext) == 256);

struct UserContext {
    u64 flags;
    u64 link;
    SignalStack stack;
    MachineContext machine;
    u64 mask;
};
static_assert(sizeof(UserContext) == 304);

namespace user_context_flag {
inline constexpr u64 extended_state = 1, stack_segment = 2, strict_stack_segment = 4;
}

struct SignalFrame {
    u64 return_address;  // sa_restorer
    UserContext context;
    Siginfo info;
};
static_assert(sizeof(SignalFrame) == 440);

// The bytes of an FXSAVE area that are software's: bytes 464..511.
struct VectorStateSoftware {
    u32 magic1;
    u32 extended_size;  // with the second magic number
    u64 features;
    u32 state_size;
    u32 padding[7];
};
static_assert(sizeof(VectorStateSoftware) == 48);
inline constexpr u32 vector_state_software_offset = 464;
inline constexpr u32 vector_state_magic1 = 0x46505853;
inline constexpr u32 vector_state_magic2 = 0x46505845;

}  // namespace takt::abi
