/* SPDX-License-Identifier: BSD-2-Clause */
/* lock_ref: a ticket lock: one locked add to take it, one plain store to give it.
 *
 * tests/bench/fast_test.sh compares ref_lock_take and ref_lock_give with the compiled core/lock.h. */
#include "ref.h"

static inline __attribute__((always_inline)) void take(struct ref_lock *l)
{
    uint16_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    if (__builtin_expect(__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket, 0))
        ref_lock_wait(l, ticket);
}

static inline __attribute__((always_inline)) void give(struct ref_lock *l)
{
    uint16_t serving = __atomic_load_n(&l->serving, __ATOMIC_RELAXED);
    __atomic_store_n(&l->serving, (uint16_t)(serving + 1), __ATOMIC_RELEASE);
}

void ref_lock_take(struct ref_lock *l)
{
    take(l);
}

void ref_lock_give(struct ref_lock *l)
{
    give(l);
}

void ref_lock_rounds(struct ref_lock *l, uint64_t *counter, uint64_t n)
{
    for (; n; n--) {
        take(l);
        __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
        give(l);
    }
}
