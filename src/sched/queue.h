/* SPDX-License-Identifier: BSD-2-Clause */
/* queue: FIFO queues of threads.                     Row sched/queue, CertiKOS PTDQIntro, PTDQInit, PAbQueue
 *
 * State       a sequence of threads; a thread is in at most one queue per kind of link
 * Primitives  queue_enqueue at the tail, queue_dequeue from the head, queue_remove from anywhere
 * Lock        the owner's: a CPU's ready queue needs none, every other queue has its object's lock */
#pragma once
#include "sched/tcb.h"

struct queue {
    uint32_t head, tail;
    enum tcb_link link;
};

void queue_init(struct queue *q, enum tcb_link link);
void queue_enqueue(struct queue *q, struct thread *t);
struct thread *queue_dequeue(struct queue *q);       /* NULL: empty */
bool queue_remove(struct queue *q, struct thread *t); /* false: it is not in q */
static inline bool queue_empty(const struct queue *q) { return q->head == NO_ID; }
