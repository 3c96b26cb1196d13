/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: an SSE2 instruction: runs on hardware KVM, and not where KVM interprets supervisor code. Exit code 0. */
#include "guest.h"
    .code16
    .globl start
start:
    movl %cr4, %eax
    orl $0x600, %eax
    movl %eax, %cr4
    xorps %xmm0, %xmm0
    EXIT(0)
