/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: see frame.h. Which frames are free is frame_blocks' affair (frame_inside.h). */
#include "mm/frame.h"
#include "core/lock.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/frame_inside.h"
#include "mm/frame_table.h"
#include "mm/memmap.h"

enum {
    FORGET_RUN = 256, /* from 1 MiB on, giving memory back to the host is cheaper than zeroing it */
    SPARES = 32
};

struct frame_state {
    struct lock lock;
    uint32_t usable;
    _Atomic uint32_t used, peak; /* written under the lock, read without */
    struct frame_blocks free;
    /* Free frames that have not joined their neighbours yet: a frame that comes and goes alone would split a large block
     * into all its orders and join them again each time. */
    uint32_t spare[SPARES], spares;
};

/* ---- what free and used frames hold ---- */

#ifdef UKERN_CHECK
static void frame_poison(struct frame_id f) { memset(frame_bytes(f), FRAME_POISON, FRAME_SIZE); }
static void frame_check_poison(struct frame_id f)
{
    const uint8_t *bytes = frame_bytes(f);
    for (uint32_t i = 0; i < FRAME_SIZE; i++)
        CHECK(bytes[i] == FRAME_POISON, "frame %u was written at byte %u after it was freed: %#x", f.n, i, bytes[i]);
}
#else
static void frame_poison(struct frame_id f) { (void)f; }
static void frame_check_poison(struct frame_id f) { (void)f; }
#endif

/* Makes frames that were just taken zero. Fresh pages of the memfd are zero and stay untouched. */
static void frame_clean(struct frame_id first, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t dirty = 0;
        for (; i + dirty < n && frame_table_dirty((struct frame_id){ first.n + i + dirty }); dirty++)
            frame_check_poison((struct frame_id){ first.n + i + dirty });
        struct frame_id f = { first.n + i };
        if (dirty >= FORGET_RUN)
            ram_forget(here->m, f, dirty);
#ifndef UKERN_BUG_MM_STALE_BYTES
        else if (dirty)
            memset(frame_bytes(f), 0, (size_t)dirty << FRAME_SHIFT);
#endif
        i += dirty;
        if (!dirty)
            frame_table_set_dirty((struct frame_id){ first.n + i++ }, true); /* from now on it may be written */
    }
}

/* ---- primitives ---- */

static enum ukern_status frame_usable_regions(struct frame_state *s)
{
    struct ukern_region r;
    for (uint32_t i = 0; i < memmap_count(); i++) {
        enum ukern_status st = memmap_region(i, &r);
        if (st != UKERN_OK)
            return st;
        uint32_t first = (uint32_t)(round_up(r.start, FRAME_SIZE) >> FRAME_SHIFT);
        uint32_t end = (uint32_t)((r.start + r.length) >> FRAME_SHIFT);
        if (!r.usable || first >= end)
            continue;
        for (uint32_t n = first; n < end; n++)
            frame_table_set_type((struct frame_id){ n }, FRAME_NORMAL);
        frame_blocks_add(&s->free, first, end - first);
        s->usable += end - first;
    }
    return UKERN_OK;
}

enum ukern_status frame_init(void)
{
    struct ukern *m = here->m;
    struct frame_state *s = arena_array(&m->arena, struct frame_state, 1);
    if (!s || !frame_blocks_init(&s->free, &m->arena, m->frames))
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame (%u frames)", m->frames);
    lock_init(&s->lock, LAYER_mm_frame);
    m->frame = s;
    return frame_usable_regions(s);
}

/* The set of free frames: what is given back last goes out first, but whoever wants a run gets it from all of them. */
static void frame_give_back(struct frame_state *s, uint32_t n)
{
    if (s->spares == SPARES) { /* the older half joins */
        for (uint32_t i = 0; i < SPARES / 2; i++)
            frame_blocks_add(&s->free, s->spare[i], 1);
        s->spares -= SPARES / 2;
        memmove(s->spare, s->spare + SPARES / 2, s->spares * sizeof s->spare[0]);
    }
    s->spare[s->spares++] = n;
}

static uint32_t frame_find(struct frame_state *s, uint32_t want, uint32_t *ret_first)
{
    if (want == 1 && s->spares) {
        *ret_first = s->spare[--s->spares];
        return 1;
    }
    while (s->spares)
        frame_blocks_add(&s->free, s->spare[--s->spares], 1);
    return frame_blocks_take(&s->free, want, ret_first);
}

static uint32_t frame_take(uint32_t want, struct frame_id *ret_first)
{
    struct frame_state *s = here->m->frame;
    LOCK_SCOPE(&s->lock);
    uint32_t count = frame_find(s, want, &ret_first->n);
    for (uint32_t i = 0; i < count; i++)
        frame_table_set_refs((struct frame_id){ ret_first->n + i }, 1);
    uint32_t used = atomic_load_explicit(&s->used, memory_order_relaxed) + count;
    atomic_store_explicit(&s->used, used, memory_order_relaxed);
    if (used > atomic_load_explicit(&s->peak, memory_order_relaxed))
        atomic_store_explicit(&s->peak, used, memory_order_relaxed);
    return count;
}

enum ukern_status frame_alloc_run(uint32_t want, struct frame_id *ret_first, uint32_t *ret_count)
{
    if (want == 0)
        return UKERN_BADARG;
    struct frame_id first;
    uint32_t count = frame_take(want, &first);
    if (count == 0)
        return UKERN_NOMEM;
    sanitize_unpoison(frame_bytes(first), (size_t)count << FRAME_SHIFT);
    frame_clean(first, count);
    *ret_first = first;
    *ret_count = count;
    return UKERN_OK;
}

enum ukern_status frame_alloc(struct frame_id *ret_frame)
{
    uint32_t count;
    return frame_alloc_run(1, ret_frame, &count);
}

/* Whether f is a frame that somebody was given; the lock is held. */
static bool frame_in_use(struct frame_id f)
{
#ifndef UKERN_BUG_MM_DOUBLE_FREE
    return f.n < here->m->frames && frame_table_type(f) == FRAME_NORMAL && frame_table_refs(f) > 0;
#else
    return f.n < here->m->frames && frame_table_type(f) == FRAME_NORMAL;
#endif
}

enum ukern_status frame_ref(struct frame_id f)
{
    struct frame_state *s = here->m->frame;
    LOCK_SCOPE(&s->lock);
    if (!frame_in_use(f))
        return UKERN_BADARG;
    uint32_t refs = frame_table_refs(f);
    if (refs == UINT32_MAX)
        return UKERN_NOMEM;
    frame_table_set_refs(f, refs + 1);
    return UKERN_OK;
}

enum ukern_status frame_drop(struct frame_id f)
{
    struct frame_state *s = here->m->frame;
#ifndef UKERN_BUG_MM_UNLOCKED
    LOCK_SCOPE(&s->lock);
#endif
    if (!frame_in_use(f))
        return UKERN_BADARG;
    uint32_t refs = frame_table_refs(f) - 1;
    frame_table_set_refs(f, refs);
    if (refs > 0)
        return UKERN_OK;
    frame_poison(f);
    sanitize_poison(frame_bytes(f), FRAME_SIZE);
    frame_give_back(s, f.n);
    atomic_store_explicit(&s->used, atomic_load_explicit(&s->used, memory_order_relaxed) - 1, memory_order_relaxed);
    return UKERN_OK;
}

uint32_t frame_used(void) { return atomic_load_explicit(&here->m->frame->used, memory_order_relaxed); }
uint32_t frame_peak(void) { return atomic_load_explicit(&here->m->frame->peak, memory_order_relaxed); }
uint32_t frame_usable(void) { return here->m->frame->usable; }
