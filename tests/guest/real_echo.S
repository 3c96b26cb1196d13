/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: echoes serial input by interrupt (IRQ 4 through the first PIC), halting in between. 'q' ends it; the exit code is
 * how many interrupts came, at most 200. */
#include "guest.h"
#define VECTOR 0x20
    .code16
    .globl start
start:
    cli
    xorw %bx, %bx
    movw %bx, %ds
    movw %bx, %ss
    movw $0x7c00, %sp
    movw $handler, (VECTOR + 4) * 4
    movw %bx, (VECTOR + 4) * 4 + 2
    movb $0x11, %al           /* PIC: edge, cascade, vectors from VECTOR, 8086 mode */
    outb %al, $0x20
    movb $VECTOR, %al
    outb %al, $0x21
    movb $4, %al
    outb %al, $0x21
    movb $1, %al
    outb %al, $0x21
    movb $0xef, %al           /* only line 4 */
    outb %al, $0x21
    movw $(COM1 + 4), %dx     /* OUT2: interrupts go through */
    movb $8, %al
    outb %al, %dx
    movw $(COM1 + 1), %dx     /* on received data */
    movb $1, %al
    outb %al, %dx
    movb $'>', %al
    PUT_AL
1:  sti
    hlt
    jmp 1b

handler:
    incw %bx
2:  movw $(COM1 + 5), %dx
    inb %dx, %al
    testb $1, %al
    jz 3f
    movw $COM1, %dx
    inb %dx, %al
    cmpb $'q', %al
    je 4f
    outb %al, %dx
    jmp 2b
3:  movb $0x20, %al           /* end of interrupt */
    outb %al, $0x20
    iret
4:  movw %bx, %ax
    cmpw $200, %ax
    jbe 5f
    movb $200, %al
5:  outb %al, $DEBUG_EXIT
6:  hlt
    jmp 6b
