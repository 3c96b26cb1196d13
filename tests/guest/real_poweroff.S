/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: powers off by ACPI's PM1a control register, sleep type 5. */
#include "guest.h"
    .code16
    .globl start
start:
    movw $0x604, %dx
    movw $(5 << 10 | 1 << 13), %ax
    outw %ax, %dx
1:  hlt
    jmp 1b
