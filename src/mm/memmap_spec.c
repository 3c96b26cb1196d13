/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap_spec: the regions that the boot loader reports, put in order.                          Specification of mm/memmap
 *
 * Environment   here->m->params.regions (the boot loader), here->m->frames (the size of the memory), the arena */
#include "core/spec.h"

void memmap_abs_init(struct memmap_abs *s) { INIT(s->region, "memmap.region"); }

static uint64_t memory(void) { return (uint64_t)here->m->frames << FRAME_SHIFT; }
static size_t reported(void) { return here->m->params.region_count; }
static const struct ukern_region *report(size_t i) { return &here->m->params.regions[i]; }
static bool apart(const struct ukern_region *a, const struct ukern_region *b)
{
    return a->start + a->length <= b->start || b->start + b->length <= a->start;
}

static bool well_formed(void)
{
    if (reported() > MEMMAP_REGIONS)
        return false;
    for (size_t i = 0; i < reported(); i++)
        if (report(i)->length == 0 || !range_in(report(i)->start, report(i)->length, memory()))
            return false;
    for (size_t i = 0; i < reported(); i++)
        for (size_t k = 0; k < i; k++)
            if (!apart(report(i), report(k)))
                return false;
    return true;
}

static uint32_t place(const struct ukern_region *r) /* in the order of addresses: how many lie below it */
{
    uint32_t below = 0;
    for (size_t i = 0; i < reported(); i++)
        below += report(i)->start < r->start;
    return below;
}

enum verdict memmap_init_spec(struct memmap_view *s, const struct memmap_init_ret *did, struct memmap_init_ret *r)
{
    PRE(size(s->memmap->region) == 0);
    r->ret = UKERN_BADARG;
    if (!well_formed())
        return DEFINED;
    r->ret = UKERN_NOMEM;
    if (did && did->ret == UKERN_NOMEM) /* the arena is full: the environment's choice */
        return DEFINED;
    r->ret = UKERN_OK;
    if (reported() == 0)
        set(s->memmap->region, 0, ((struct memmap_region){ 0, memory(), true }));
    for (size_t i = 0; i < reported(); i++)
        set(s->memmap->region, place(report(i)),
            ((struct memmap_region){ report(i)->start, report(i)->length, report(i)->usable }));
    return DEFINED;
}

enum verdict memmap_count_spec(struct memmap_view *s, const struct memmap_count_ret *did, struct memmap_count_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = (uint32_t)size(s->memmap->region);
    return DEFINED;
}

enum verdict memmap_region_spec(struct memmap_view *s, uint32_t i, const struct memmap_region_ret *did,
                                struct memmap_region_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_NOTFOUND;
    if (!has(s->memmap->region, i))
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_region = get(s->memmap->region, i);
    return DEFINED;
}

enum verdict memmap_usable_spec(struct memmap_view *s, struct frame_id f, const struct memmap_usable_ret *did,
                                struct memmap_usable_ret *r)
{
    (void)did;
    PRE(true);
    uint64_t start = (uint64_t)f.n << FRAME_SHIFT, end = start + FRAME_SIZE;
    r->ret = false;
    EACH(s->memmap->region, i) {
        struct memmap_region g = get(s->memmap->region, i);
#ifdef UKERN_BUG_SPEC_REGION_EDGE
        end++;
#endif
        if (g.usable && g.start <= start && end <= g.start + g.length)
            r->ret = true;
    }
    return DEFINED;
}

bool memmap_relates_at(const struct memmap_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    uint32_t i = (uint32_t)key;
    struct memmap_region abs = get(s->memmap->region, i), code = { 0 };
    enum ukern_status found = memmap_region(i, &code);
    return AGREE(has(s->memmap->region, i), found == UKERN_OK, "whether region %u exists", i) &&
           AGREE(abs.start, code.start, "start of region %u", i) &&
           AGREE(abs.length, code.length, "length of region %u", i) &&
           AGREE(abs.usable, code.usable, "whether region %u is usable", i);
}

bool memmap_relates(const struct memmap_view *s)
{
    for (uint32_t i = 0; i <= MEMMAP_REGIONS; i++)
        if (!memmap_relates_at(s, &s->memmap->region.m, i))
            return false;
    return AGREE(size(s->memmap->region), memmap_count(), "number of regions");
}

bool memmap_invariant_at(const struct memmap_view *s, const struct map *m, uint64_t key)
{
    (void)m;
    uint32_t i = (uint32_t)key;
    if (!has(s->memmap->region, i))
        return true;
    struct memmap_region g = get(s->memmap->region, i), below = get(s->memmap->region, i - 1);
    return HOLDS(i == 0 || (has(s->memmap->region, i - 1) && below.start + below.length <= g.start),
                 "I1 at region %u", i) &&
           HOLDS(g.length > 0 && range_in(g.start, g.length, memory()), "I2 at region %u", i);
}

bool memmap_invariant(const struct memmap_view *s)
{
    EACH(s->memmap->region, i)
        if (!memmap_invariant_at(s, &s->memmap->region.m, i))
            return false;
    return true;
}
