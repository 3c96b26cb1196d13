/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: resets the machine by the keyboard controller. */
#include "guest.h"
    .code16
    .globl start
start:
    inb $0x64, %al            /* wait until it takes commands */
    testb $2, %al
    jnz start
    movb $0xfe, %al
    outb %al, $0x64
1:  hlt
    jmp 1b
