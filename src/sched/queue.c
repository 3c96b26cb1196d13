/* SPDX-License-Identifier: BSD-2-Clause */
/* queue: doubly linked by thread number, so that a snapshot of the arena needs no fixing. */
#include "sched/queue.h"

static struct thread *at(uint32_t n) { return tcb_get((struct thread_id){ n }); }

void queue_init(struct queue *q, enum tcb_link link) { *q = (struct queue){ NO_ID, NO_ID, link }; }

/* The check build knows for every link which queue it is in. */
#ifdef UKERN_CHECK
static void note_in(const struct queue *q, struct thread *t)
{
    CHECK(t->in[q->link] == NULL, "thread %u is in %s queue already", t->id.n, t->in[q->link] == q ? "this" : "another");
    t->in[q->link] = q;
}
static void note_out(const struct queue *q, struct thread *t)
{
    CHECK(t->in[q->link] == q, "thread %u is not in this queue", t->id.n);
    t->in[q->link] = NULL;
}
#else
static void note_in(const struct queue *q, const struct thread *t) { (void)q, (void)t; }
static void note_out(const struct queue *q, const struct thread *t) { (void)q, (void)t; }
#endif

void queue_enqueue(struct queue *q, struct thread *t)
{
    note_in(q, t);
    t->link[q->link].prev = q->tail;
    if (q->tail == NO_ID)
        q->head = t->id.n;
    else
        at(q->tail)->link[q->link].next = t->id.n;
    q->tail = t->id.n;
}

static void unlink_thread(struct queue *q, struct thread *t)
{
    uint32_t next = t->link[q->link].next, prev = t->link[q->link].prev;
    if (prev == NO_ID)
        q->head = next;
    else
        at(prev)->link[q->link].next = next;
    if (next == NO_ID)
        q->tail = prev;
    else
        at(next)->link[q->link].prev = prev;
    t->link[q->link].next = t->link[q->link].prev = NO_ID;
    note_out(q, t);
}

struct thread *queue_dequeue(struct queue *q)
{
    if (queue_empty(q))
        return NULL;
    struct thread *t = at(q->head);
    unlink_thread(q, t);
    return t;
}

bool queue_remove(struct queue *q, struct thread *t)
{
#ifdef UKERN_BUG_REMOVE_HEAD
    bool in = t->link[q->link].prev != NO_ID;
#else
    bool in = q->head == t->id.n || t->link[q->link].prev != NO_ID;
#endif
    if (in)
        unlink_thread(q, t);
    return in;
}
