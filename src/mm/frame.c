/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: see frame.h. A buddy system: free frames form blocks of 2^order frames, aligned to their size; the first frame
 * of a block carries its order and its links. Taking and freeing cost at most one step per order, not per frame. */
#include "mm/frame.h"
#include "core/lock.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/frame_table.h"
#include "mm/memmap.h"

enum {
    ORDERS = 21,       /* blocks of 1 frame to 4 GiB */
    NOT_A_BLOCK = 0xff,
    FORGET_RUN = 256   /* from 1 MiB on, giving memory back to the host is cheaper than zeroing it */
};

struct frame_state {
    struct lock lock;
    uint32_t usable;
    _Atomic uint32_t used, peak; /* written under the lock, read without */
    uint32_t nonempty;           /* bit k: head[k] is a block */
    uint32_t head[ORDERS];       /* NO_ID: no block of that order */
    uint32_t *next, *prev;       /* [frames], of a block's first frame; NO_ID ends the list */
    uint8_t *order;              /* [frames], of a block's first frame, else NOT_A_BLOCK */
};

/* ---- the lists of blocks; the lock is held (or boot runs) ---- */

static void frame_block_add(struct frame_state *s, uint32_t n, uint32_t order)
{
    s->order[n] = (uint8_t)order;
    s->prev[n] = NO_ID;
    s->next[n] = s->head[order];
    if (s->head[order] != NO_ID)
        s->prev[s->head[order]] = n;
    s->head[order] = n;
    s->nonempty |= 1u << order;
}

static void frame_block_remove(struct frame_state *s, uint32_t n)
{
    uint32_t order = s->order[n], next = s->next[n], prev = s->prev[n];
    s->order[n] = NOT_A_BLOCK;
    if (next != NO_ID)
        s->prev[next] = prev;
    if (prev != NO_ID) {
        s->next[prev] = next;
        return;
    }
    s->head[order] = next;
    if (next == NO_ID)
        s->nonempty &= ~(1u << order);
}

/* A block of frames becomes free and joins its buddy as long as that is free, too. */
static void frame_block_free(struct frame_state *s, uint32_t n, uint32_t order)
{
    for (; order < ORDERS - 1; order++) {
        uint32_t buddy = n ^ (1u << order);
        if (buddy >= here->m->frames || s->order[buddy] != order)
            break;
        frame_block_remove(s, buddy);
        n &= ~(1u << order);
    }
    frame_block_add(s, n, order);
}

/* [first, first + n) becomes free: the fewest aligned blocks. */
static void frame_range_free(struct frame_state *s, uint32_t first, uint32_t n)
{
    while (n) {
        uint32_t order = 31 - (uint32_t)__builtin_clz(n);
        if (first && (uint32_t)__builtin_ctz(first) < order)
            order = (uint32_t)__builtin_ctz(first);
        if (order > ORDERS - 1)
            order = ORDERS - 1;
        frame_block_free(s, first, order);
        first += 1u << order;
        n -= 1u << order;
    }
}

/* Takes a free run of 1..want frames off the lists: the smallest block that is long enough, else the largest and then
 * those blocks that happen to follow it. 0: nothing is free. */
static uint32_t frame_range_take(struct frame_state *s, uint32_t want, uint32_t *ret_first)
{
    if (s->nonempty == 0)
        return 0;
    uint32_t enough = want > 1 ? 32 - (uint32_t)__builtin_clz(want - 1) : 0;
    uint32_t fitting = enough < ORDERS ? s->nonempty >> enough << enough : 0;
    uint32_t order = fitting ? (uint32_t)__builtin_ctz(fitting) : 31 - (uint32_t)__builtin_clz(s->nonempty);
    uint32_t first = s->head[order], count = 0;
    do {
        order = s->order[first + count];
        frame_block_remove(s, first + count);
        count += 1u << order;
    } while (count < want && first + count < here->m->frames && s->order[first + count] != NOT_A_BLOCK);
    if (count > want) {
#ifndef UKERN_BUG_MM_RUN_END
        frame_range_free(s, first + want, count - want);
#else
        frame_range_free(s, first + want - 1, count - want + 1);
#endif
        count = want;
    }
    *ret_first = first;
    return count;
}

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
        frame_range_free(s, first, end - first);
        s->usable += end - first;
    }
    return UKERN_OK;
}

enum ukern_status frame_init(void)
{
    struct ukern *m = here->m;
    struct frame_state *s = arena_array(&m->arena, struct frame_state, 1);
    uint32_t *next = arena_array(&m->arena, uint32_t, m->frames), *prev = arena_array(&m->arena, uint32_t, m->frames);
    uint8_t *order = arena_array(&m->arena, uint8_t, m->frames);
    if (!s || !next || !prev || !order)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame (%u frames)", m->frames);
    *s = (struct frame_state){ .next = next, .prev = prev, .order = order };
    lock_init(&s->lock, LAYER_mm_frame);
    memset(s->head, 0xff, sizeof s->head);
    memset(order, NOT_A_BLOCK, m->frames);
    m->frame = s;
    return frame_usable_regions(s);
}

static uint32_t frame_take(uint32_t want, struct frame_id *ret_first)
{
    struct frame_state *s = here->m->frame;
    LOCK_SCOPE(&s->lock);
    uint32_t count = frame_range_take(s, want, &ret_first->n);
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
    LOCK_SCOPE(&s->lock);
    if (!frame_in_use(f))
        return UKERN_BADARG;
    uint32_t refs = frame_table_refs(f) - 1;
    frame_table_set_refs(f, refs);
    if (refs > 0)
        return UKERN_OK;
    frame_poison(f);
    sanitize_poison(frame_bytes(f), FRAME_SIZE);
    frame_block_free(s, f.n, 0);
    atomic_store_explicit(&s->used, atomic_load_explicit(&s->used, memory_order_relaxed) - 1, memory_order_relaxed);
    return UKERN_OK;
}

uint32_t frame_used(void) { return atomic_load_explicit(&here->m->frame->used, memory_order_relaxed); }
uint32_t frame_peak(void) { return atomic_load_explicit(&here->m->frame->peak, memory_order_relaxed); }
uint32_t frame_usable(void) { return here->m->frame->usable; }
