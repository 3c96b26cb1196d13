/* SPDX-License-Identifier: BSD-2-Clause */
/* share_spec: CertiKOS's handshake, an end for it, and nothing left behind of a space that goes.     Specification of mm/share */
#include "core/spec.h"
#include <ukern/user.h>

void share_abs_init(struct share_abs *s) { INIT(s->none, "share.none"); }

static struct share_pair turned(struct share_pair p) { return (struct share_pair){ p.j, p.i }; }
static bool has_entry(const struct share_view *s, struct share_pair p) { return has(s->share_entry->entry, p); }

static struct share_entry entry(const struct share_view *s, struct share_pair p)
{
    return has_entry(s, p) ? get(s->share_entry->entry, p) : SHARE_BOOT;
}

static uint32_t state(const struct share_view *s, struct share_pair p) { return entry(s, p).state; }

static bool is_pair(const struct share_view *s, struct share_pair p)
{
    return p.i.n != p.j.n && has(s->space->of, p.i) && has(s->space->of, p.j);
}

enum verdict share_init_spec(struct share_view *s, const struct share_init_ret *did, struct share_init_ret *r)
{
    PRE(size(s->share_entry->entry) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK); /* the arena may be full */
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    return DEFINED;
}

enum verdict share_status_spec(struct share_view *s, struct share_pair p, const struct share_status_ret *did,
                               struct share_status_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!is_pair(s, p))
        return DEFINED;
    r->ret = UKERN_OK;
    struct share_entry mine = entry(s, p);
#ifndef UKERN_BUG_SPEC_STATUS_UNSEEN
    r->ret_state = mine.seen && state(s, turned(p)) == SHARE_PENDING ? (uint32_t)SHARE_PENDING : mine.state;
#else
    r->ret_state = state(s, turned(p)) == SHARE_PENDING ? (uint32_t)SHARE_PENDING : mine.state;
#endif
    if (!mine.seen)
        share_op_seen(p);
    return DEFINED;
}

enum verdict share_offer_spec(struct share_view *s, struct share_pair p, uint64_t va, const struct share_offer_ret *did,
                              struct share_offer_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!is_pair(s, p) || !is_aligned(va, FRAME_SIZE) || !range_in(va, FRAME_SIZE, UKERN_WINDOW))
        return DEFINED;
    r->ret = UKERN_BUSY;
    if (state(s, p) == SHARE_READY)
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_state = SHARE_PENDING;
    if (state(s, p) == SHARE_PENDING)
        return DEFINED;
    if (state(s, turned(p)) == SHARE_PENDING)
        r->ret_state = share_op_ready(p, va) == UKERN_OK ? SHARE_READY : SHARE_DEAD;
    else
        r->ret = share_op_pending(p, va);
    return DEFINED;
}

/* The page of both goes, where one is; NOMEM: Linux did not let one go, it stays. */
static enum ukern_status unmap_both(const struct share_view *s, struct share_pair p, bool in_any_case)
{
    enum ukern_status st = space_unmap(p.i, entry(s, p).va, 1);
    if (st == UKERN_NOMEM && !in_any_case)
        return st;
    st = space_unmap(p.j, entry(s, turned(p)).va, 1);
    return st == UKERN_NOMEM && !in_any_case ? st : UKERN_OK;
}

enum verdict share_revoke_spec(struct share_view *s, struct share_pair p, const struct share_revoke_ret *did,
                               struct share_revoke_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!is_pair(s, p))
        return DEFINED;
    r->ret = UKERN_NOTFOUND;
    if (state(s, p) == SHARE_DEAD && state(s, turned(p)) == SHARE_DEAD)
        return DEFINED;
    r->ret = state(s, p) == SHARE_READY ? unmap_both(s, p, false) : UKERN_OK;
    if (r->ret == UKERN_OK)
        share_op_dead(p);
    return DEFINED;
}

/* The lowest partner from `from` on of whom i says something, or who does of i; NO_SPACE: none. */
static struct space_id partner(const struct share_view *s, struct space_id i, uint32_t from)
{
    struct space_id lowest = NO_SPACE;
    EACH(s->share_entry->entry, p) {
        struct space_id j = p.i.n == i.n ? p.j : p.i;
        if ((p.i.n == i.n || p.j.n == i.n) && j.n >= from && j.n < lowest.n)
            lowest = j;
    }
    return lowest;
}

enum verdict share_gone_spec(struct share_view *s, struct space_id i, const struct share_gone_ret *did, struct share_gone_ret *r)
{
    (void)did, (void)r;
    PRE(true);
    for (struct space_id j = partner(s, i, 0); j.n != NO_ID; j = partner(s, i, j.n + 1)) {
        struct share_pair p = { i, j };
        if (state(s, p) == SHARE_READY)
            (void)unmap_both(s, p, true);
        ALLOW(share_entry_set(p, SHARE_BOOT) == UKERN_OK && share_entry_set(turned(p), SHARE_BOOT) == UKERN_OK);
    }
    return DEFINED;
}

bool share_relates_at(const struct share_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool share_relates(const struct share_view *s)
{
    (void)s;
    return true;
}

bool share_invariant_at(const struct share_view *s, const struct map *m, uint64_t key)
{
    if (!IS(s->share_entry->entry, m))
        return true;
    struct share_pair p = FROM_KEY(s->share_entry->entry, key);
    return HOLDS((state(s, p) == SHARE_READY) == (state(s, turned(p)) == SHARE_READY), "I1 of (%u, %u)", p.i.n, p.j.n) &&
           HOLDS(!has_entry(s, p) || is_pair(s, p), "I2 of (%u, %u)", p.i.n, p.j.n);
}

bool share_invariant(const struct share_view *s)
{
    EACH(s->share_entry->entry, p)
        if (!share_invariant_at(s, &s->share_entry->entry.m, KEY(s->share_entry->entry, p)))
            return false;
    return true;
}
