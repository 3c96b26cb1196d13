/* SPDX-License-Identifier: BSD-2-Clause */
/* share: see share.h. */
#include "mm/share.h"
#include "core/calculus.h"
#include "core/lock.h"
#include "mm/space.h"
#include <ukern/user.h>

struct share_table {
    struct lock lock; /* guards mm/share_entry's table */
};

enum ukern_status share_init(void)
{
    struct ukern *m = here->m;
    m->share = arena_array(&m->arena, struct share_table, 1);
    if (!m->share)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/share");
    lock_init(&m->share->lock, LAYER_mm_share);
    return EVENT_OWNED(UKERN_OK);
}

static struct share_pair share_back(struct share_pair p) { return (struct share_pair){ p.j, p.i }; }
static bool share_is_pair(struct share_pair p) { return p.i.n != p.j.n && space_is(p.i) && space_is(p.j); }

enum ukern_status share_status(struct share_pair p, uint32_t *ret_state)
{
    LOCK_SCOPE(&here->m->share->lock);
    if (!share_is_pair(p))
        return EVENT(UKERN_BADARG);
    struct share_entry mine = share_entry_get(p), theirs = share_entry_get(share_back(p));
    if (!mine.seen)
        share_op_seen(p);
    *ret_state = mine.seen && theirs.state == SHARE_PENDING ? SHARE_PENDING : mine.state;
    return EVENT(UKERN_OK);
}

enum ukern_status share_offer(struct share_pair p, uint64_t va, uint32_t *ret_state)
{
    LOCK_SCOPE(&here->m->share->lock);
    if (!share_is_pair(p) || !is_aligned(va, FRAME_SIZE) || !range_in(va, FRAME_SIZE, UKERN_WINDOW))
        return EVENT(UKERN_BADARG);
    struct share_entry mine = share_entry_get(p), theirs = share_entry_get(share_back(p));
    if (mine.state == SHARE_READY)
        return EVENT(UKERN_BUSY);
    enum ukern_status st = UKERN_OK;
    uint32_t state = SHARE_PENDING;
    if (mine.state != SHARE_PENDING && theirs.state != SHARE_PENDING)
        st = share_op_pending(p, va);
    else if (mine.state != SHARE_PENDING)
        state = share_op_ready(p, va) == UKERN_OK ? SHARE_READY : SHARE_DEAD;
    if (st != UKERN_OK)
        return EVENT(st);
    *ret_state = state;
    return EVENT(UKERN_OK);
}

/* The page of a pair that is READY goes from both. */
static enum ukern_status share_unmap(struct share_pair p, uint64_t va, uint64_t other_va)
{
    enum ukern_status st = space_unmap(p.i, va, 1);
    if (st == UKERN_OK || st == UKERN_NOTFOUND)
#ifndef UKERN_BUG_MM_SHARE_REVOKE
        st = space_unmap(p.j, other_va, 1);
#else
        st = space_unmap(p.i, other_va, 1);
#endif
    return st == UKERN_NOTFOUND ? UKERN_OK : st;
}

enum ukern_status share_revoke(struct share_pair p)
{
    LOCK_SCOPE(&here->m->share->lock);
    if (!share_is_pair(p))
        return EVENT(UKERN_BADARG);
    struct share_entry mine = share_entry_get(p), theirs = share_entry_get(share_back(p));
    if (mine.state == SHARE_DEAD && theirs.state == SHARE_DEAD)
        return EVENT(UKERN_NOTFOUND);
    enum ukern_status st = mine.state == SHARE_READY ? share_unmap(p, mine.va, theirs.va) : UKERN_OK;
    if (st == UKERN_OK)
        share_op_dead(p);
    return EVENT(st);
}

/* What Linux does not hide stays, with a reference of its own. */
static void share_let_go(struct space_id s, uint64_t va)
{
    enum ukern_status st = space_unmap(s, va, 1);
    (void)st;
}

static void share_forget(struct share_pair p)
{
    enum ukern_status st = share_entry_set(p, SHARE_BOOT);
    CHECK(st == UKERN_OK, "the boot value is never refused, it answers %s", ukern_status_name(st));
    (void)st;
}

void share_gone(struct space_id i)
{
    LOCK_SCOPE(&here->m->share->lock);
    struct space_id j;
    for (uint32_t from = 0; share_entry_next(i, from, &j) == UKERN_OK; from = j.n + 1) {
        struct share_pair p = { i, j };
        struct share_entry mine = share_entry_get(p), theirs = share_entry_get(share_back(p));
        if (mine.state == SHARE_READY) {
            share_let_go(i, mine.va);
            share_let_go(j, theirs.va);
        }
#ifndef UKERN_BUG_MM_SHARE_GHOST
        share_forget(p);
#endif
        share_forget(share_back(p));
    }
    EVENT_DONE();
}
