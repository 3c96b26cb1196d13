/* SPDX-License-Identifier: BSD-2-Clause */
/* thread: who runs: spawn, yield, switching, the CPU's loop, interrupts. Blocking is in thread_block.c, ends in thread_end.c. */
#include "host/engine.h"
#include "mm/space.h"
#include "sched/thread_inside.h"

enum ukern_status thread_init(void)
{
    struct ukern *m = here->m;
    m->thread = arena_array(&m->arena, struct thread_state, 1);
    if (!m->thread)
        return UKERN_NOMEM;
    m->on_quiet = thread_quiet;
    for (uint32_t i = 0; i < m->cpus; i++) {
        struct sched_cpu *s = m->cpu[i].sched = arena_array(&m->arena, struct sched_cpu, 1);
        if (!s)
            return UKERN_NOMEM;
        queue_init(&s->ready, TCB_RUN_LINK);
        queue_init(&s->pending, TCB_RUN_LINK);
        lock_init(&s->lock, LAYER_sched_thread);
        m->cpu[i].running = NO_ID;
        enum ukern_status st = timer_init(&s->timers, m->params.max_tasks);
        if (st != UKERN_OK)
            return st;
    }
    return tcb_init(m->params.max_tasks);
}

/* First on a new thread's kernel stack: it leaves the kernel. */
static void thread_begin(void *thread)
{
    struct thread *t = thread;
    engine_arrived(&t->kctx.flow);
    uint8_t *window = space_base(t->spec.space);
    side_start(&t->kctx.side, t->spec.entry, (uint64_t)(window + t->spec.start), (uint64_t)(window + t->spec.stack_high));
}

enum ukern_status thread_spawn(const struct thread_spec *spec, struct thread_id *ret_thread)
{
    struct ukern *m = here->m;
    struct thread *t;
    if (spec->cpu >= m->cpus)
        return UKERN_BADARG;
    enum ukern_status st = tcb_new(&t);
    if (st == UKERN_OK)
        st = kctx_new(&t->kctx, spec->name, spec->floating_point, thread_begin, t);
    if (st != UKERN_OK)
        return st;
    t->cpu = &m->cpu[spec->cpu];
    t->spec = *spec;
    side_make(&t->kctx.side, t->spec.name, &t->kctx.flow, space_base(spec->space) + spec->stack_low,
              spec->stack_high - spec->stack_low);
    tcb_publish(t);
    if (!spec->daemon)
        atomic_fetch_add(&m->thread->live, 1);
    atomic_store(&t->state, TCB_READY);
    thread_push(t);
    *ret_thread = t->id;
    return UKERN_OK;
}

struct thread_id thread_self(void) { return here->current ? here->current->id : NO_THREAD; }
struct space_id thread_space(struct thread_id t) { return tcb_get(t)->spec.space; }

void thread_push(struct thread *t)
{
    struct cpu *c = t->cpu;
    engine_point(POINT_WAKE, t->id.n, 0);
    if (c == here) {
        queue_enqueue(&c->sched->ready, t);
        return;
    }
    {
        LOCK_SCOPE(&c->sched->lock);
        queue_enqueue(&c->sched->pending, t);
    }
    cpu_interrupt(c, IRQ_RESCHEDULE);
}

/* Every change of the current thread passes here. */
static void go(struct thread *from, struct thread *to)
{
    struct cpu *c = here;
    c->current = to;
    c->running = to ? to->id.n : NO_ID;
    c->sched->turn = THREAD_TURN;
    if (to)
        atomic_store_explicit(&to->state, TCB_RUN, memory_order_relaxed); /* only its own CPU could still look */
    cpu_count(COUNT_SWITCHES);
    engine_point(POINT_SWITCH, c->running, 0);
    kctx_switch(from ? &from->kctx : NULL, to ? &to->kctx : NULL);
}

void thread_switch_away(struct thread *me)
{
    struct thread *next = queue_dequeue(&here->sched->ready);
    if (next == me) /* woken before it was gone */
        atomic_store_explicit(&me->state, TCB_RUN, memory_order_relaxed);
    else
        go(me, next);
}

void thread_run(struct thread *to) { go(NULL, to); }

void thread_yield(void)
{
    struct thread *t = here->current;
    thread_take_interrupts();
    if (queue_empty(&here->sched->ready))
        return;
    atomic_store_explicit(&t->state, TCB_READY, memory_order_relaxed); /* nobody else waits for READY */
#ifdef UKERN_BUG_YIELD_TWICE
    queue_enqueue(&here->sched->ready, queue_dequeue(&here->sched->ready));
#endif
    queue_enqueue(&here->sched->ready, t);
    thread_switch_away(t);
}

void thread_end_call(void)
{
    struct cpu *c = here;
    if (unlikely(atomic_load_explicit(&c->pending, memory_order_relaxed) || c->sched->timers.count))
        thread_take_interrupts();
#ifdef UKERN_BUG_ENDLESS_TURN
    c->sched->turn = THREAD_TURN;
#endif
    if (unlikely(--c->sched->turn == 0)) {
        c->sched->turn = THREAD_TURN;
        thread_yield();
    }
}

static void take_pending_queue(struct cpu *c)
{
#ifndef UKERN_BUG_PENDING_UNLOCKED
    LOCK_SCOPE(&c->sched->lock);
#endif
    for (struct thread *t; (t = queue_dequeue(&c->sched->pending));)
        queue_enqueue(&c->sched->ready, t);
}

static void take_timers(struct cpu *c)
{
    struct timer_heap *h = &c->sched->timers;
    uint64_t now = h->count ? machine_now() : 0;
    for (struct thread *t; (t = timer_due(h, now));)
        if (thread_claim(t->id))
            thread_ready(t->id, UKERN_TIMEOUT, 0);
}

void thread_take_interrupts(void)
{
    struct cpu *c = here;
    if (atomic_load_explicit(&c->pending, memory_order_relaxed)) {
        uint32_t bits = atomic_exchange(&c->pending, 0); /* acquire: what was done before the bits were set is seen */
        cpu_count(COUNT_INTERRUPTS);
        engine_point(POINT_INTERRUPT, bits, 0);
        if (bits & IRQ_STOP)
            c->m->ops->park(c);
        if (bits & IRQ_INPUT)
            c->m->thread->input();
        take_pending_queue(c);
    }
    take_timers(c);
}

bool thread_others_ready(void) { return !queue_empty(&here->sched->ready); }
uint64_t thread_next_deadline(void) { return timer_next(&here->sched->timers); }

void cpu_loop(struct cpu *c)
{
    for (;;) {
        thread_take_interrupts();
        struct thread *next = queue_dequeue(&c->sched->ready);
        if (next) {
            thread_run(next);
            continue;
        }
        engine_point(POINT_IDLE, 0, 0);
        if (!atomic_load(&c->pending))
            c->m->ops->idle(c, timer_next(&c->sched->timers));
    }
}

#if SWITCH_SANITIZED
void thread_pass(struct thread_id from, struct thread_id to)
{
    side_pass(&tcb_get(from)->kctx.side, &tcb_get(to)->kctx.side);
}
#endif

void thread_on_input(void (*input)(void)) { here->m->thread->input = input; }
