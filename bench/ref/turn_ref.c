/* SPDX-License-Identifier: BSD-2-Clause */
/* turn_ref: a turn word handed to and fro: by polling its cache line (no PAUSE: it costs a fifth more), and by futex.
 *
 * The message lies in the same line as the turn: two transfers of ownership a round trip, and no more. */
#include "ref.h"
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void ref_line_ping(struct ref_turn *t, uint64_t n)
{
    for (; n; n--) {
        __atomic_store_n(&t->turn, 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&t->turn, __ATOMIC_ACQUIRE) != 0)
            ;
    }
}

void ref_line_pong(struct ref_turn *t, uint64_t n)
{
    for (; n; n--) {
        while (__atomic_load_n(&t->turn, __ATOMIC_ACQUIRE) != 1)
            ;
        __atomic_store_n(&t->turn, 0, __ATOMIC_RELEASE);
    }
}

static inline void hand_over(struct ref_turn *t, uint32_t to)
{
    __atomic_store_n(&t->turn, to, __ATOMIC_RELEASE);
    syscall(SYS_futex, &t->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static inline void wait_for(struct ref_turn *t, uint32_t mine)
{
    while (__atomic_load_n(&t->turn, __ATOMIC_ACQUIRE) != mine)
        syscall(SYS_futex, &t->turn, FUTEX_WAIT_PRIVATE, 1 - mine, NULL, NULL, 0);
}

void ref_futex_ping(struct ref_turn *t, uint64_t n)
{
    for (; n; n--) {
        hand_over(t, 1);
        wait_for(t, 0);
    }
}

void ref_futex_pong(struct ref_turn *t, uint64_t n)
{
    for (; n; n--) {
        wait_for(t, 1);
        hand_over(t, 0);
    }
}
