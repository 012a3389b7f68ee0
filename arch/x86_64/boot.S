# From the loader to C++: PVH (QEMU -kernel, Firecracker, Xen) and multiboot2 (GRUB) arrive in 32-bit protected mode
# with paging off. Long mode is entered with the first 4 GiB mapped twice: at 0 and at the kernel's base.
#
# Sources: Xen docs/misc/pvh.pandoc (HVM direct boot ABI); Multiboot2 specification 2.0, section 3; Intel SDM vol. 3,
# section 9.8.5 (switching to IA-32e mode).

.set KERNEL_BASE, 0xffffffff80000000

.section .note.pvh, "a"
    .align 4
    .long 4                     # name size
    .long 4                     # descriptor size
    .long 18                    # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long takt_pvh_entry

.section .multiboot, "a"
    .align 8
multiboot_header:
    .long 0xe85250d6
    .long 0                     # architecture: i386
    .long multiboot_header_end - multiboot_header
    .long -(0xe85250d6 + (multiboot_header_end - multiboot_header))
    .align 8
    .word 1, 1                  # information request, optional
    .long 24
    .long 1, 3, 6, 14           # command line, modules, memory map, RSDP
    .align 8
    .word 3, 0                  # entry address
    .long 12
    .long takt_multiboot_entry
    .align 8
    .word 6, 0                  # modules page-aligned
    .long 8
    .align 8
    .word 0, 0
    .long 8
multiboot_header_end:

.section .boot.text, "ax"
.code32
.globl takt_pvh_entry
takt_pvh_entry:
    cli
    mov $1, %ebp                # loader: PVH; %ebx is the start info
    jmp common
takt_multiboot_entry:
    cli
    mov $2, %ebp                # loader: multiboot2; %ebx is the information
common:
    cld
    mov $boot_stack_top, %esp
    # Four page directories of 2 MiB pages: 0..4 GiB.
    mov $boot_directories, %edi
    mov $0x83, %eax
    mov $2048, %ecx
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    movl $boot_directories + 0x0003, boot_low_pointers
    movl $boot_directories + 0x1003, boot_low_pointers + 8
    movl $boot_directories + 0x2003, boot_low_pointers + 16
    movl $boot_directories + 0x3003, boot_low_pointers + 24
    movl $boot_directories + 0x0003, boot_high_pointers + 510 * 8
    movl $boot_low_pointers + 3, boot_root
    movl $boot_low_pointers + 3, boot_root + 256 * 8
    movl $boot_high_pointers + 3, boot_root + 511 * 8
    mov $0x20, %eax             # CR4.PAE
    mov %eax, %cr4
    mov $boot_root, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx       # EFER: LME, NXE, SCE
    mov $0x901, %eax
    xor %edx, %edx
    wrmsr
    mov $0x80010001, %eax       # CR0: PG, WP, PE
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $8, $long_mode
.code64
long_mode:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    movabs $boot_high_entry, %rax
    jmp *%rax

.section .boot.data, "aw"
.align 4096
.globl boot_root
boot_root: .fill 4096, 1, 0
boot_low_pointers: .fill 4096, 1, 0
boot_high_pointers: .fill 4096, 1, 0
boot_directories: .fill 4 * 4096, 1, 0
.align 16
boot_gdt: .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer: .word 23
    .long boot_gdt
.align 16
    .fill 1024, 1, 0
boot_stack_top:

.section .text.entry, "ax"
boot_high_entry:
    lea takt_boot_stack_top(%rip), %rsp
    mov %ebx, %esi              # physical address of the loader's structure
    mov %ebp, %edi
    xor %ebp, %ebp
    call takt_boot
    ud2

.section .bss
.align 4096
.globl takt_boot_stack
takt_boot_stack: .fill 16384, 1, 0
.globl takt_boot_stack_top
takt_boot_stack_top:
