/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_quota_spec: what is left is a map; who has none left is not in it. */
#include "core/spec.h"
#include "toy_hooks.h"

void toy_quota_abs_init(struct toy_quota_abs *s) { INIT(s->left, "toy_quota.left"); }

static bool is_id(struct toy_owner id) { return id.n > 0 && id.n < TOY_OWNERS; }

static uint32_t left(const struct toy_quota_view *s, struct toy_owner id) { return get(s->toy_quota->left, id); }

static void let_have(struct toy_quota_view *s, struct toy_owner id, uint32_t n)
{
    if (n)
        set(s->toy_quota->left, id, n);
    else
        del(s->toy_quota->left, id);
}

enum verdict toy_quota_init_spec(struct toy_quota_view *s, uint32_t total, const struct toy_quota_init_ret *did,
                                 struct toy_quota_init_ret *r)
{
    (void)did;
    PRE(size(s->toy_quota->left) == 0 && total > 0);
    r->ret = toy_stock_init(total);
    if (r->ret == UKERN_OK)
        let_have(s, (struct toy_owner){ 1 }, total);
    return DEFINED;
}

enum verdict toy_quota_move_spec(struct toy_quota_view *s, struct toy_owner from, struct toy_owner to, uint32_t n,
                                 const struct toy_quota_move_ret *did, struct toy_quota_move_ret *r)
{
    (void)did;
    PRE(is_id(from) && is_id(to));
    r->ret = UKERN_NOMEM;
    if (left(s, from) < n)
        return DEFINED;
    let_have(s, from, left(s, from) - n);
    let_have(s, to, left(s, to) + n);
    r->ret = UKERN_OK;
    return DEFINED;
}

enum verdict toy_quota_alloc_spec(struct toy_quota_view *s, struct toy_owner id, const struct toy_quota_alloc_ret *did,
                                  struct toy_quota_alloc_ret *r)
{
    uint32_t n;
    (void)did;
    PRE(is_id(id));
    ALLOW(left(s, id) == 0 || size(s->toy_stock->owner) < val(s->toy_stock->total)); /* before the lower step */
    r->ret = left(s, id) == 0 ? UKERN_NOMEM : toy_stock_alloc(id, &r->ret_item, &n);
    if (r->ret == UKERN_OK)
        let_have(s, id, left(s, id) - 1);
    return DEFINED;
}

enum verdict toy_quota_two_spec(struct toy_quota_view *s, struct toy_owner id, const struct toy_quota_two_ret *did,
                                struct toy_quota_two_ret *r)
{
    struct toy_item a, b;
    uint32_t n;
    (void)did;
    PRE(is_id(id));
    r->ret = UKERN_NOMEM;
    if (left(s, id) < 2 || toy_stock_alloc(id, &a, &n) != UKERN_OK)
        return DEFINED;
    if (toy_stock_alloc(id, &b, &n) != UKERN_OK) {
        toy_stock_free(a);
        return DEFINED;
    }
    let_have(s, id, left(s, id) - 2);
    *r = (struct toy_quota_two_ret){ UKERN_OK, a, b };
    return DEFINED;
}

enum verdict toy_quota_free_spec(struct toy_quota_view *s, struct toy_owner id, struct toy_item i,
                                 const struct toy_quota_free_ret *did, struct toy_quota_free_ret *r)
{
    (void)did, (void)r;
    PRE(is_id(id) && has(s->toy_stock->owner, i) && get(s->toy_stock->owner, i).n == id.n);
    toy_stock_free(i);
    let_have(s, id, left(s, id) + 1);
    return DEFINED;
}

enum verdict toy_quota_refill_spec(struct toy_quota_view *s, struct toy_owner id, uint32_t n, const struct toy_quota_refill_ret *did,
                                   struct toy_quota_refill_ret *r)
{
    (void)did;
    if (toy_bug != TOY_SPEC_WITHOUT_PRE)
        PRE(is_id(id));
    let_have(s, id, left(s, id) + n);
    *r = (struct toy_quota_refill_ret){ true, left(s, id) };
    return DEFINED;
}

bool toy_quota_relates_at(const struct toy_quota_view *s, const struct map *m, uint64_t key)
{
    struct toy_owner id = { (uint32_t)key };
    return !IS(s->toy_quota->left, m) || AGREE(left(s, id), toy_quota_peek(id), "what is left to %u", id.n);
}

bool toy_quota_relates(const struct toy_quota_view *s)
{
    for (uint32_t n = 0; n < TOY_OWNERS; n++)
        if (!toy_quota_relates_at(s, &s->toy_quota->left.m, n))
            return false;
    return true;
}

bool toy_quota_invariant_at(const struct toy_quota_view *s, const struct map *m, uint64_t key)
{
    struct toy_owner id = { (uint32_t)key };
    return !IS(s->toy_quota->left, m) || HOLDS(left(s, id) <= val(s->toy_stock->total), "I1 at owner %u", id.n);
}

bool toy_quota_invariant(const struct toy_quota_view *s)
{
    uint64_t sum = size(s->toy_stock->owner);
    EACH(s->toy_quota->left, id)
        sum += left(s, id);
    return AGREE(sum, val(s->toy_stock->total), "what is left and what is taken");
}
