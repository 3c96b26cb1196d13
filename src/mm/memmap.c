/* SPDX-License-Identifier: BSD-2-Clause */
/* memmap: see memmap.h. The regions are copied and sorted by address, so that a frame's region is found by bisection. */
#include "mm/memmap.h"

struct memmap_state {
    uint32_t count;
    struct memmap_region region[MEMMAP_REGIONS]; /* ascending, disjoint */
};

#define ULL(x) ((unsigned long long)(x))

static enum ukern_status memmap_check_one(struct ukern *m, size_t i, const struct ukern_region *r)
{
    uint64_t ram = (uint64_t)m->frames << FRAME_SHIFT;
    if (r->length == 0)
        return machine_fail(m, UKERN_BADARG, "memory region %zu (start %#llx) is empty: give it a length", i, ULL(r->start));
    if (!range_in(r->start, r->length, ram))
        return machine_fail(m, UKERN_BADARG, "memory region %zu (start %#llx, length %#llx) leaves the memory of %#llx bytes", i,
                            ULL(r->start), ULL(r->length), ULL(ram));
    return UKERN_OK;
}

/* Sorted insertion; the regions so far are disjoint, so only the two neighbours can overlap the new one. */
static enum ukern_status memmap_add(struct ukern *m, struct memmap_state *s, const struct ukern_region *r)
{
    uint32_t at = s->count;
    while (at > 0 && s->region[at - 1].start > r->start)
        at--;
    const struct memmap_region *other = NULL;
    if (at > 0 && s->region[at - 1].start + s->region[at - 1].length > r->start)
        other = &s->region[at - 1];
    else if (at < s->count && r->start + r->length > s->region[at].start)
        other = &s->region[at];
    if (other)
        return machine_fail(m, UKERN_BADARG, "memory regions %#llx..%#llx and %#llx..%#llx overlap", ULL(r->start),
                            ULL(r->start + r->length), ULL(other->start), ULL(other->start + other->length));
    memmove(&s->region[at + 1], &s->region[at], (s->count - at) * sizeof s->region[0]);
    s->region[at] = (struct memmap_region){ r->start, r->length, r->usable };
    s->count++;
    return UKERN_OK;
}

enum ukern_status memmap_init(void)
{
    struct ukern *m = here->m;
    struct ukern_region all = { .start = 0, .length = (uint64_t)m->frames << FRAME_SHIFT, .usable = true };
    const struct ukern_region *regions = m->params.region_count ? m->params.regions : &all;
    size_t count = m->params.region_count ? m->params.region_count : 1;
    if (count > MEMMAP_REGIONS)
        return machine_fail(m, UKERN_BADARG, "at most %d memory regions are possible, there are %zu", MEMMAP_REGIONS, count);
    struct memmap_state *s = arena_array(&m->arena, struct memmap_state, 1);
    if (!s)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/memmap");
    for (size_t i = 0; i < count; i++) {
        enum ukern_status st = memmap_check_one(m, i, &regions[i]);
        if (st == UKERN_OK)
            st = memmap_add(m, s, &regions[i]);
        if (st != UKERN_OK)
            return st;
    }
    m->memmap = s;
    return UKERN_OK;
}

uint32_t memmap_count(void) { return here->m->memmap->count; }

enum ukern_status memmap_region(uint32_t i, struct memmap_region *ret_region)
{
    const struct memmap_state *s = here->m->memmap;
    if (i >= s->count)
        return UKERN_NOTFOUND;
    *ret_region = s->region[i];
    return UKERN_OK;
}

bool memmap_usable(struct frame_id f)
{
    const struct memmap_state *s = here->m->memmap;
    uint64_t start = (uint64_t)f.n << FRAME_SHIFT;
    uint32_t low = 0, high = s->count; /* the last region that starts at or below the frame is in [low, high) */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->region[middle].start <= start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const struct memmap_region *r = &s->region[low - 1];
#ifndef UKERN_BUG_MM_REGION_EDGE
    return r->usable && range_in(start - r->start, FRAME_SIZE, r->length);
#else
    return r->usable && range_in(start - r->start, 1, r->length);
#endif
}
