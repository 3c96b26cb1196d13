/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_spec: what CPUs may still translate to is one map; a shoot-down takes pages out of it.      Specification of mm/tlb
 *
 * Choice        tlb_find: whether this CPU still has what is in filled, and how much of its permission
 * Environment   here->id, which CPU it is; the engine; the arena */
#include "core/spec.h"

#define VA_LIMIT (UINT64_C(1) << TLB_VA_BITS)

void tlb_abs_init(struct tlb_abs *s)
{
    INIT(s->filled, "tlb.filled");
    INIT(s->inside, "tlb.inside");
}

static struct tlb_at at(struct pt_id id, uint64_t va) { return (struct tlb_at){ (uint64_t)id.n << 36 | va >> FRAME_SHIFT }; }
static uint64_t first_of(uint64_t both) { return both & UINT32_MAX; }
static uint64_t second_of(uint64_t both) { return both >> 32; }
static uint32_t limit(void)
{
    const struct ukern_params *p = &here->m->params;
    return p->limits == UKERN_LIMITS_MCERTIKOS ? 64 : p->max_tasks + p->max_vms;
}
static bool within(uint32_t most, uint32_t perm) { return (perm & ~most) == 0; }

static bool is_inside(const struct tlb_view *s, uint32_t cpu, struct pt_id id)
{
    uint64_t both = get(s->tlb->inside, cpu), it = (uint64_t)id.n + 1;
    return first_of(both) == it || second_of(both) == it;
}

enum verdict tlb_init_spec(struct tlb_view *s, const struct tlb_init_ret *did, struct tlb_init_ret *r)
{
    PRE(size(s->tlb->filled) == 0 && size(s->tlb->inside) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK); /* the arena may be full */
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    return DEFINED;
}

enum verdict tlb_enter_spec(struct tlb_view *s, struct pt_id id, const struct tlb_enter_ret *did, struct tlb_enter_ret *r)
{
    uint64_t both = get(s->tlb->inside, here->id), it = (uint64_t)id.n + 1;
    (void)did, (void)r;
    PRE(second_of(both) == 0 && !is_inside(s, here->id, id) && id.n < limit());
    set(s->tlb->inside, here->id, first_of(both) == 0 ? it : both | it << 32);
    return DEFINED;
}

enum verdict tlb_leave_spec(struct tlb_view *s, struct pt_id id, const struct tlb_leave_ret *did, struct tlb_leave_ret *r)
{
    uint64_t both = get(s->tlb->inside, here->id), it = (uint64_t)id.n + 1;
    uint64_t other = first_of(both) == it ? second_of(both) : first_of(both);
    (void)did, (void)r;
    PRE(is_inside(s, here->id, id));
    if (other)
        set(s->tlb->inside, here->id, other);
    else
        del(s->tlb->inside, here->id);
    return DEFINED;
}

enum verdict tlb_find_spec(struct tlb_view *s, struct pt_id id, uint64_t va, const struct tlb_find_ret *did,
                           struct tlb_find_ret *r)
{
    PRE(is_inside(s, here->id, id) && va < VA_LIMIT);
    bool filled = has(s->tlb->filled, at(id, va));
    struct tlb_entry e = get(s->tlb->filled, at(id, va));
    r->ret = CHOICE(did, ret, filled ? UKERN_OK : UKERN_NOTFOUND);
    ALLOW(r->ret == UKERN_NOTFOUND || (r->ret == UKERN_OK && filled));
    if (r->ret != UKERN_OK)
        return DEFINED;
    r->ret_frame = e.frame;
    r->ret_perm = CHOICE(did, ret_perm, e.perm);
    ALLOW(within(e.perm, r->ret_perm));
    return DEFINED;
}

enum verdict tlb_fill_spec(struct tlb_view *s, struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm,
                           const struct tlb_fill_ret *did, struct tlb_fill_ret *r)
{
    bool filled = has(s->tlb->filled, at(id, va));
    struct tlb_entry e = get(s->tlb->filled, at(id, va));
    (void)did, (void)r;
    PRE(is_inside(s, here->id, id) && va < VA_LIMIT && perm <= PERM_ALL && (!filled || e.frame.n == f.n));
#ifndef UKERN_BUG_SPEC_FILL_PERM
    set(s->tlb->filled, at(id, va), ((struct tlb_entry){ f, e.perm | perm }));
#else
    set(s->tlb->filled, at(id, va), ((struct tlb_entry){ f, perm & e.perm }));
#endif
    return DEFINED;
}

/* Takes some of the keys in [from, from + pages) out of filled, at most AT_ONCE; how many. */
static uint32_t take_some(struct tlb_view *s, struct tlb_at from, uint64_t pages)
{
    enum { AT_ONCE = 64 };
    struct tlb_at gone[AT_ONCE];
    uint32_t n = 0;
    EACH(s->tlb->filled, k)
        if (k.key - from.key < pages && n < AT_ONCE)
            gone[n++] = k;
    for (uint32_t i = 0; i < n; i++)
        del(s->tlb->filled, gone[i]);
    return n;
}

/* filled has no key in [from, from + pages) any more: each page is looked at, or, when those are fewer, each key. */
static void take_away(struct tlb_view *s, struct tlb_at from, uint64_t pages)
{
    while (pages > size(s->tlb->filled))
        if (take_some(s, from, pages) == 0)
            return;
    for (uint64_t i = 0; i < pages; i++)
        del(s->tlb->filled, (struct tlb_at){ from.key + i });
}

enum verdict tlb_shoot_spec(struct tlb_view *s, struct pt_id id, uint64_t va, uint64_t pages,
                            const struct tlb_shoot_ret *did, struct tlb_shoot_ret *r)
{
    (void)did, (void)r;
    PRE(!is_inside(s, here->id, id) && id.n < limit());
    uint64_t left = (round_up(VA_LIMIT - (va < VA_LIMIT ? va : VA_LIMIT), FRAME_SIZE)) >> FRAME_SHIFT;
#ifndef UKERN_BUG_SPEC_SHOOT_SHORT
    take_away(s, at(id, va), pages < left ? pages : left);
#else
    take_away(s, at(id, va), pages - 1 < left ? pages - 1 : left);
#endif
    AWAIT_EACH(cpu, !is_inside(s, cpu, id)); /* what it found before, it has finished with */
    return DEFINED;
}

/* Another CPU's words are its own: they can be looked at while it stands still. */
static bool stands_still(uint32_t cpu) { return cpu == here->id || here->m->params.engine == UKERN_SIM; }

/* I1, of the one page */
static bool agrees(const struct tlb_view *s, uint32_t cpu, struct tlb_at k, struct tlb_entry code)
{
    struct tlb_entry e = get(s->tlb->filled, k);
    unsigned long long id = k.key >> 36, page = k.key & ((UINT64_C(1) << 36) - 1);
    return HOLDS(has(s->tlb->filled, k), "CPU %u finds page 0x%llx of map %llu, which is not filled", cpu, page, id) &&
           AGREE(e.frame.n, code.frame.n, "frame of page 0x%llx of map %llu that CPU %u finds", page, id, cpu) &&
           HOLDS(within(e.perm, code.perm), "CPU %u finds more permission (%u, filled %u) for page 0x%llx of map %llu", cpu,
                 code.perm, e.perm, page, id);
}

bool tlb_relates_at(const struct tlb_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->tlb->inside, m)) {
        uint32_t cpu = (uint32_t)key;
        return !stands_still(cpu) || AGREE(get(s->tlb->inside, cpu), tlb_peek_inside(cpu), "maps that CPU %u is inside", cpu);
    }
    struct tlb_at k = { key };
    struct pt_id id = { (uint32_t)(key >> 36) };
    for (uint32_t cpu = 0; cpu < here->m->cpus; cpu++) {
        struct tlb_entry e;
        if (stands_still(cpu) && tlb_peek_at(cpu, id, (key & ((UINT64_C(1) << 36) - 1)) << FRAME_SHIFT, &e) &&
            !agrees(s, cpu, k, e))
            return false;
    }
    return true;
}

bool tlb_relates(const struct tlb_view *s)
{
    for (uint32_t cpu = 0; cpu < here->m->cpus; cpu++) {
        if (!AGREE(get(s->tlb->inside, cpu), tlb_peek_inside(cpu), "maps that CPU %u is inside", cpu))
            return false;
        for (uint32_t slot = 0; slot < TLB_ENTRIES; slot++) {
            struct tlb_at k;
            struct tlb_entry e;
            if (tlb_peek(cpu, slot, &k, &e) && !agrees(s, cpu, k, e))
                return false;
        }
    }
    return true;
}

bool tlb_invariant_at(const struct tlb_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->tlb->inside, m)) {
        uint64_t both = get(s->tlb->inside, (uint32_t)key);
        return HOLDS(both == 0 || (first_of(both) != 0 && first_of(both) != second_of(both)),
                     "CPU %u is inside maps 0x%llx", (uint32_t)key, (unsigned long long)both);
    }
    return !IS(s->tlb->filled, m) ||
           HOLDS(get(s->tlb->filled, (struct tlb_at){ key }).perm <= PERM_ALL, "permission of 0x%llx", (unsigned long long)key);
}

bool tlb_invariant(const struct tlb_view *s)
{
    EACH(s->tlb->inside, cpu)
        if (!tlb_invariant_at(s, &s->tlb->inside.m, cpu))
            return false;
    EACH(s->tlb->filled, k)
        if (!tlb_invariant_at(s, &s->tlb->filled.m, k.key))
            return false;
    return true;
}
