# void takt_sim_switch(void** save, void* load): leaves the present host stack, its position in *save, for another.
# The floating-point control words are the process's and stay as they are.
.text
.globl takt_sim_switch
.type takt_sim_switch, @function
takt_sim_switch:
    .cfi_startproc
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    push %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    push %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    push %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    push %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    push %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    pop %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    pop %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    pop %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    pop %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    pop %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    ret
    .cfi_endproc
.size takt_sim_switch, . - takt_sim_switch

# Where a new fibre begins: its function in rbx, the argument in r12. It never returns.
.globl takt_sim_fiber_start
.type takt_sim_fiber_start, @function
takt_sim_fiber_start:
    .cfi_startproc
    .cfi_undefined rip
    mov %r12, %rdi
    call *%rbx
    ud2
    .cfi_endproc
.size takt_sim_fiber_start, . - takt_sim_fiber_start
.section .note.GNU-stack, "", @progbits
