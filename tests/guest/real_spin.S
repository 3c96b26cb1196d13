/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: says that it runs, then counts for ever without an exit. */
#include "guest.h"
    .code16
    .globl start
start:
    movb $'s', %al
    PUT_AL
1:  incl %eax
    jmp 1b
