/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_type: see frame_type.h. Two short lists of runs, made from the memory map's regions; a frame is found by bisection.
 *
 * The map is walked by whole usable runs (regions that touch are one), each is cut into its kernel and its normal part. */
#include "mm/frame_type.h"
#include "mm/memmap.h"

/* CertiKOS: what lies below 1 GiB, and from 3.75 GiB on, is the kernel's. */
enum { MCERTIKOS_LOW = 262144, MCERTIKOS_HIGH = 983040 };
enum { RUNS = MEMMAP_REGIONS + 2 }; /* a window of its own can cut one run more at each end */

struct frame_runs {
    uint32_t count, frames; /* frames: in all of them together */
    struct frame_run run[RUNS];
};

struct frame_type_state {
    bool by_address; /* limits = mcertikos */
    uint32_t kernels;
    struct frame_runs kernel, normal; /* kernel: the usable ones; ascending, disjoint, maximal */
};

static void runs_add(struct frame_runs *r, uint32_t first, uint32_t end)
{
    if (first >= end)
        return;
    struct frame_run *last = r->count ? &r->run[r->count - 1] : NULL;
    r->frames += end - first;
    if (last && last->first.n + last->count == first)
        last->count += end - first;
    else
        r->run[r->count++] = (struct frame_run){ { first }, end - first };
}

/* All frames that lie in one usable region whole. */
static void runs_of_memory(struct frame_runs *ret_usable)
{
    struct memmap_region r;
    for (uint32_t i = 0; memmap_region(i, &r) == UKERN_OK; i++)
        if (r.usable)
            runs_add(ret_usable, (uint32_t)(round_up(r.start, FRAME_SIZE) >> FRAME_SHIFT), (uint32_t)((r.start + r.length) >> FRAME_SHIFT));
}

static uint32_t runs_min(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t runs_max(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* The part of a run that lies in [low, high). */
static void runs_add_between(struct frame_runs *r, const struct frame_run *run, uint32_t low, uint32_t high)
{
    runs_add(r, runs_max(run->first.n, low), runs_min(run->first.n + run->count, high));
}

/* The tables that map all of the memory for the kernel, in 2 MiB pages: see mm/pt_kern. */
static uint32_t frame_type_tables(uint32_t total)
{
    uint64_t n = total;
    return (uint32_t)((n + (1u << 27) - 1) / (1u << 27) + (n + (1u << 18) - 1) / (1u << 18) + (n % 512 ? 1 : 0));
}

static void frame_type_decide(struct frame_type_state *s, const struct frame_runs *usable)
{
    uint32_t left = s->kernels;
    for (uint32_t i = 0; i < usable->count; i++) {
        const struct frame_run *run = &usable->run[i];
        uint32_t end = run->first.n + run->count, cut = run->first.n + runs_min(left, run->count);
        if (s->by_address) {
            runs_add_between(&s->kernel, run, 0, MCERTIKOS_LOW);
            runs_add_between(&s->normal, run, MCERTIKOS_LOW, MCERTIKOS_HIGH);
            runs_add_between(&s->kernel, run, MCERTIKOS_HIGH, UINT32_MAX);
            continue;
        }
#ifdef UKERN_BUG_MM_KERNEL_LENT /* the last of the kernel's frames is everybody's, too */
        runs_add(&s->normal, cut > run->first.n ? cut - 1 : cut, end);
#else
        runs_add(&s->normal, cut, end);
#endif
        runs_add(&s->kernel, run->first.n, cut);
        left -= cut - run->first.n;
    }
}

enum ukern_status frame_type_init(void)
{
    struct ukern *m = here->m;
    struct frame_type_state *s = arena_array(&m->arena, struct frame_type_state, 1);
    if (!s)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame_type");
    struct frame_runs usable = { 0 };
    runs_of_memory(&usable);
    s->by_address = m->params.limits == UKERN_LIMITS_MCERTIKOS;
    s->kernels = frame_type_tables(m->frames);
    frame_type_decide(s, &usable);
    if (s->kernel.frames < s->kernels || s->normal.frames == 0)
        return machine_fail(m, UKERN_NOMEM, "the kernel needs %u usable frames%s for its tables and one more; there are %u and %u", s->kernels,
                            s->by_address ? " below 1 GiB or above 3.75 GiB" : "", s->kernel.frames, s->normal.frames);
    m->frame_type = s;
    return UKERN_OK;
}

/* The last run that begins at or below f, NULL: none does. */
static const struct frame_run *runs_find(const struct frame_runs *r, uint32_t f)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->run[middle].first.n <= f)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &r->run[low - 1] : NULL;
}

static bool runs_have(const struct frame_runs *r, uint32_t f)
{
    const struct frame_run *run = runs_find(r, f);
    return run && f - run->first.n < run->count;
}

enum frame_type frame_type_of(struct frame_id f)
{
    const struct frame_type_state *s = here->m->frame_type;
    if (f.n >= here->m->frames)
        return FRAME_RESERVED;
    if (s->by_address && (f.n < MCERTIKOS_LOW || f.n >= MCERTIKOS_HIGH))
        return FRAME_KERNEL; /* usable or not */
    if (runs_have(&s->normal, f.n))
        return FRAME_NORMAL;
    return runs_have(&s->kernel, f.n) ? FRAME_KERNEL : FRAME_RESERVED;
}

struct frame_id frame_type_kernel(uint32_t i)
{
    const struct frame_runs *r = &here->m->frame_type->kernel;
    CHECK(i < here->m->frame_type->kernels, "one of %u kernel frames expected, it is %u", here->m->frame_type->kernels, i);
    uint32_t at = 0;
    for (; i >= r->run[at].count; at++)
        i -= r->run[at].count;
    return (struct frame_id){ r->run[at].first.n + i };
}

uint32_t frame_type_kernels(void) { return here->m->frame_type->kernels; }
uint32_t frame_type_normals(void) { return here->m->frame_type->normal.frames; }

enum ukern_status frame_type_run(uint32_t i, struct frame_run *ret_run)
{
    const struct frame_runs *r = &here->m->frame_type->normal;
    if (i >= r->count)
        return UKERN_NOTFOUND;
    *ret_run = r->run[i];
    return UKERN_OK;
}
