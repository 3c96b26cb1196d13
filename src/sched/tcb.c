/* SPDX-License-Identifier: BSD-2-Clause */
/* tcb: the table of thread control blocks. */
#include "sched/tcb.h"

struct tcb_state_table {
    struct thread *thread;
    uint32_t max;
    _Atomic uint32_t count; /* (any) blocks below it are complete: release on write, acquire on read */
};

enum ukern_status tcb_init(uint32_t max)
{
    struct ukern *m = here->m;
    m->tcb = arena_array(&m->arena, struct tcb_state_table, 1);
    if (!m->tcb)
        return UKERN_NOMEM;
    m->tcb->max = max;
    m->tcb->thread = arena_array(&m->arena, struct thread, max);
    return m->tcb->thread ? UKERN_OK : UKERN_NOMEM;
}

enum ukern_status tcb_new(struct thread **ret_thread)
{
    struct tcb_state_table *t = here->m->tcb;
    uint32_t n = atomic_load_explicit(&t->count, memory_order_relaxed);
    if (n == t->max)
        return UKERN_NOMEM;
    struct thread *th = &t->thread[n];
    th->id = (struct thread_id){ n };
    th->timer_slot = NO_ID;
    for (int i = 0; i < TCB_LINKS; i++)
        th->link[i].next = th->link[i].prev = NO_ID;
    *ret_thread = th;
    return UKERN_OK;
}

void tcb_publish(struct thread *th)
{
    atomic_store_explicit(&here->m->tcb->count, th->id.n + 1, memory_order_release);
}

struct thread *tcb_at(const struct ukern *m, uint32_t n) { return n < tcb_count(m) ? &m->tcb->thread[n] : NULL; }
struct thread *tcb_get(struct thread_id t) { return tcb_at(here->m, t.n); }
uint32_t tcb_count(const struct ukern *m) { return m->tcb ? atomic_load_explicit(&m->tcb->count, memory_order_acquire) : 0; }
