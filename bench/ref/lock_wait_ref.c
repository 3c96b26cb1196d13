/* SPDX-License-Identifier: BSD-2-Clause */
/* lock_wait_ref: the contended path of the ticket lock, out of the way of the other. */
#include "ref.h"
#include <sched.h>

enum { TURNS = 1000 };

void ref_lock_wait(struct ref_lock *l, uint16_t ticket)
{
    for (unsigned turns = 0; __atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket; turns++)
        if (turns < TURNS)
            __builtin_ia32_pause();
        else
            sched_yield();
}
