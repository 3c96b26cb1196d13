/* SPDX-License-Identifier: BSD-2-Clause */
/* queue: doubly linked by thread number, so that a snapshot of the arena needs no fixing. */
#include "sched/queue.h"

static struct thread *at(uint32_t n) { return tcb_get((struct thread_id){ n }); }

void queue_init(struct queue *q, enum tcb_link link) { *q = (struct queue){ NO_ID, NO_ID, link }; }

void queue_enqueue(struct queue *q, struct thread *t)
{
    CHECK(t->link[q->link].next == NO_ID && t->link[q->link].prev == NO_ID && q->head != t->id.n,
          "thread %u is in a queue already", t->id.n);
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
    bool in = q->head == t->id.n || t->link[q->link].prev != NO_ID;
    if (in)
        unlink_thread(q, t);
    return in;
}
