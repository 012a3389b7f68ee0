# Every way into the kernel and out of it.
#
# Per-CPU words at GS (machine/cpu_state.hpp, checked in traps.cpp):
.set CPU_CURRENT, 8
.set CPU_USER_STACK, 16
.set CPU_PREEMPT, 32
.set CPU_STACK0, 64
# Thread (sched/thread.hpp, checked in traps.cpp):
.set THREAD_WORK, TAKT_THREAD_WORK
# The frame that entry from user mode builds is machine/user_frame.hpp.

.macro PUSH_ALL
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro POP_ALL
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
.endm

# The user's AC flag would let the kernel at user memory (SMAP).
.macro CLEAR_ALIGNMENT_CHECK
    testb $4, 146(%rsp)         # bit 18 of rflags
    jz 2f
    pushfq
    andl $~0x40000, (%rsp)
    popfq
2:
.endm

.section .text.entry, "ax"

# --- System calls. rcx: user rip, r11: user rflags, interrupts off (SFMASK).
.align 16
.globl takt_system_call_entry
takt_system_call_entry:
    swapgs
    mov %rsp, %gs:CPU_USER_STACK
    mov %gs:CPU_STACK0, %rsp
    push $0x2b
    push %gs:CPU_USER_STACK
    push %r11
    push $0x33
    push %rcx
    push %rax                   # orig_rax
    PUSH_ALL
    sti
    mov %rsp, %rdi
    xor %ebp, %ebp              # backtraces end here
    call takt_system_call       # result in rax and in the frame
.globl takt_system_call_exit
takt_system_call_exit:
    cli
    mov %gs:CPU_CURRENT, %rcx
    cmpl $0, THREAD_WORK(%rcx)
    jne takt_return_with_work
    # A system call changes rax, rcx and r11 only; rbx, rbp, r12-r15 are as C++ preserved them, but rbp was cleared.
    mov 32(%rsp), %rbp
    mov 56(%rsp), %r10
    mov 64(%rsp), %r9
    mov 72(%rsp), %r8
    mov 96(%rsp), %rdx
    mov 104(%rsp), %rsi
    mov 112(%rsp), %rdi
    mov 128(%rsp), %rcx
    mov 144(%rsp), %r11
    mov 152(%rsp), %rsp
    swapgs
    sysretq

# --- `syscall` in 32-bit code, where the processor has it: there are no such calls. Still the user's stack and GS.
.align 16
.globl takt_compatible_call_entry
takt_compatible_call_entry:
    mov $-38, %eax              # ENOSYS
    sysretl

# --- Back to user mode with something to do first: signals, ptrace, restartable sequences. Interrupts off.
.globl takt_return_with_work
takt_return_with_work:
    mov %rsp, %rdi
    xor %ebp, %ebp
    call takt_return_work       # returns with interrupts off and no work left
.globl takt_return_from_frame
takt_return_from_frame:
    POP_ALL
    add $8, %rsp
    swapgs
.globl takt_user_iret
takt_user_iret:
    iretq

# The instruction above faults on an address that is not canonical: a fault of the user's, whose registers and frame are
# all still there. The processor's frame for it holds where that frame begins.
takt_bad_return:
    swapgs
    mov 32(%rsp), %rsp
    push $0
    PUSH_ALL
    mov %rsp, %rdi
    mov $13, %esi
    cld
    xor %ebp, %ebp
    call takt_user_exception
    cli
    jmp takt_return_user

# A new user thread's first steps: its kernel stack holds a user frame.
.globl takt_user_thread_start
takt_user_thread_start:
    add $16, %rsp
    xor %ebp, %ebp
    call takt_after_first_switch
    cli
    mov %gs:CPU_CURRENT, %rcx
    cmpl $0, THREAD_WORK(%rcx)
    jne takt_return_with_work
    jmp takt_return_from_frame

# A new kernel thread: its stack holds entry function and argument.
.globl takt_kernel_thread_start
takt_kernel_thread_start:
    pop %r12
    pop %r13
    xor %ebp, %ebp
    call takt_after_first_switch
    mov %r13, %rdi
    call *%r12
    ud2

# --- Interrupts. From kernel mode only what C++ may change is saved; from user mode the whole frame.
.macro INTERRUPT name, handler, vector
.align 16
.globl \name
\name:
    testb $3, 8(%rsp)
    jnz 1f
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    addl $0x10000, %gs:CPU_PREEMPT
    mov $\vector, %edi
    cld
    call \handler
    subl $0x10000, %gs:CPU_PREEMPT
    jz takt_preempt_kernel
    jmp takt_return_kernel
1:  swapgs
    push $-1
    PUSH_ALL
    CLEAR_ALIGNMENT_CHECK
    addl $0x10000, %gs:CPU_PREEMPT
    mov $\vector, %edi
    cld
    xor %ebp, %ebp
    call \handler
    subl $0x10000, %gs:CPU_PREEMPT
    jz takt_preempt_user
    jmp takt_return_user
.endm

takt_preempt_kernel:
    call takt_preempt_from_interrupt
takt_return_kernel:
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    iretq

takt_preempt_user:
    call takt_preempt_from_interrupt
takt_return_user:
    mov %gs:CPU_CURRENT, %rcx
    cmpl $0, THREAD_WORK(%rcx)
    jne takt_return_with_work
    jmp takt_return_from_frame

INTERRUPT takt_timer_entry, takt_timer_interrupt, 0xf0
INTERRUPT takt_reschedule_entry, takt_reschedule_interrupt, 0xe0
INTERRUPT takt_tlb_entry, takt_tlb_interrupt, 0xe1
INTERRUPT takt_call_entry, takt_call_interrupt, 0xf1
INTERRUPT takt_spurious_entry, takt_spurious_interrupt, 0xff

.altmacro
.set vector, 0x30
.rept 0x80
    .macro DEVICE_STUB number
    INTERRUPT takt_device_entry_\number, takt_device_interrupt, \number
    .endm
    DEVICE_STUB %vector
    .purgem DEVICE_STUB
    .set vector, vector + 1
.endr

.section .rodata
.align 8
.globl takt_device_entries
takt_device_entries:
.set vector, 0x30
.rept 0x80
    .macro DEVICE_ADDRESS number
    .quad takt_device_entry_\number
    .endm
    DEVICE_ADDRESS %vector
    .purgem DEVICE_ADDRESS
    .set vector, vector + 1
.endr
.section .text.entry, "ax"

# --- Exceptions: always the whole frame; the error code (or 0) stands in orig_rax.
.macro EXCEPTION number, has_error
.align 16
takt_exception_\number:
    .if \has_error == 0
    push $0
    .endif
    testb $3, 16(%rsp)
    jz 1f
    swapgs
    PUSH_ALL
    CLEAR_ALIGNMENT_CHECK
    mov %rsp, %rdi
    mov $\number, %esi
    cld
    xor %ebp, %ebp
    call takt_user_exception
    cli
    jmp takt_return_user
1:
    .if \number == 13
    cmpq $takt_user_iret, 8(%rsp)
    je takt_bad_return
    .endif
    PUSH_ALL
    mov %rsp, %rdi
    mov $\number, %esi
    cld
    call takt_kernel_exception
    POP_ALL
    add $8, %rsp
    iretq
.endm

# Those on their own stacks (NMI, double fault, machine check): GS may be the user's, whatever CS says; the stack's top
# holds this CPU's state.
.macro PARANOID number, has_error
.align 16
takt_exception_\number:
    .if \has_error == 0
    push $0
    .endif
    PUSH_ALL
    cld
    mov $0xc0000101, %ecx       # GS base
    rdmsr
    mov %eax, %r12d
    mov %edx, %r13d
    mov 168(%rsp), %rax         # above the hardware frame
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr
    mov %rsp, %rdi
    mov $\number, %esi
    call takt_paranoid_exception
    mov $0xc0000101, %ecx
    mov %r12d, %eax
    mov %r13d, %edx
    wrmsr
    POP_ALL
    add $8, %rsp
    iretq
.endm

EXCEPTION 0, 0
EXCEPTION 1, 0
PARANOID 2, 0
EXCEPTION 3, 0
EXCEPTION 4, 0
EXCEPTION 5, 0
EXCEPTION 6, 0
EXCEPTION 7, 0
PARANOID 8, 1
EXCEPTION 9, 0
EXCEPTION 10, 1
EXCEPTION 11, 1
EXCEPTION 12, 1
EXCEPTION 13, 1
EXCEPTION 14, 1
EXCEPTION 15, 0
EXCEPTION 16, 0
EXCEPTION 17, 1
PARANOID 18, 0
EXCEPTION 19, 0
EXCEPTION 20, 0
EXCEPTION 21, 1
EXCEPTION 22, 0
EXCEPTION 23, 0
EXCEPTION 24, 0
EXCEPTION 25, 0
EXCEPTION 26, 0
EXCEPTION 27, 0
EXCEPTION 28, 0
EXCEPTION 29, 1
EXCEPTION 30, 1
EXCEPTION 31, 0

.section .rodata
.align 8
.globl takt_exception_entries
takt_exception_entries:
.irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .quad takt_exception_\number
.endr

# takt_enter_user_mode(UserFrame*): the thread's first way out, work bits first.
.section .text.entry, "ax"
.globl takt_enter_user_mode
takt_enter_user_mode:
    cli
    mov %rdi, %rsp
    jmp takt_return_user
