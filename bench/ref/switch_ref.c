/* SPDX-License-Identifier: BSD-2-Clause */
/* switch_ref: two contexts that switch to and fro: the floor of every message between two tasks of one CPU. */
#include "ref.h"
#include <stdlib.h>

enum { STACK_BYTES = 64 * 1024, SAVED_WORDS = 7 }; /* r15 r14 r13 r12 rbx rbp and the return address */

void ref_switch_entry(void);
_Noreturn void ref_switch_other(struct ref_switch *s);

_Noreturn void ref_switch_other(struct ref_switch *s)
{
    for (;;)
        ref_switch(&s->other_sp, s->main_sp);
}

bool ref_switch_open(struct ref_switch *s)
{
    s->stack = aligned_alloc(64, STACK_BYTES);
    if (!s->stack)
        return false;
    uint64_t *sp = (uint64_t *)(void *)(s->stack + STACK_BYTES) - SAVED_WORDS - 1;
    for (int i = 0; i < SAVED_WORDS; i++)
        sp[i] = 0;
    sp[4] = (uint64_t)s; /* rbx */
    sp[6] = (uint64_t)(uintptr_t)&ref_switch_entry;
    s->other_sp = sp;
    return true;
}

void ref_switch_rounds(struct ref_switch *s, uint64_t n)
{
    for (; n; n--)
        ref_switch(&s->main_sp, s->other_sp);
}

void ref_switch_close(struct ref_switch *s)
{
    free(s->stack);
}
