# The vDSO's shared object, inside the kernel's image.
    .section .rodata
    .globl takt_vdso_image
    .globl takt_vdso_image_end
    .balign 16
takt_vdso_image:
    .incbin TAKT_VDSO_FILE
takt_vdso_image_end:
    .section .note.GNU-stack, "", @progbits
