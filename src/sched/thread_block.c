/* SPDX-License-Identifier: BSD-2-Clause */
/* thread: blocking and waking. A sleeper is woken by exactly one of: an object's waker, ukern_wake, its timer. */
#include "sched/thread_inside.h"

/* The caller is BLOCKED or WAITING, or was already claimed. */
static enum ukern_status sleep_until_ready(struct thread *t, uint64_t deadline, uint64_t *ret_value)
{
    struct sched_cpu *s = here->sched;
    if (deadline)
        timer_arm(&s->timers, t, deadline);
    thread_take_interrupts();
    thread_switch_away(t);
#ifndef UKERN_BUG_TIMER_STAYS
    timer_cancel(&s->timers, t);
#endif
    t->waits_what = NULL;
    *ret_value = t->value;
    return t->result;
}

enum ukern_status thread_block(struct lock *held, uint64_t deadline, const char *what, uint32_t number, uint64_t *ret_value)
{
    struct thread *t = here->current;
    t->waits_what = what;
    t->waits_number = number;
    /* release: a waker that claims us sees what we wrote. It cannot look before `held` is given. */
    atomic_store_explicit(&t->state, TCB_BLOCKED, memory_order_release);
    if (held)
        lock_give(held);
    return sleep_until_ready(t, deadline, ret_value);
}

static bool claim_from(struct thread *t, uint32_t state)
{
    return atomic_compare_exchange_strong(&t->state, &state, TCB_CLAIMED);
}

bool thread_claim(struct thread_id id)
{
    struct thread *t = tcb_get(id);
    return claim_from(t, TCB_BLOCKED) || claim_from(t, TCB_WAITING);
}

void thread_ready(struct thread_id id, enum ukern_status result, uint64_t value)
{
    struct thread *t = tcb_get(id);
    CHECK(atomic_load(&t->state) == TCB_CLAIMED, "thread %u was not claimed", id.n);
    t->result = result;
    t->value = value;
    if (here->current)
        thread_pass(here->current->id, id);
    atomic_store_explicit(&t->state, TCB_READY, memory_order_relaxed); /* the queue's lock publishes it */
    thread_push(t);
}

bool thread_take_wake(void)
{
    struct thread *t = here->current;
    return atomic_load_explicit(&t->wake_token, memory_order_relaxed) && atomic_exchange(&t->wake_token, 0);
}

enum ukern_status thread_wait(uint64_t deadline)
{
    struct thread *t = here->current;
    uint64_t value;
    if (thread_take_wake())
        return UKERN_OK;
    EVENT_POINT(LAYER_sched_thread);
    t->waits_what = "a wake-up";
    t->waits_number = NO_ID;
    /* seq_cst, here and in thread_wake: one of us sees the other's write, so no wake-up is lost. */
#ifdef UKERN_BUG_WAIT_RELAXED
    atomic_store_explicit(&t->state, TCB_WAITING, memory_order_relaxed);
#else
    atomic_store(&t->state, TCB_WAITING);
#endif
    uint32_t waiting = TCB_WAITING;
#ifdef UKERN_BUG_LOST_WAKE
    waiting = NO_ID;
#endif
    if (atomic_load(&t->wake_token) && atomic_compare_exchange_strong(&t->state, &waiting, TCB_RUN)) {
        atomic_exchange(&t->wake_token, 0); /* an exchange: what the last waker did before is seen, too */
        t->waits_what = NULL;
        return UKERN_OK;
    }
    enum ukern_status st = sleep_until_ready(t, deadline, &value);
#ifndef UKERN_BUG_TOKEN_STAYS
    if (st == UKERN_OK)
        atomic_exchange(&t->wake_token, 0);
#endif
    return st;
}

enum ukern_status thread_wake(struct thread_id id)
{
    struct thread *t = tcb_get(id);
    if (!t || atomic_load_explicit(&t->state, memory_order_acquire) == TCB_DEAD)
        return UKERN_NOTFOUND;
    if (here->current)
        thread_pass(here->current->id, id);
    atomic_store(&t->wake_token, 1);
    if (claim_from(t, TCB_WAITING))
        thread_ready(id, UKERN_OK, 0);
    else if (t->cpu != here)
        cpu_interrupt(t->cpu, IRQ_RESCHEDULE); /* it may be inside a guest, which then comes back to look */
    return UKERN_OK;
}
