/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: runs into memory that is not there, which no KVM can do. */
#include "guest.h"
    .code16
    .globl start
start:
    movl $0x12345678, %eax
    ljmp $0xa000, $0x0010
