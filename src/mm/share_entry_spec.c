/* SPDX-License-Identifier: BSD-2-Clause */
/* share_entry_spec: a map from pairs of spaces; what is not in it has the boot value.      Specification of mm/share_entry
 *
 * Environment   here->m->params: the limit of maps; the arena */
#include "core/spec.h"

enum { FOR_EACH_MAP = 64 };

void share_entry_abs_init(struct share_entry_abs *s) { INIT(s->entry, "share_entry.entry"); }

static uint32_t maps(void)
{
    const struct ukern_params *p = &here->m->params;
    return p->limits == UKERN_LIMITS_MCERTIKOS ? 64 : p->max_tasks + p->max_vms;
}

static bool is_pair(struct share_pair p) { return p.i.n != p.j.n && p.i.n < maps() && p.j.n < maps(); }

static bool is_boot(struct share_entry e)
{
    struct share_entry boot = SHARE_BOOT;
    return e.state == boot.state && e.seen == boot.seen && e.va == boot.va;
}

static struct share_entry entry(const struct share_entry_view *s, struct share_pair p)
{
    return has(s->share_entry->entry, p) ? get(s->share_entry->entry, p) : SHARE_BOOT;
}

enum verdict share_entry_init_spec(struct share_entry_view *s, const struct share_entry_init_ret *did,
                                   struct share_entry_init_ret *r)
{
    PRE(size(s->share_entry->entry) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK); /* the arena may be full */
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    return DEFINED;
}

enum verdict share_entry_get_spec(struct share_entry_view *s, struct share_pair p, const struct share_entry_get_ret *did,
                                  struct share_entry_get_ret *r)
{
    (void)did;
    PRE(is_pair(p));
    r->ret = entry(s, p);
    return DEFINED;
}

/* The lowest j >= from of whom i says something, or who does of i. */
enum verdict share_entry_next_spec(struct share_entry_view *s, struct space_id i, uint32_t from,
                                   const struct share_entry_next_ret *did, struct share_entry_next_ret *r)
{
    struct space_id lowest = NO_SPACE;
    (void)did;
    PRE(true);
    EACH(s->share_entry->entry, p) {
        struct space_id j = p.i.n == i.n ? p.j : p.i;
        if ((p.i.n == i.n || p.j.n == i.n) && j.n >= from && j.n < lowest.n)
            lowest = j;
    }
    r->ret = lowest.n == NO_ID ? UKERN_NOTFOUND : UKERN_OK;
    if (r->ret == UKERN_OK)
        r->ret_j = lowest;
    return DEFINED;
}

enum verdict share_entry_set_spec(struct share_entry_view *s, struct share_pair p, struct share_entry e,
                                  const struct share_entry_set_ret *did, struct share_entry_set_ret *r)
{
    (void)did;
    PRE(is_pair(p) && e.state <= SHARE_DEAD && e.seen <= 1);
    r->ret = UKERN_NOMEM;
    if (!is_boot(e) && !has(s->share_entry->entry, p) && size(s->share_entry->entry) == (size_t)FOR_EACH_MAP * maps())
        return DEFINED;
    r->ret = UKERN_OK;
#ifndef UKERN_BUG_SPEC_BOOT_KEPT
    if (is_boot(e))
        del(s->share_entry->entry, p);
#else
    if (is_boot(e) && !has(s->share_entry->entry, p))
        del(s->share_entry->entry, p);
#endif
    else
        set(s->share_entry->entry, p, e);
    return DEFINED;
}

bool share_entry_relates_at(const struct share_entry_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    struct share_pair p = FROM_KEY(s->share_entry->entry, key);
    struct share_entry abs = entry(s, p), code = share_entry_get(p);
    return AGREE(abs.state, code.state, "state of (%u, %u)", p.i.n, p.j.n) &&
           AGREE(abs.seen, code.seen, "seen of (%u, %u)", p.i.n, p.j.n) &&
           AGREE(abs.va, code.va, "address of (%u, %u)", p.i.n, p.j.n);
}

bool share_entry_relates(const struct share_entry_view *s)
{
    EACH(s->share_entry->entry, p)
        if (!share_entry_relates_at(s, &s->share_entry->entry.m, KEY(s->share_entry->entry, p)))
            return false;
    return AGREE(size(s->share_entry->entry), share_entry_peek_count(), "number of entries");
}

bool share_entry_invariant_at(const struct share_entry_view *s, const struct map *m, uint64_t key)
{
    if (!IS(s->share_entry->entry, m))
        return true;
    struct share_pair p = FROM_KEY(s->share_entry->entry, key);
    return HOLDS(is_pair(p), "I1 of (%u, %u)", p.i.n, p.j.n) &&
           HOLDS(!has(s->share_entry->entry, p) || !is_boot(entry(s, p)), "I2 of (%u, %u)", p.i.n, p.j.n) &&
           HOLDS(size(s->share_entry->entry) <= (size_t)FOR_EACH_MAP * maps(), "I3");
}

bool share_entry_invariant(const struct share_entry_view *s)
{
    EACH(s->share_entry->entry, p)
        if (!share_entry_invariant_at(s, &s->share_entry->entry.m, KEY(s->share_entry->entry, p)))
            return false;
    return true;
}
