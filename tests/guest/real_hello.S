/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: says hello on COM1, exits with code 42. */
#include "guest.h"
    .code16
    .globl start
start:
    xorw %ax, %ax
    movw %ax, %ds
    movw $text, %si
    cld
1:  lodsb
    testb %al, %al
    jz 2f
    PUT_AL
    jmp 1b
2:  EXIT(42)
text:
    .asciz "hello from real mode\n"
