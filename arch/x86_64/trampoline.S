# Application processors start here, in real mode, at a 4 KiB page below 1 MiB where smp.cpp copies this. The words at
# the end are filled in before each start. From there straight to long mode with the kernel's own page table, in which
# this one page is mapped to itself meanwhile.
.section .rodata
.globl takt_trampoline_start, takt_trampoline_end, takt_trampoline_root, takt_trampoline_stack, takt_trampoline_cpu
.code16
.align 16
takt_trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    xor %ebx, %ebx
    mov %cs, %bx
    shl $4, %ebx                # our linear base
    lea (gdt - takt_trampoline_start)(%ebx), %eax
    mov %eax, gdt_pointer - takt_trampoline_start + 2
    lgdtl gdt_pointer - takt_trampoline_start
    mov $0x20, %eax
    mov %eax, %cr4
    mov takt_trampoline_root - takt_trampoline_start, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $0x901, %eax
    xor %edx, %edx
    wrmsr
    mov $0x80010001, %eax
    mov %eax, %cr0
    lea (long_mode - takt_trampoline_start)(%ebx), %eax
    mov %eax, far_target - takt_trampoline_start
    ljmpl *(far_target - takt_trampoline_start)
.code64
long_mode:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov takt_trampoline_stack(%rip), %rsp
    mov takt_trampoline_cpu(%rip), %rdi
    xor %ebp, %ebp
    movabs $takt_application_processor, %rax
    call *%rax
    ud2
.align 8
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer: .word 23
    .long 0
far_target: .long 0
    .word 8
.align 8
takt_trampoline_root: .quad 0
takt_trampoline_stack: .quad 0
takt_trampoline_cpu: .quad 0
takt_trampoline_end:
