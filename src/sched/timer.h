/* SPDX-License-Identifier: BSD-2-Clause */
/* timer: per CPU, the threads that wait for a point in time.                                     Row sched/timer
 *
 * State       a binary heap of threads, ordered by deadline, then by the order of arming (so that equal deadlines fire in
 *             the order in which they were set, on every engine)
 * Primitives  timer_arm, timer_cancel, timer_next, timer_due
 * Owner       the heap belongs to its CPU; no lock */
#pragma once
#include "sched/tcb.h"

struct timer_heap {
    uint32_t *slot; /* thread numbers */
    uint32_t count;
    uint64_t armed; /* how many ever were: the order */
};

enum ukern_status timer_init(struct timer_heap *h, uint32_t max) must_use;
void timer_arm(struct timer_heap *h, struct thread *t, uint64_t deadline);
void timer_cancel(struct timer_heap *h, struct thread *t);        /* nothing when it has none */
uint64_t timer_next(const struct timer_heap *h);                  /* the earliest deadline, 0: none */
struct thread *timer_due(struct timer_heap *h, uint64_t now);     /* takes one whose deadline has come, or NULL */
