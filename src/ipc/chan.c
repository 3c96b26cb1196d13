/* SPDX-License-Identifier: BSD-2-Clause */
/* chan: whoever comes second copies and wakes the first. */
#include "ipc/chan.h"
#include "mm/ucopy.h"
#include "sched/queue.h"
#include "sched/thread.h"

struct chan {
    struct lock lock;
    struct queue senders, receivers;
};

struct chan_state {
    uint32_t count;
    struct chan *chan;
};

enum ukern_status chan_init(uint32_t channels)
{
    struct ukern *m = here->m;
    m->chan = arena_array(&m->arena, struct chan_state, 1);
    if (!m->chan)
        return UKERN_NOMEM;
    m->chan->count = channels;
    m->chan->chan = arena_array(&m->arena, struct chan, channels);
    if (!m->chan->chan)
        return UKERN_NOMEM;
    for (uint32_t i = 0; i < channels; i++) {
        lock_init(&m->chan->chan[i].lock, LAYER_ipc_chan);
        queue_init(&m->chan->chan[i].senders, TCB_WAIT_LINK);
        queue_init(&m->chan->chan[i].receivers, TCB_WAIT_LINK);
    }
    return UKERN_OK;
}

static struct chan *find(struct chan_id ch)
{
    struct chan_state *s = here->m->chan;
    return ch.n < s->count ? &s->chan[ch.n] : NULL;
}

/* The first in the queue that still waits, claimed; those whose timer was faster leave the queue by themselves. */
static struct thread *claim_first(struct queue *q)
{
    struct thread *t;
    while ((t = queue_dequeue(q)))
#ifdef UKERN_BUG_CLAIM_BLINDLY
        if (true)
#else
        if (thread_claim(t->id))
#endif
            return t;
    return NULL;
}

/* Both buffers were checked and neither space can change now. */
static uint64_t copy(struct thread *from, uint64_t from_va, uint64_t from_n, struct thread *to, uint64_t to_va, uint64_t to_n)
{
#ifdef UKERN_BUG_SENDER_DECIDES
    to_n = from_n;
#endif
    uint64_t n = from_n < to_n ? from_n : to_n, done;
    enum ukern_status st = ucopy_move(from->spec.space, from_va, to->spec.space, to_va, n, &done);
    CHECK(st == UKERN_OK && done == n, "a checked message faulted after %llu of %llu bytes", (unsigned long long)done,
          (unsigned long long)n);
    (void)st;
    cpu_count(COUNT_MESSAGES);
    thread_pass(from->id, to->id);
    return done;
}

/* Queues the caller and blocks; the channel's lock is held, and is given by thread_block. */
static enum ukern_status wait_in(struct chan *c, struct queue *q, uint64_t va, uint64_t n, uint64_t deadline,
                                 const char *what, uint32_t number, uint64_t *ret_value)
{
    struct thread *me = here->current;
    me->message_va = va;
    me->message_bytes = n;
    queue_enqueue(q, me);
    enum ukern_status st = thread_block(&c->lock, deadline, what, number, ret_value);
#ifdef UKERN_BUG_TIMEOUT_STAYS
    return st;
#endif
    if (st != UKERN_OK) { /* by its timer: no partner took it out */
        LOCK_SCOPE(&c->lock);
        queue_remove(q, me);
    }
    return st;
}

enum ukern_status chan_send(struct chan_id ch, uint64_t va, uint64_t n, uint64_t deadline, uint64_t *ret_taken)
{
    struct chan *c = find(ch);
    struct thread *me = here->current;
    if (!c || n > CHAN_BYTES)
        return UKERN_BADARG;
    enum ukern_status st = ucopy_check(me->spec.space, va, n, PERM_USER);
    if (st != UKERN_OK)
        return st;
    lock_take(&c->lock);
    struct thread *to = claim_first(&c->receivers);
    if (!to)
        return wait_in(c, &c->senders, va, n, deadline, "a receiver on channel", ch.n, ret_taken);
    *ret_taken = copy(me, va, n, to, to->message_va, to->message_bytes);
    lock_give(&c->lock);
    thread_ready(to->id, UKERN_OK, *ret_taken);
    return UKERN_OK;
}

enum ukern_status chan_receive(struct chan_id ch, uint64_t va, uint64_t n, uint64_t deadline, uint64_t *ret_got)
{
    struct chan *c = find(ch);
    struct thread *me = here->current;
    if (!c || n > CHAN_BYTES)
        return UKERN_BADARG;
#ifdef UKERN_BUG_RECEIVE_READONLY
    enum ukern_status st = ucopy_check(me->spec.space, va, n, PERM_USER);
#else
    enum ukern_status st = ucopy_check(me->spec.space, va, n, PERM_USER | PERM_WRITE);
#endif
    if (st != UKERN_OK)
        return st;
    lock_take(&c->lock);
    struct thread *from = claim_first(&c->senders);
    if (!from)
        return wait_in(c, &c->receivers, va, n, deadline, "a sender on channel", ch.n, ret_got);
    *ret_got = copy(from, from->message_va, from->message_bytes, me, va, n);
    lock_give(&c->lock);
    thread_ready(from->id, UKERN_OK, *ret_got);
    return UKERN_OK;
}
