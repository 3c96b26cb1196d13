/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_bit_spec: the ids that are taken are a set; the next one is the lowest that is not in it. */
#include "core/spec.h"

void pt_bit_abs_init(struct pt_bit_abs *s) { INIT(s->taken, "pt_bit.taken"); }

static bool is_mcertikos(void) { return here->m->params.limits == UKERN_LIMITS_MCERTIKOS; }
static uint32_t limit(void) { return is_mcertikos() ? 64 : here->m->params.max_tasks + here->m->params.max_vms; }

enum verdict pt_bit_init_spec(struct pt_bit_view *s, const struct pt_bit_init_ret *did, struct pt_bit_init_ret *r)
{
    PRE(size(s->pt_bit->taken) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK);
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    if (r->ret == UKERN_OK && is_mcertikos())
        set(s->pt_bit->taken, (struct pt_id){ 0 }, 1);
    return DEFINED;
}

enum verdict pt_bit_take_spec(struct pt_bit_view *s, const struct pt_bit_take_ret *did, struct pt_bit_take_ret *r)
{
    (void)did;
    PRE(true);
    struct pt_id lowest = first_absent(s->pt_bit->taken, ((struct pt_id){ 0 }));
    r->ret = UKERN_NOMEM;
#ifndef UKERN_BUG_SPEC_BIT_LIMIT
    if (lowest.n >= limit())
#else
    if (lowest.n > limit())
#endif
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_id = lowest;
    set(s->pt_bit->taken, lowest, 1);
    return DEFINED;
}

enum verdict pt_bit_give_spec(struct pt_bit_view *s, struct pt_id id, const struct pt_bit_give_ret *did,
                              struct pt_bit_give_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = has(s->pt_bit->taken, id) ? UKERN_OK : UKERN_BADARG;
    del(s->pt_bit->taken, id);
    return DEFINED;
}

enum verdict pt_bit_is_spec(struct pt_bit_view *s, struct pt_id id, const struct pt_bit_is_ret *did,
                            struct pt_bit_is_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = has(s->pt_bit->taken, id);
    return DEFINED;
}

bool pt_bit_relates_at(const struct pt_bit_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    struct pt_id id = FROM_KEY(s->pt_bit->taken, key);
    return AGREE(has(s->pt_bit->taken, id), pt_bit_peek(id), "whether id %u is taken", id.n);
}

bool pt_bit_relates(const struct pt_bit_view *s)
{
    for (uint32_t n = 0; n < limit(); n++)
        if (!pt_bit_relates_at(s, &s->pt_bit->taken.m, n))
            return false;
    return true;
}

bool pt_bit_invariant_at(const struct pt_bit_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    struct pt_id id = FROM_KEY(s->pt_bit->taken, key);
    return !has(s->pt_bit->taken, id) || HOLDS(id.n < limit(), "I1 at id %u", id.n);
}

bool pt_bit_invariant(const struct pt_bit_view *s)
{
    EACH(s->pt_bit->taken, id)
        if (!pt_bit_invariant_at(s, &s->pt_bit->taken.m, KEY(s->pt_bit->taken, id)))
            return false;
    return true;
}
