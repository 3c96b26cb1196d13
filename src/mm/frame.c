/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: see frame.h. Which frames are free is frame_blocks' affair (frame_inside.h), and that of the CPUs' caches.
 *
 * A cache belongs to its CPU: nobody else touches it, unless its CPU is stopped. Who stops it (the thief; it holds frame.lock) and
 * its CPU (the owner) play Dekker's game with two words of it:
 *
 *     owner, each time                       thief, when the free blocks are used up
 *     busy = 1                               steal = STOP
 *     (a barrier for the compiler only)      ops->barrier: every CPU passes a full barrier
 *     steal == 0 ? work : busy = 0, slow     wait until busy == 0, work, steal = 0
 *
 * Each stores first and loads then. If the owner's load came before the thief's store, its own store came before the thief's barrier
 * reached its CPU, so that the thief sees busy == 1 and waits; else the owner sees STOP and goes the slow way, to frame.lock. What a
 * processor may reorder, the owner's store after its load, is undone by the barrier on its CPU, at the thief's expense.
 * busy = 0 releases and the thief's load acquires, steal = 0 releases and the owner's load acquires: so each sees what the other
 * did to the cache. Where the host has no such barrier (m->fences), steal always has the bit FENCED and the owner's store
 * is an exchange, sequentially consistent as all four accesses then are. */
#include "mm/frame.h"
#include "core/calculus.h"
#include "core/lock.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/frame_inside.h"
#include "mm/frame_table.h"
#include "mm/frame_type.h"

enum {
    FORGET_DIRTY = 256, /* from 1 MiB on, giving memory back to the host is cheaper than zeroing it */
    FORGET_FRESH = 4,   /* pages that were never touched need nothing but to be told so: sooner */
    SLOTS = 64,
    BATCH = 32,         /* frames that move at once between a cache and the blocks */
    FRAME_LARGE_ORDER = 9
};

enum { STEAL_STOP = 1, STEAL_FENCED = 2, STEAL_NEVER = 4 }; /* NEVER: no cache is used at all */

struct frame_cache {
    _Alignas(64) _Atomic uint32_t busy; /* (any) its CPU is in the cache */
    _Atomic uint32_t steal;  /* (any) STEAL_ bits: not 0, its CPU keeps out, or fences; written under frame.lock */
    _Atomic uint32_t hot;    /* (any) the frame that came last, NO_ID: it has gone again; spares count's way through memory */
    _Atomic uint32_t count;  /* (any) slots filled; the last one is the next to go */
    _Atomic uint32_t low;    /* (any) the fewest frames that were here since the peak was last noted */
    uint32_t slot[SLOTS];
};

struct frame_state {
    struct lock lock;
    uint32_t usable, cpus;
    uint32_t batch;              /* how many frames move at once; 1: without caches */
    enum frame_take run, scraps; /* where frames come from: LOWEST both, by policy */
    _Atomic uint32_t peak;       /* (any) written under the lock */
    struct frame_blocks free;
    struct frame_cache *cache;   /* [cpus] */
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

/* A free frame is given to `who`. Nobody else knows it: its entry is ours. */
static inline void frame_begin_as(struct frame_id f, struct container_id who, uint8_t dirty)
{
    sanitize_unpoison(frame_bytes(f), FRAME_SIZE);
    if (dirty)
        frame_check_poison(f);
    frame_table_set(f, (struct frame_entry){ .refs = 1, .owner = (uint16_t)who.n, .dirty = dirty });
}

static void frame_begin(struct frame_id f, struct container_id who) { frame_begin_as(f, who, frame_table_get(f).dirty); }

/* The last reference is gone. */
static inline void frame_end(struct frame_id f)
{
    frame_poison(f);
    sanitize_poison(frame_bytes(f), FRAME_SIZE);
    frame_table_set(f, (struct frame_entry){ .dirty = 1 });
}

/* A frame that is used for the first time was zero when it was given out, and mostly still is: then Linux has no page there, and to
 * forget it costs less than to touch it. Should it have been written since, that is undone all the same. */
void frame_clear(struct frame_id first, uint32_t count)
{
    for (uint32_t i = 0, n; i < count; i += n) {
        struct frame_id f = { first.n + i };
        bool dirty = frame_table_get(f).dirty;
        for (n = 1; i + n < count && frame_table_get((struct frame_id){ f.n + n }).dirty == dirty; n++)
            ;
        if (n >= (dirty ? FORGET_DIRTY : FORGET_FRESH))
            ram_forget(here->m, f, n);
#ifdef UKERN_BUG_MM_STALE_BYTES
        else if (!dirty)
#else
        else
#endif
            memset(frame_bytes(f), 0, (size_t)n << FRAME_SHIFT);
    }
}

/* ---- caches ---- */

static uint32_t cache_count(const struct frame_cache *c) { return atomic_load_explicit(&c->count, memory_order_relaxed); }
static void cache_set_count(struct frame_cache *c, uint32_t n) { atomic_store_explicit(&c->count, n, memory_order_relaxed); }
static uint32_t cache_low(const struct frame_cache *c) { return atomic_load_explicit(&c->low, memory_order_relaxed); }
static void cache_set_low(struct frame_cache *c, uint32_t n) { atomic_store_explicit(&c->low, n, memory_order_relaxed); }

static uint32_t cache_hot(const struct frame_cache *c) { return atomic_load_explicit(&c->hot, memory_order_relaxed); }
static void cache_set_hot(struct frame_cache *c, uint32_t n) { atomic_store_explicit(&c->hot, n, memory_order_relaxed); }
static uint32_t cache_frames(const struct frame_cache *c) { return cache_count(c) + (cache_hot(c) != NO_ID); }

/* A frame has gone, the hot one or, when there is none, one of the slots: as many are left as are in slots. */
static inline void cache_went(struct frame_cache *c)
{
    if (unlikely(cache_count(c) < cache_low(c)))
        cache_set_low(c, cache_count(c));
}

/* From the slots; there is one. */
static struct frame_id cache_pop(struct frame_cache *c)
{
    uint32_t n = cache_count(c) - 1;
    cache_set_count(c, n);
    cache_went(c);
    return (struct frame_id){ c->slot[n] };
}

/* Into the slots; there is room. */
static void cache_push(struct frame_cache *c, struct frame_id f)
{
    uint32_t n = cache_count(c);
    c->slot[n] = f.n;
    cache_set_count(c, n + 1);
}

/* Where the host has no barrier for all: the owner fences for itself. */
static __attribute__((noinline)) bool cache_enter_fenced(struct frame_cache *c)
{
    atomic_exchange(&c->busy, 1);
    if (atomic_load(&c->steal) == STEAL_FENCED)
        return true;
    atomic_store_explicit(&c->busy, 0, memory_order_release);
    return false;
}

/* False: the cache is stopped, or there is none; go the slow way. See the head of this file. */
static inline bool cache_enter(struct frame_cache *c)
{
    atomic_store_explicit(&c->busy, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (likely(atomic_load_explicit(&c->steal, memory_order_acquire) == 0))
        return true;
    return cache_enter_fenced(c);
}

static inline void cache_leave(struct frame_cache *c) { atomic_store_explicit(&c->busy, 0, memory_order_release); }

/* The n frames that have been in the slots for the longest join the blocks; of all slots, the hot one, too. */
static void cache_drain(struct frame_state *s, struct frame_cache *c, uint32_t n)
{
    uint32_t left = cache_count(c) - n, hot = cache_hot(c);
    if (hot != NO_ID && left == 0)
        frame_blocks_add(&s->free, hot, 1), cache_set_hot(c, NO_ID);
    for (uint32_t i = 0; i < n; i++)
        frame_blocks_add(&s->free, c->slot[i], 1);
    memmove(c->slot, c->slot + n, left * sizeof c->slot[0]);
    cache_set_count(c, left);
    cache_set_low(c, cache_frames(c));
}

/* Up to n frames for an empty cache, smallest blocks first: the scraps. */
static void cache_fill(struct frame_state *s, struct frame_cache *c, uint32_t n)
{
    uint32_t have = 0, first, got;
    while (have < n && (got = frame_blocks_take(&s->free, s->scraps, n - have, &first)) > 0)
#ifdef UKERN_BUG_MM_LOST_REFILL
        for (got -= got > 1; got > 0; got--)
#else
        for (; got > 0; got--) /* the lowest will be the next to go */
#endif
            c->slot[n - 1 - have++] = first++;
    memmove(c->slot, c->slot + n - have, have * sizeof c->slot[0]);
    cache_set_count(c, have);
    cache_set_low(c, cache_frames(c));
}

/* ---- statistics ---- */

static uint32_t used_when(const struct frame_state *s, uint32_t free) { return free < s->usable ? s->usable - free : 0; }

uint32_t frame_used(void)
{
    const struct frame_state *s = here->m->frame;
    uint32_t free = frame_blocks_count(&s->free);
    for (uint32_t i = 0; i < s->cpus; i++)
        free += cache_frames(&s->cache[i]);
    return used_when(s, free);
}

/* What was used when the caches held least. Several CPUs had their least at different moments. */
static uint32_t used_at_most(const struct frame_state *s)
{
    uint32_t free = frame_blocks_count(&s->free);
    for (uint32_t i = 0; i < s->cpus; i++)
        free += cache_low(&s->cache[i]);
    return used_when(s, free);
}

/* Before frames move between blocks and caches, and after. */
static void frame_note_peak(struct frame_state *s)
{
    uint32_t used = used_at_most(s);
    if (used > atomic_load_explicit(&s->peak, memory_order_relaxed))
        atomic_store_explicit(&s->peak, used, memory_order_relaxed);
    cache_set_low(here->frame, cache_frames(here->frame));
}

uint32_t frame_peak(void)
{
    const struct frame_state *s = here->m->frame;
    uint32_t peak = atomic_load_explicit(&s->peak, memory_order_relaxed), now = used_at_most(s);
    return now > peak ? now : peak;
}

uint32_t frame_usable(void) { return here->m->frame->usable; }

/* ---- stopping the caches: frame.lock is held ---- */

static void cache_wait(struct frame_cache *c)
{
    /* seq_cst: without ops->barrier it is the fourth of Dekker's accesses; with it, it need only acquire. */
    for (uint32_t turns = 1; atomic_load(&c->busy) != 0; turns++) {
        engine_point(POINT_SPIN, 0, 0);
#ifdef UKERN_CHECK
        if (machine_is_broken(here->m)) /* the owner may be the CPU that has parked */
            here->m->ops->park(here);
#endif
        here->m->ops->spin(here, turns);
    }
}

static void caches_go(struct frame_state *s)
{
    for (uint32_t i = 0; i < s->cpus; i++) {
        uint32_t steal = atomic_load_explicit(&s->cache[i].steal, memory_order_relaxed);
        atomic_store_explicit(&s->cache[i].steal, steal & ~(uint32_t)STEAL_STOP, memory_order_release);
    }
}

/* All frames of all caches join the blocks; the caches stay stopped until caches_go. */
static void caches_stop(struct frame_state *s)
{
    frame_note_peak(s);
    for (uint32_t i = 0; i < s->cpus; i++) /* exchanges: without ops->barrier they fence */
        atomic_exchange(&s->cache[i].steal, atomic_load_explicit(&s->cache[i].steal, memory_order_relaxed) | STEAL_STOP);
#ifdef UKERN_BUG_MM_NO_BARRIER
    bool all = true;
#else
    bool all = here->m->ops->barrier(here->m);
#endif
    if (!all)
        cpu_host_refused(); /* only what this CPU has is taken */
    for (uint32_t i = 0; i < s->cpus; i++) {
        if (!all && &s->cache[i] != here->frame)
            continue;
#ifndef UKERN_BUG_MM_NO_WAIT
        cache_wait(&s->cache[i]);
#endif
        cache_drain(s, &s->cache[i], cache_count(&s->cache[i]));
    }
}

/* ---- init ---- */

enum ukern_status frame_init(void)
{
    struct ukern *m = here->m;
    bool lowest = m->params.frame_policy == UKERN_FRAMES_LOWEST;
    struct frame_state *s = arena_array(&m->arena, struct frame_state, 1);
    struct frame_cache *cache = arena_array(&m->arena, struct frame_cache, m->cpus);
    if (!s || !cache || !frame_blocks_init(&s->free, &m->arena, m->frames))
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame (%u frames)", m->frames);
    s->cache = cache;
    s->cpus = m->cpus;
    s->usable = frame_type_normals();
    s->scraps = lowest ? FRAME_TAKE_LOWEST : FRAME_TAKE_SCRAPS;
    s->run = lowest ? FRAME_TAKE_LOWEST : FRAME_TAKE_RUN;
    s->batch = lowest ? 1 : BATCH;
    lock_init(&s->lock, LAYER_mm_frame);
    for (uint32_t i = 0; i < m->cpus; i++) {
        atomic_init(&cache[i].hot, NO_ID);
        atomic_init(&cache[i].steal, lowest ? STEAL_NEVER : m->fences ? STEAL_FENCED : 0);
        m->cpu[i].frame = &cache[i];
    }
    struct frame_run run;
    for (uint32_t i = 0; frame_type_run(i, &run) == UKERN_OK; i++)
        frame_blocks_add(&s->free, run.first.n, run.count);
    m->frame = s;
    return EVENT_OWNED(UKERN_OK);
}

/* ---- allocation ---- */

/* From what this CPU has, or NO_FRAME; its cache is entered, or frame.lock is held. */
static struct frame_id cache_take(struct frame_cache *c)
{
    struct frame_id f = { cache_hot(c) };
    if (f.n != NO_ID)
        cache_set_hot(c, NO_ID), cache_went(c);
    else if (cache_count(c) > 0)
        f = cache_pop(c);
    return f;
}

static __attribute__((noinline)) enum ukern_status frame_alloc_slow(struct container_id who, struct frame_id *ret_frame)
{
    struct frame_state *s = here->m->frame;
    struct frame_cache *c = here->frame;
    LOCK_SCOPE(&s->lock);
    bool stopped = false;
    frame_note_peak(s);
    if (cache_frames(c) == 0)
        cache_fill(s, c, s->batch);
    if (cache_frames(c) == 0) { /* others may have some; a little is left for them */
        caches_stop(s);
        stopped = true;
        cache_fill(s, c, frame_blocks_count(&s->free) / (2 * s->cpus) < s->batch ? 1 : s->batch);
    }
    struct frame_id f = cache_take(c);
    if (f.n != NO_ID) {
        frame_begin(f, who);
        *ret_frame = f;
    }
    frame_note_peak(s);
    enum ukern_status st = EVENT(f.n != NO_ID ? UKERN_OK : UKERN_NOMEM);
    if (stopped)
        caches_go(s);
    return st;
}

/* Not the frame that came last, but one of the slots. */
static __attribute__((noinline)) enum ukern_status frame_alloc_slot(struct container_id who, struct frame_id *ret_frame)
{
    struct frame_cache *c = here->frame;
    if (!cache_enter(c))
        return frame_alloc_slow(who, ret_frame);
    if (cache_count(c) == 0) {
        cache_leave(c);
        return frame_alloc_slow(who, ret_frame);
    }
    struct frame_id f = cache_pop(c);
    frame_begin(f, who);
    *ret_frame = f;
    enum ukern_status st = EVENT_OWNED(UKERN_OK);
    cache_leave(c);
    return st;
}

enum ukern_status frame_alloc(struct container_id who, struct frame_id *ret_frame)
{
    struct frame_cache *c = here->frame;
    if (unlikely(!cache_enter(c)))
        return frame_alloc_slow(who, ret_frame);
    struct frame_id f = { cache_hot(c) };
    if (unlikely(f.n == NO_ID)) {
        cache_leave(c);
        return frame_alloc_slot(who, ret_frame);
    }
    cache_set_hot(c, NO_ID);
    cache_went(c);
#ifdef UKERN_BUG_MM_OLD_PAYER
    frame_begin_as(f, frame_owner(f), 1);
#else
    frame_begin_as(f, who, 1); /* it was given back */
#endif
    *ret_frame = f;
    enum ukern_status st = EVENT_OWNED(UKERN_OK);
    cache_leave(c);
    return st;
}

static void frames_begin(uint32_t first, uint32_t count, struct container_id who)
{
    for (uint32_t i = 0; i < count; i++)
        frame_begin((struct frame_id){ first + i }, who);
}

/* Makes `want` frames in one block more likely: first by what this CPU has, then by what all have. True: all are stopped. */
static bool blocks_gather(struct frame_state *s, uint32_t want, bool only_whole)
{
    if (!frame_blocks_fit(&s->free, want))
        cache_drain(s, here->frame, cache_count(here->frame));
#ifdef UKERN_BUG_MM_NOMEM_EARLY
    bool enough = true;
    (void)only_whole;
#else
    bool enough = only_whole ? frame_blocks_fit(&s->free, want) : frame_blocks_count(&s->free) > 0;
#endif
    if (!enough)
        caches_stop(s);
    return !enough;
}

enum ukern_status frame_alloc_run(struct container_id who, uint32_t want, struct frame_id *ret_first, uint32_t *ret_count)
{
    struct frame_state *s = here->m->frame;
    uint32_t first;
    if (want == 0)
        return UKERN_BADARG;
    LOCK_SCOPE(&s->lock);
    frame_note_peak(s);
    bool stopped = blocks_gather(s, want, false);
    uint32_t count = frame_blocks_take(&s->free, s->run, want, &first);
    if (count > 0) {
        frames_begin(first, count, who);
        *ret_first = (struct frame_id){ first };
        *ret_count = count;
    }
    frame_note_peak(s);
    enum ukern_status st = EVENT(count > 0 ? UKERN_OK : UKERN_NOMEM);
    if (stopped)
        caches_go(s);
    return st;
}

enum ukern_status frame_alloc_large(struct container_id who, struct frame_id *ret_first)
{
    struct frame_state *s = here->m->frame;
    uint32_t first;
    LOCK_SCOPE(&s->lock);
    frame_note_peak(s);
    bool stopped = blocks_gather(s, FRAME_LARGE, true);
#ifdef UKERN_BUG_MM_LARGE_ANYWHERE
    bool found = frame_blocks_fit(&s->free, FRAME_LARGE) && frame_blocks_take(&s->free, FRAME_TAKE_LOWEST, FRAME_LARGE, &first);
#else
    bool found = frame_blocks_take_aligned(&s->free, s->run, FRAME_LARGE_ORDER, &first);
#endif
    if (found) {
        frames_begin(first, FRAME_LARGE, who);
        *ret_first = (struct frame_id){ first };
    }
    frame_note_peak(s);
    enum ukern_status st = EVENT(found ? UKERN_OK : UKERN_NOMEM);
    if (stopped)
        caches_go(s);
    return st;
}

/* ---- references ----
 *
 * An entry with one reference belongs to whoever holds that: only the holder may drop it, and only with the holder's leave does
 * somebody add one (frame_ref's PRE). So no lock is needed to free it: nobody else touches the entry. With several
 * references their holders may drop at the same time, and frame.lock orders them; the last of them sees, by get's acquire,
 * what the others did. Who asks for a frame that he does not hold gets an exact answer, but a slow one: with all caches stopped. */

/* The entry of a frame, and whether it is used; if it is not, no CPU can begin to use it before caches_go. frame.lock is held. */
static bool frame_find(struct frame_state *s, struct frame_id f, struct frame_entry *ret_entry, bool *ret_stopped)
{
    *ret_stopped = false;
    if (f.n >= here->m->frames)
        return false;
    *ret_entry = frame_table_get(f);
    if (ret_entry->refs > 0)
        return true;
    caches_stop(s);
    *ret_stopped = true;
    *ret_entry = frame_table_get(f);
#ifdef UKERN_BUG_MM_DOUBLE_FREE
    return frame_type_of(f) == FRAME_NORMAL;
#else
    return ret_entry->refs > 0;
#endif
}

static enum ukern_status frame_ref_locked(struct frame_state *s, struct frame_id f, bool *ret_stopped)
{
    struct frame_entry e;
    if (!frame_find(s, f, &e, ret_stopped))
        return UKERN_BADARG;
    if (e.refs == UINT32_MAX)
        return UKERN_NOMEM;
#ifdef UKERN_BUG_MM_REF_TWICE
    e.refs += 2;
#else
    e.refs++;
#endif
    frame_table_set(f, e);
    return UKERN_OK;
}

enum ukern_status frame_ref(struct frame_id f)
{
    struct frame_state *s = here->m->frame;
    bool stopped;
    LOCK_SCOPE(&s->lock);
    enum ukern_status st = frame_ref_locked(s, f, &stopped);
    st = EVENT(st);
    if (stopped)
        caches_go(s);
    return st;
}

/* The frame is free; frame.lock is held. */
static void frame_give_back(struct frame_state *s, struct frame_id f)
{
    struct frame_cache *c = here->frame;
    frame_end(f);
    if (s->batch == 1) {
        frame_blocks_add(&s->free, f.n, 1);
        return;
    }
    if (cache_count(c) == SLOTS)
        cache_drain(s, c, BATCH);
    if (cache_hot(c) != NO_ID)
        cache_push(c, (struct frame_id){ cache_hot(c) });
    cache_set_hot(c, f.n);
}

static enum ukern_status frame_drop_locked(struct frame_state *s, struct frame_id f, bool *ret_free, bool *ret_stopped)
{
    struct frame_entry e;
    if (!frame_find(s, f, &e, ret_stopped))
        return UKERN_BADARG;
#ifdef UKERN_BUG_MM_LAST_LEAKS /* the last of several references leaves the frame used */
    *ret_free = false;
    e.refs -= e.refs == 1 ? 0 : 1;
    frame_table_set(f, e);
    return UKERN_OK;
#endif
    *ret_free = e.refs <= 1;
    e.refs--;
    if (*ret_free)
        frame_give_back(s, f);
    else
        frame_table_set(f, e);
    return UKERN_OK;
}

static __attribute__((noinline)) enum ukern_status frame_drop_slow(struct frame_id f, bool *ret_free)
{
    struct frame_state *s = here->m->frame;
    bool stopped;
#ifndef UKERN_BUG_MM_UNLOCKED
    LOCK_SCOPE(&s->lock);
#endif
    frame_note_peak(s);
    enum ukern_status st = frame_drop_locked(s, f, ret_free, &stopped);
    frame_note_peak(s);
    st = EVENT(st);
    if (stopped)
        caches_go(s);
    return st;
}

/* Who drops the last reference without the lock must not take his step before the one who dropped the last but one, and still has the
 * lock, has taken his: steps are the check build's. */
static inline void frame_settled(void)
{
#ifdef UKERN_CHECK
    LOCK_SCOPE(&here->m->frame->lock);
#endif
}

enum ukern_status frame_drop(struct frame_id f, bool *ret_free)
{
    struct frame_cache *c = here->frame;
    frame_settled();
    if (unlikely(f.n >= here->m->frames) || unlikely(frame_table_get(f).refs != 1) || unlikely(!cache_enter(c)))
        return frame_drop_slow(f, ret_free);
    uint32_t hot = cache_hot(c);
    if (unlikely(hot != NO_ID)) {
        if (unlikely(cache_count(c) == SLOTS)) {
            cache_leave(c);
            return frame_drop_slow(f, ret_free);
        }
        cache_push(c, (struct frame_id){ hot });
    }
    frame_end(f);
    cache_set_hot(c, f.n);
    *ret_free = true;
    enum ukern_status st = EVENT_OWNED(UKERN_OK);
    cache_leave(c);
    return st;
}

uint32_t frame_refs(struct frame_id f) { return f.n < here->m->frames ? frame_table_get(f).refs : 0; }
struct container_id frame_owner(struct frame_id f) { return (struct container_id){ frame_table_get(f).owner }; }

/* ---- for the relation ---- */

/* next[0]: orders of blocks, then CPUs; next[1]: where in it. */
bool frame_peek_piece(struct frame_piece *at)
{
    const struct frame_state *s = here->m->frame;
    if (!s)
        return false; /* the code does not run */
    for (; at->next[0] < FRAME_ORDERS; at->next[0]++, at->next[1] = 0) {
        uint32_t order = (uint32_t)at->next[0];
        uint32_t first = at->next[1] < here->m->frames ? frame_blocks_next(&s->free, order, (uint32_t)at->next[1]) : NO_ID;
        if (first == NO_ID)
            continue;
        at->first = (struct frame_id){ first };
        at->count = 1u << order;
        at->next[1] = (uint64_t)first + at->count;
        return true;
    }
    for (; at->next[0] - FRAME_ORDERS < s->cpus; at->next[0]++, at->next[1] = 0) {
        const struct frame_cache *c = &s->cache[at->next[0] - FRAME_ORDERS];
        uint64_t i = at->next[1]++;
        if (i > cache_count(c) || (i == cache_count(c) && cache_hot(c) == NO_ID))
            continue;
        at->first = (struct frame_id){ i < cache_count(c) ? c->slot[i] : cache_hot(c) };
        at->count = 1;
        return true;
    }
    return false;
}
