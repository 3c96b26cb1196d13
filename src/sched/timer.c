/* SPDX-License-Identifier: BSD-2-Clause */
/* timer: a binary heap; a thread knows its place in it, so that cancelling is as cheap as arming. */
#include "sched/timer.h"

enum ukern_status timer_init(struct timer_heap *h, uint32_t max)
{
    h->slot = arena_array(&here->m->arena, uint32_t, max);
    return h->slot ? UKERN_OK : UKERN_NOMEM;
}

static struct thread *at(const struct timer_heap *h, uint32_t i) { return tcb_get((struct thread_id){ h->slot[i] }); }

static bool before(const struct thread *a, const struct thread *b)
{
#ifdef UKERN_BUG_TIMER_ORDER
    return a->deadline < b->deadline;
#else
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->timer_order < b->timer_order;
#endif
}

static void place(struct timer_heap *h, uint32_t i, struct thread *t)
{
    h->slot[i] = t->id.n;
    t->timer_slot = i;
}

static void sift_up(struct timer_heap *h, uint32_t i, struct thread *t)
{
    for (; i > 0 && before(t, at(h, (i - 1) / 2)); i = (i - 1) / 2)
        place(h, i, at(h, (i - 1) / 2));
    place(h, i, t);
}

static void sift_down(struct timer_heap *h, uint32_t i, struct thread *t)
{
    for (uint32_t child; (child = 2 * i + 1) < h->count; i = child) {
        if (child + 1 < h->count && before(at(h, child + 1), at(h, child)))
            child++;
        if (!before(at(h, child), t))
            break;
        place(h, i, at(h, child));
    }
    place(h, i, t);
}

void timer_arm(struct timer_heap *h, struct thread *t, uint64_t deadline)
{
    CHECK(t->timer_slot == NO_ID, "thread %u has a timer already", t->id.n);
    t->deadline = deadline;
    t->timer_order = h->armed++;
    sift_up(h, h->count++, t);
}

void timer_cancel(struct timer_heap *h, struct thread *t)
{
    uint32_t i = t->timer_slot;
    if (i == NO_ID)
        return;
    t->timer_slot = NO_ID;
    struct thread *last = at(h, --h->count);
    if (last == t)
        return;
    if (i > 0 && before(last, at(h, (i - 1) / 2)))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

uint64_t timer_next(const struct timer_heap *h) { return h->count ? at(h, 0)->deadline : 0; }

struct thread *timer_due(struct timer_heap *h, uint64_t now)
{
    if (!h->count || at(h, 0)->deadline > now)
        return NULL;
    struct thread *t = at(h, 0);
    timer_cancel(h, t);
    return t;
}
