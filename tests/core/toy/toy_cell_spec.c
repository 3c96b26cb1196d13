/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_cell_spec: owner is a map. */
#include "core/spec.h"
#include "toy_hooks.h"

void toy_cell_abs_init(struct toy_cell_abs *s)
{
    INIT(s->owner, "toy_cell.owner");
    INIT(s->total, "toy_cell.total");
    INIT(s->ticks, "toy_cell.ticks");
}

static bool is_item(const struct toy_cell_view *s, struct toy_item i) { return i.n < val(s->toy_cell->total); }

enum verdict toy_cell_init_spec(struct toy_cell_view *s, uint32_t total, const struct toy_cell_init_ret *did, struct toy_cell_init_ret *r)
{
    PRE(val(s->toy_cell->total) == 0 && total > 0);
    r->ret = CHOICE(did, ret, UKERN_OK);
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    if (r->ret == UKERN_OK)
        let(s->toy_cell->total, total);
    return DEFINED;
}

enum verdict toy_cell_get_spec(struct toy_cell_view *s, struct toy_item i, const struct toy_cell_get_ret *did, struct toy_cell_get_ret *r)
{
    (void)did;
    PRE(is_item(s, i));
    r->ret = get(s->toy_cell->owner, i);
    return DEFINED;
}

enum verdict toy_cell_set_spec(struct toy_cell_view *s, struct toy_item i, struct toy_owner who, const struct toy_cell_set_ret *did,
                               struct toy_cell_set_ret *r)
{
    (void)did, (void)r;
    PRE(is_item(s, i) && who.n < TOY_OWNERS);
    set(s->toy_cell->owner, i, who);
    return DEFINED;
}

enum verdict toy_cell_tick_spec(struct toy_cell_view *s, const struct toy_cell_tick_ret *did, struct toy_cell_tick_ret *r)
{
    (void)did, (void)r;
    PRE(true);
    let(s->toy_cell->ticks, val(s->toy_cell->ticks) + 1);
    return DEFINED;
}

enum verdict toy_cell_ticks_spec(struct toy_cell_view *s, const struct toy_cell_ticks_ret *did, struct toy_cell_ticks_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = val(s->toy_cell->ticks);
    return DEFINED;
}

bool toy_cell_relates_at(const struct toy_cell_view *s, const struct map *m, uint64_t key)
{
    struct toy_item i = { (uint32_t)key };
    return !IS(s->toy_cell->owner, m) || AGREE(get(s->toy_cell->owner, i).n, toy_cell_get(i).n, "owner in cell %u", i.n);
}

bool toy_cell_relates(const struct toy_cell_view *s)
{
    for (uint32_t n = 0; n < val(s->toy_cell->total); n++)
        if (!toy_cell_relates_at(s, &s->toy_cell->owner.m, n))
            return false;
    return true;
}

bool toy_cell_invariant_at(const struct toy_cell_view *s, const struct map *m, uint64_t key)
{
    return (void)s, (void)m, (void)key, true;
}

bool toy_cell_invariant(const struct toy_cell_view *s) { return (void)s, true; }
