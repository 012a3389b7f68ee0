# hal/user_access.hpp on a PC. Each instruction that touches user memory has a row in .ex_table: where to go on when its
# page fault can't be served. With SMAP the processor lets us at user pages only between stac and clac.

.macro access_begin
    cmpb $0, _ZN4takt7machine8has_smapE(%rip)
    je 9f
    stac
9:
.endm
.macro access_end
    cmpb $0, _ZN4takt7machine8has_smapE(%rip)
    je 9f
    clac
9:
.endm
.macro on_fault at, to
    .pushsection .ex_table, "a"
    .balign 8
    .quad \at, \to
    .popsection
.endm

.text

# u64 takt_user_copy(void* to, const void* from, u64 bytes): the bytes not copied. Either side may be the user's.
.globl takt_user_copy
.type takt_user_copy, @function
takt_user_copy:
    access_begin
    cmp $64, %rdx
    ja .Lcopy_long
    mov %edx, %ecx
    shr $3, %ecx
    jz .Lcopy_tail
.Lcopy_word:
.Lcopy_word_load:
    mov (%rsi), %rax
.Lcopy_word_store:
    mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    dec %ecx
    jnz .Lcopy_word
.Lcopy_tail:
    test $4, %dl
    jz .Lcopy_bytes
.Lcopy_half_load:
    mov (%rsi), %eax
.Lcopy_half_store:
    mov %eax, (%rdi)
    add $4, %rsi
    add $4, %rdi
    and $3, %edx
    jmp .Lcopy_last
.Lcopy_bytes:
    and $3, %edx
.Lcopy_last:
    mov %edx, %ecx
    jmp .Lcopy_byte_test
.Lcopy_byte:
.Lcopy_byte_load:
    movb (%rsi), %al
.Lcopy_byte_store:
    movb %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
.Lcopy_byte_test:
    test %rcx, %rcx
    jnz .Lcopy_byte
.Lcopy_done:
    mov %rcx, %rax
    access_end
    ret
.Lcopy_long:
    mov %rdx, %rcx
    shr $3, %rcx
.Lcopy_long_words:
    rep movsq
    and $7, %edx
    mov %edx, %ecx
.Lcopy_long_bytes:
    rep movsb
    jmp .Lcopy_done
# A word of eight could not be copied: its good bytes can.
.Lcopy_word_fault:
    and $7, %edx
    lea (%rdx, %rcx, 8), %rcx
    jmp .Lcopy_byte_test
.Lcopy_half_fault:
    and $7, %edx
    mov %edx, %ecx
    jmp .Lcopy_byte_test
on_fault .Lcopy_word_load, .Lcopy_word_fault
on_fault .Lcopy_word_store, .Lcopy_word_fault
on_fault .Lcopy_half_load, .Lcopy_half_fault
on_fault .Lcopy_half_store, .Lcopy_half_fault
on_fault .Lcopy_byte_load, .Lcopy_done
on_fault .Lcopy_byte_store, .Lcopy_done
on_fault .Lcopy_long_words, .Lcopy_word_fault
on_fault .Lcopy_long_bytes, .Lcopy_done
.size takt_user_copy, . - takt_user_copy

# u64 takt_user_zero(void* to, u64 bytes): the bytes not cleared.
.globl takt_user_zero
.type takt_user_zero, @function
takt_user_zero:
    access_begin
    mov %rsi, %rdx
    mov %rsi, %rcx
    shr $3, %rcx
    xor %eax, %eax
.Lzero_words:
    rep stosq
    and $7, %edx
    mov %edx, %ecx
.Lzero_bytes:
    rep stosb
.Lzero_done:
    mov %rcx, %rax
    access_end
    ret
.Lzero_fault:
    and $7, %edx
    lea (%rdx, %rcx, 8), %rcx
    jmp .Lzero_bytes
on_fault .Lzero_words, .Lzero_fault
on_fault .Lzero_bytes, .Lzero_done
.size takt_user_zero, . - takt_user_zero

# i64 takt_user_string(char* to, const char* from, u64 capacity): the length, capacity without a NUL, -1 for a fault.
# Eight characters a step while none of them is NUL: (x - 0x01..01) & ~x & 0x80..80 is zero.
.globl takt_user_string
.type takt_user_string, @function
takt_user_string:
    access_begin
    xor %ecx, %ecx
    movabs $0x0101010101010101, %r8
    movabs $0x8080808080808080, %r9
.Lstring_word:
    lea 8(%rcx), %r10
    cmp %rdx, %r10
    ja .Lstring_byte
.Lstring_word_load:
    mov (%rsi, %rcx), %rax
    mov %rax, %r11
    not %r11
    and %r9, %r11
    mov %rax, (%rdi, %rcx)
    sub %r8, %rax
    test %r11, %rax
    jnz .Lstring_byte
    mov %r10, %rcx
    jmp .Lstring_word
.Lstring_byte:
    cmp %rdx, %rcx
    jae .Lstring_done
.Lstring_byte_load:
    movb (%rsi, %rcx), %al
    movb %al, (%rdi, %rcx)
    test %al, %al
    jz .Lstring_done
    inc %rcx
    jmp .Lstring_byte
.Lstring_done:
    mov %rcx, %rax
    access_end
    ret
.Lstring_fault:
    mov $-1, %rcx
    jmp .Lstring_done
on_fault .Lstring_word_load, .Lstring_byte
on_fault .Lstring_byte_load, .Lstring_fault
.size takt_user_string, . - takt_user_string

# u64 takt_user_load(const u32* from): the value, or -1 in 64 bits for a fault.
.globl takt_user_load
.type takt_user_load, @function
takt_user_load:
    access_begin
.Lload:
    mov (%rdi), %eax
.Lload_done:
    access_end
    ret
.Lload_fault:
    mov $-1, %rax
    jmp .Lload_done
on_fault .Lload, .Lload_fault
.size takt_user_load, . - takt_user_load

# u64 takt_user_compare_exchange(u32* at, u32 expected, u32 desired): the value seen, or -1 in 64 bits for a fault.
.globl takt_user_compare_exchange
.type takt_user_compare_exchange, @function
takt_user_compare_exchange:
    access_begin
    mov %esi, %eax
.Lexchange:
    lock cmpxchg %edx, (%rdi)
    mov %eax, %eax
.Lexchange_done:
    access_end
    ret
.Lexchange_fault:
    mov $-1, %rax
    jmp .Lexchange_done
on_fault .Lexchange, .Lexchange_fault
.size takt_user_compare_exchange, . - takt_user_compare_exchange

.section .note.GNU-stack, "", @progbits
