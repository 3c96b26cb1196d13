/* SPDX-License-Identifier: BSD-2-Clause */
/* lock: a FIFO spinlock (ticket lock), held only inside a scope.                                 Row core/lock
 *
 * State       next : the next ticket to hand out; serving : the ticket that holds the lock
 * Primitives  lock_take, lock_give, LOCK_SCOPE; lock_try: takes it if nobody has it
 * Invariants  serving <= next (as 16-bit counters that wrap); tickets are unique while there are fewer than 2^16 CPUs
 * Order       a lock's rank is its layer's row in src/LAYERS: only ever take a lock of a lower row than those held
 *             (checked in the check build)
 * Waiting     spins a bounded number of turns, then lets the engine give the host CPU away: with more CPUs than host
 *             cores the holder may not be running. Source: mC2's ticket lock (OSDI'16). */
#pragma once
#include "core/machine.h"
#include "layer_ranks.h" /* generated from src/LAYERS: LAYER_mm_frame, ... */

struct lock {
    _Atomic uint16_t next, serving;
#ifdef UKERN_CHECK
    uint16_t rank;
    uint32_t holder; /* CPU number, NO_ID: nobody */
#endif
};

void lock_wait(struct lock *l, uint16_t ticket); /* the contended path */
#ifdef UKERN_CHECK
void lock_taken(struct lock *l);  /* rank order, holder; then a point */
void lock_taken_second(struct lock *l); /* likewise; the innermost lock held is one of the same rank, at a lower address */
void lock_giving(struct lock *l);
#elif defined(UKERN_BUG_FAST_EVENT) /* an event of one store left in the fast build: tests/bench/fast_test.sh must see it */
static inline void lock_taken(struct lock *l) { atomic_store_explicit(&l->serving, 0, memory_order_relaxed); }
static inline void lock_giving(struct lock *l) { (void)l; }
#else
static inline void lock_taken(struct lock *l) { (void)l; }
static inline void lock_giving(struct lock *l) { (void)l; }
#endif
#ifndef UKERN_CHECK
static inline void lock_taken_second(struct lock *l) { lock_taken(l); }
#endif

static inline void lock_init(struct lock *l, uint32_t rank)
{
    atomic_init(&l->next, 0);
    atomic_init(&l->serving, 0);
#ifdef UKERN_CHECK
    l->rank = (uint16_t)rank;
    l->holder = NO_ID;
#endif
    (void)rank;
}

static inline void lock_queue(struct lock *l)
{
    /* relaxed: the ticket orders nothing by itself; the acquire below pairs with lock_give's release. */
    uint16_t ticket = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);
    if (unlikely(atomic_load_explicit(&l->serving, memory_order_acquire) != ticket))
        lock_wait(l, ticket);
}

static inline struct lock *lock_take(struct lock *l)
{
    lock_queue(l);
    lock_taken(l);
    return l;
}

/* The other lock of a pair: see lock_take_pair. */
static inline void lock_take_second(struct lock *l)
{
    lock_queue(l);
    lock_taken_second(l);
}

/* False: somebody has it. Overtakes nobody: whoever waits has a ticket. */
static inline bool lock_try(struct lock *l)
{
    /* acquire: as in lock_take. Tickets only grow, so when `next` still is what was served then, nobody has the lock. */
    uint16_t ticket = atomic_load_explicit(&l->serving, memory_order_acquire);
    if (!atomic_compare_exchange_strong_explicit(&l->next, &ticket, (uint16_t)(ticket + 1), memory_order_relaxed, memory_order_relaxed))
        return false;
    lock_taken(l);
    return true;
}

static inline void lock_give(struct lock *l)
{
    lock_giving(l);
    /* Only the holder writes serving, so a plain increment is enough; release publishes the critical section. */
    uint16_t now_serving = atomic_load_explicit(&l->serving, memory_order_relaxed);
    atomic_store_explicit(&l->serving, (uint16_t)(now_serving + 1), memory_order_release);
}

static inline void lock_leave(struct lock **l) { lock_give(*l); }
#define LOCK_SCOPE(l) LOCK_SCOPE_AT(l, __LINE__)
#define LOCK_SCOPE_AT(l, line) LOCK_SCOPE_NAMED(l, line)
#define LOCK_SCOPE_NAMED(l, line) struct lock *lock_scope_##line __attribute__((cleanup(lock_leave), unused)) = lock_take(l)
/* Two different locks of one rank: the one at the lower address first, so that two CPUs with the same two locks never wait for
 * each other. Nothing of that rank may be held. */
struct lock_pair {
    struct lock *first, *second;
};
static inline struct lock_pair lock_take_pair(struct lock *a, struct lock *b)
{
    struct lock_pair p = { .first = a < b ? a : b, .second = a < b ? b : a };
    lock_take(p.first);
    lock_take_second(p.second);
    return p;
}
static inline void lock_leave_pair(struct lock_pair *p)
{
    lock_give(p->second);
    lock_give(p->first);
}
#define LOCK_PAIR_SCOPE(a, b) LOCK_PAIR_SCOPE_AT(a, b, __LINE__)
#define LOCK_PAIR_SCOPE_AT(a, b, line) LOCK_PAIR_SCOPE_NAMED(a, b, line)
#define LOCK_PAIR_SCOPE_NAMED(a, b, line)                                                                                \
    struct lock_pair lock_scope_##line __attribute__((cleanup(lock_leave_pair), unused)) = lock_take_pair(a, b)
/* In the check build: whether this CPU holds l. */
#ifdef UKERN_CHECK
bool lock_held(const struct lock *l);
#endif
