/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: string output (rep outsb), wide reads of ports, an access to memory that is not there. Exit code: how many of the
 * answers were as expected, 5. */
#include "guest.h"
    .code16
    .globl start
start:
    xorw %bx, %bx
    movw %bx, %ds
    cld
    movw $text, %si
    movw $(end - text), %cx
    movw $COM1, %dx
    rep outsb
    movw $0xcf8, %dx          /* PCI: an empty bus, whatever is written */
    movl $0x80000000, %eax
    outl %eax, %dx
    inl %dx, %eax
    cmpl $0xffffffff, %eax
    jne 1f
    incw %bx
1:  movw $0x604, %dx          /* ACPI control: only its enable bit */
    inw %dx, %ax
    cmpw $1, %ax
    jne 2f
    incw %bx
2:  inb $0x92, %al            /* A20 is on */
    cmpb $2, %al
    jne 3f
    incw %bx
3:  movw $0xa000, %ax         /* a hole: reads as all ones */
    movw %ax, %ds
    movl 0x10, %eax
    cmpl $0xffffffff, %eax
    jne 4f
    incw %bx
4:  movw %ax, 0x10            /* and swallows writes */
    movw 0x10, %ax
    cmpw $0xffff, %ax
    jne 5f
    incw %bx
5:  movb %bl, %al
    outb %al, $DEBUG_EXIT
6:  hlt
    jmp 6b
text:
    .ascii "a string at once\n"
end:
