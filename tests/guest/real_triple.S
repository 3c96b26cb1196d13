/* SPDX-License-Identifier: BSD-2-Clause */
/* Protected mode with an interrupt table that has no entry, then an invalid instruction: triple fault. (In real mode the table's
 * limit is not looked at by every KVM.) */
#include "guest.h"
    .code16
    .globl start
start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl gdt_pointer
    lidtl nothing
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $8, $1f
    .code32
1:  ud2
2:  jmp 2b
    .align 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
gdt_pointer:
    .word 15
    .long gdt
nothing:
    .word 0
    .long 0
