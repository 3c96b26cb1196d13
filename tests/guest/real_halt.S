/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: halts with interrupts off, for ever. */
#include "guest.h"
    .code16
    .globl start
start:
    movb $'.', %al
    PUT_AL
    cli
1:  hlt
    jmp 1b
