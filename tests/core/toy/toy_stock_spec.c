/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_stock_spec: what is not owned is free. */
#include "core/spec.h"
#include "toy_hooks.h"

void toy_stock_abs_init(struct toy_stock_abs *s)
{
    INIT(s->owner, "toy_stock.owner");
    INIT(s->total, "toy_stock.total");
}

static bool is_item(const struct toy_stock_view *s, struct toy_item i) { return i.n < val(s->toy_stock->total); }

enum verdict toy_stock_init_spec(struct toy_stock_view *s, uint32_t total, const struct toy_stock_init_ret *did,
                                 struct toy_stock_init_ret *r)
{
    PRE(val(s->toy_stock->total) == 0 && total > 0);
    r->ret = CHOICE(did, ret, UKERN_OK);
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    if (r->ret == UKERN_OK)
        let(s->toy_stock->total, total);
    return DEFINED;
}

enum verdict toy_stock_alloc_spec(struct toy_stock_view *s, struct toy_owner who, const struct toy_stock_alloc_ret *did,
                                  struct toy_stock_alloc_ret *r)
{
    PRE(who.n > 0 && who.n < TOY_OWNERS);
    r->ret = UKERN_NOMEM;
    if (size(s->toy_stock->owner) == val(s->toy_stock->total))
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_item = CHOICE(did, ret_item, first_absent(s->toy_stock->owner, (struct toy_item){ 0 }));
    ALLOW(is_item(s, r->ret_item) && !has(s->toy_stock->owner, r->ret_item));
    set(s->toy_stock->owner, r->ret_item, who);
    r->ret_left = val(s->toy_stock->total) - (uint32_t)size(s->toy_stock->owner);
    return DEFINED;
}

enum verdict toy_stock_free_spec(struct toy_stock_view *s, struct toy_item i, const struct toy_stock_free_ret *did,
                                 struct toy_stock_free_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->toy_stock->owner, i));
    del(s->toy_stock->owner, i);
    return DEFINED;
}

enum verdict toy_stock_owner_spec(struct toy_stock_view *s, struct toy_item i, const struct toy_stock_owner_ret *did,
                                  struct toy_stock_owner_ret *r)
{
    (void)did;
    PRE(is_item(s, i));
    r->ret = get(s->toy_stock->owner, i);
    return DEFINED;
}

bool toy_stock_relates_at(const struct toy_stock_view *s, const struct map *m, uint64_t key)
{
    struct toy_item i = { (uint32_t)key };
    return !IS(s->toy_stock->owner, m) || AGREE(get(s->toy_stock->owner, i).n, toy_cell_get(i).n, "owner of item %u", i.n);
}

bool toy_stock_relates(const struct toy_stock_view *s)
{
    for (uint32_t n = 0; n < val(s->toy_stock->total); n++)
        if (!toy_stock_relates_at(s, &s->toy_stock->owner.m, n))
            return false;
    return AGREE(val(s->toy_stock->total) - size(s->toy_stock->owner), toy_stock_peek_free(), "number of free items");
}

bool toy_stock_invariant_at(const struct toy_stock_view *s, const struct map *m, uint64_t key)
{
    struct toy_item i = { (uint32_t)key };
    return !IS(s->toy_stock->owner, m) || !has(s->toy_stock->owner, i) ||
           HOLDS(is_item(s, i) && get(s->toy_stock->owner, i).n > 0, "I1 at item %u", i.n);
}

bool toy_stock_invariant(const struct toy_stock_view *s)
{
    EACH(s->toy_stock->owner, i)
        if (!toy_stock_invariant_at(s, &s->toy_stock->owner.m, i.n))
            return false;
    return true;
}
