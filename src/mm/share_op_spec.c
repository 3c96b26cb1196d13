/* SPDX-License-Identifier: BSD-2-Clause */
/* share_op_spec: the steps of the handshake, each a few entries.                              Specification of mm/share_op */
#include "core/spec.h"

void share_op_abs_init(struct share_op_abs *s) { INIT(s->none, "share_op.none"); }

static struct share_pair turned(struct share_pair p) { return (struct share_pair){ p.j, p.i }; }
static bool has_entry(const struct share_op_view *s, struct share_pair p) { return has(s->share_entry->entry, p); }

static struct share_entry entry(const struct share_op_view *s, struct share_pair p)
{
    return has_entry(s, p) ? get(s->share_entry->entry, p) : SHARE_BOOT;
}

static bool is_pair(const struct share_op_view *s, struct share_pair p)
{
    return p.i.n != p.j.n && has(s->space->of, p.i) && has(s->space->of, p.j);
}

static bool both_dead(struct share_pair p)
{
    return share_entry_set(p, (struct share_entry){ SHARE_DEAD, 1, 0 }) == UKERN_OK &&
#ifndef UKERN_BUG_SPEC_DEAD_SEEN
           share_entry_set(turned(p), (struct share_entry){ SHARE_DEAD, 0, 0 }) == UKERN_OK;
#else
           share_entry_set(turned(p), (struct share_entry){ SHARE_DEAD, 1, 0 }) == UKERN_OK;
#endif
}

enum verdict share_op_pending_spec(struct share_op_view *s, struct share_pair p, uint64_t va,
                                   const struct share_op_pending_ret *did, struct share_op_pending_ret *r)
{
    (void)did;
    PRE(is_pair(s, p));
    r->ret = share_entry_set(p, (struct share_entry){ SHARE_PENDING, 1, va });
    return DEFINED;
}

enum verdict share_op_dead_spec(struct share_op_view *s, struct share_pair p, const struct share_op_dead_ret *did,
                                struct share_op_dead_ret *r)
{
    (void)did, (void)r;
    PRE(is_pair(s, p) && (has_entry(s, p) || has_entry(s, turned(p))));
    ALLOW(both_dead(p));
    return DEFINED;
}

enum verdict share_op_ready_spec(struct share_op_view *s, struct share_pair p, uint64_t va,
                                 const struct share_op_ready_ret *did, struct share_op_ready_ret *r)
{
    (void)did;
    PRE(is_pair(s, p) && entry(s, turned(p)).state == SHARE_PENDING);
    uint64_t its = entry(s, turned(p)).va;
    r->ret = share_entry_set(p, (struct share_entry){ SHARE_READY, 1, va });
    if (r->ret == UKERN_OK)
        r->ret = space_resv2(p.i, va, p.j, its, PERM_USER | PERM_WRITE);
    if (r->ret == UKERN_OK)
        ALLOW(share_entry_set(turned(p), (struct share_entry){ SHARE_READY, 0, its }) == UKERN_OK);
    else
        ALLOW(both_dead(p));
    return DEFINED;
}

enum verdict share_op_seen_spec(struct share_op_view *s, struct share_pair p, const struct share_op_seen_ret *did,
                                struct share_op_seen_ret *r)
{
    (void)did, (void)r;
    PRE(is_pair(s, p));
    struct share_entry e = entry(s, p);
    e.seen = 1;
    ALLOW(share_entry_set(p, e) == UKERN_OK);
    return DEFINED;
}

bool share_op_relates_at(const struct share_op_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool share_op_relates(const struct share_op_view *s)
{
    (void)s;
    return true;
}

bool share_op_invariant_at(const struct share_op_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool share_op_invariant(const struct share_op_view *s)
{
    (void)s;
    return true;
}
