/* SPDX-License-Identifier: BSD-2-Clause */
/* work_ref: a chain of dependent additions and rotations: so many units are so much time, and so many instructions. */
#include "ref.h"

void ref_work_rounds(uint64_t units, uint64_t n)
{
    uint64_t x = 1;
    for (; n; n--)
        for (uint64_t i = units; i; i--) {
            x += 0x9e3779b97f4a7c15u;
            __asm__ volatile("rol $7, %0" : "+r"(x));
        }
}
