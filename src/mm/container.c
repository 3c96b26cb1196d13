/* SPDX-License-Identifier: BSD-2-Clause */
/* container: see container.h. A line per container, on a cache line of its own with the lock that guards it. A bitmap says which ids
 * look free: it is read without a lock, so who finds an id there looks again under that line's lock. */
#include "mm/container.h"
#include "core/calculus.h"
#include "core/lock.h"
#include "mm/frame.h"
#include "mm/frame_type.h"

enum { CHILDREN = 3, WORD = 64 }; /* CHILDREN: under limits = mcertikos */

struct container_line {
    _Alignas(64) struct lock lock;
    bool used;
    struct container_info is;
};

struct container_state {
    uint32_t count;
    bool numbered;                /* limits = mcertikos: a child's id follows from its parent's */
    struct container_line *line;  /* [count] */
    _Atomic uint64_t *taken;      /* [count / WORD], a bit per container; changed under its line's lock */
};

static struct container_line *line_of(struct container_id id)
{
    struct container_state *s = here->m->container;
    return id.n < s->count ? &s->line[id.n] : NULL;
}

static void line_begin(struct container_state *s, uint32_t n, uint32_t quota, struct container_id parent)
{
    s->line[n].used = true;
    s->line[n].is = (struct container_info){ .quota = quota, .parent = parent };
    /* relaxed: a hint, see the head; the line itself is read under its lock. */
    atomic_fetch_or_explicit(&s->taken[n / WORD], UINT64_C(1) << n % WORD, memory_order_relaxed);
}

static void line_end(struct container_state *s, uint32_t n)
{
    s->line[n].used = false;
    s->line[n].is = (struct container_info){ 0 };
    atomic_fetch_and_explicit(&s->taken[n / WORD], ~(UINT64_C(1) << n % WORD), memory_order_relaxed);
}

enum ukern_status container_init(void)
{
    struct ukern *m = here->m;
    uint32_t count = m->params.max_containers;
    struct container_state *s = arena_array(&m->arena, struct container_state, 1);
    struct container_line *line = arena_array(&m->arena, struct container_line, count);
    _Atomic uint64_t *taken = arena_array(&m->arena, _Atomic uint64_t, (count + WORD - 1) / WORD);
    if (!s || !line || !taken)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/container (%u containers)", count);
    *s = (struct container_state){ count, m->params.limits == UKERN_LIMITS_MCERTIKOS, line, taken };
    for (uint32_t n = 0; n < count; n++)
        lock_init(&line[n].lock, LAYER_mm_container);
    m->container = s;
    line_begin(s, ROOT_CONTAINER.n, frame_type_normals(), ROOT_CONTAINER);
    return EVENT_OWNED(UKERN_OK);
}

/* ---- children ---- */

/* An id that looks free for a child of `id`; NO_ID: none does. */
static uint32_t child_find(struct container_state *s, struct container_id id)
{
    if (s->numbered) {
#ifdef UKERN_BUG_MM_CHILD_ID
        uint64_t n = 3 * (uint64_t)id.n;
#else
        uint64_t n = 3 * (uint64_t)id.n + 1;
#endif
        for (uint64_t end = n + CHILDREN; n < end && n < s->count; n++)
            if (!(atomic_load_explicit(&s->taken[n / WORD], memory_order_relaxed) >> n % WORD & 1))
                return (uint32_t)n;
        return NO_ID;
    }
    for (uint32_t n = 0; n < s->count; n += WORD) {
        uint64_t open = ~atomic_load_explicit(&s->taken[n / WORD], memory_order_relaxed);
        if (open && n + (uint32_t)__builtin_ctzll(open) < s->count)
            return n + (uint32_t)__builtin_ctzll(open);
    }
    return NO_ID;
}

static uint32_t line_left(const struct container_line *l) { return l->is.quota - l->is.usage; }

/* Why `id` cannot have a child with this quota whatever its number is; its lock is held. */
static enum ukern_status split_decide(const struct container_line *l, uint32_t quota)
{
    if (!l->used)
        return UKERN_BADARG;
    return quota > line_left(l) ? UKERN_NOMEM : UKERN_OK;
}

static enum ukern_status split_without_id(struct container_line *l, uint32_t quota)
{
    LOCK_SCOPE(&l->lock);
    enum ukern_status st = split_decide(l, quota);
    return EVENT(st == UKERN_OK ? UKERN_NOMEM : st);
}

/* False: somebody else took the child's id. */
static bool split_with_id(struct container_state *s, struct container_id id, uint32_t quota, uint32_t child,
                          struct container_id *ret_child, enum ukern_status *ret_st)
{
    struct container_line *l = &s->line[id.n];
    LOCK_PAIR_SCOPE(&l->lock, &s->line[child].lock);
    if (s->line[child].used)
        return false;
    enum ukern_status st = split_decide(l, quota);
    if (st == UKERN_OK) {
        line_begin(s, child, quota, id);
#ifndef UKERN_BUG_MM_QUOTA_TWICE
        l->is.usage += quota;
#endif
        l->is.children++;
        *ret_child = (struct container_id){ child };
    }
    *ret_st = EVENT(st);
    return true;
}

enum ukern_status container_split(struct container_id id, uint32_t quota, struct container_id *ret_child)
{
    struct container_state *s = here->m->container;
    struct container_line *l = line_of(id);
    if (!l)
        return UKERN_BADARG;
    for (;;) {
        enum ukern_status st;
        uint32_t child = child_find(s, id);
        if (child == NO_ID || child == id.n) /* child == id: `id` is free itself */
            return split_without_id(l, quota);
        if (split_with_id(s, id, quota, child, ret_child, &st))
            return st;
    }
}

/* The parent, or NO_ID: no such container. It can only change while nobody holds the line. */
static uint32_t parent_of(struct container_line *l)
{
    LOCK_SCOPE(&l->lock);
    return l->used ? l->is.parent.n : NO_ID;
}

enum ukern_status container_revoke(struct container_id id)
{
    struct container_state *s = here->m->container;
    struct container_line *l = line_of(id);
    if (!l || id.n == ROOT_CONTAINER.n)
        return UKERN_BADARG;
    for (uint32_t parent; (parent = parent_of(l)) != NO_ID;) {
        struct container_line *above = &s->line[parent];
        LOCK_PAIR_SCOPE(&l->lock, &above->lock);
        if (!l->used || l->is.parent.n != parent)
            continue; /* it ended, and began again elsewhere */
#ifdef UKERN_BUG_MM_REVOKE_PARENT
        if (l->is.usage > l->is.quota)
#else
        if (l->is.children > 0 || l->is.usage > 0)
#endif
            return EVENT(UKERN_BUSY);
#ifndef UKERN_BUG_MM_QUOTA_STAYS
        above->is.usage -= l->is.quota;
#endif
#ifndef UKERN_BUG_MM_CHILD_STAYS
        above->is.children--;
#endif
        line_end(s, id.n);
        return EVENT(UKERN_OK);
    }
    return UKERN_BADARG;
}

/* ---- frames ---- */

/* What `id` may still take; its lock is held. */
static enum ukern_status charge_decide(const struct container_line *l, uint32_t n)
{
    if (!l->used)
        return UKERN_BADARG;
#ifdef UKERN_BUG_MM_QUOTA_EDGE
    return line_left(l) + 1 < n ? UKERN_NOMEM : UKERN_OK;
#else
    return line_left(l) < n ? UKERN_NOMEM : UKERN_OK;
#endif
}

enum ukern_status container_alloc(struct container_id id, struct frame_id *ret_frame)
{
    struct container_line *l = line_of(id);
    if (!l)
        return UKERN_BADARG;
    LOCK_SCOPE(&l->lock);
    enum ukern_status st = charge_decide(l, 1);
#ifdef UKERN_BUG_MM_CHARGE_FIRST
    l->is.usage += st == UKERN_OK;
    if (st == UKERN_OK)
        st = frame_alloc(id, ret_frame);
#else
    if (st == UKERN_OK)
        st = frame_alloc(id, ret_frame);
    l->is.usage += st == UKERN_OK;
#endif
    return EVENT(st);
}

enum ukern_status container_alloc_run(struct container_id id, uint32_t want, struct frame_id *ret_first, uint32_t *ret_count)
{
    struct container_line *l = line_of(id);
    if (!l || want == 0)
        return UKERN_BADARG;
    LOCK_SCOPE(&l->lock);
    enum ukern_status st = charge_decide(l, 1);
    if (st == UKERN_OK)
        st = frame_alloc_run(id, want < line_left(l) ? want : line_left(l), ret_first, ret_count);
    if (st == UKERN_OK)
#ifdef UKERN_BUG_MM_RUN_CHARGE
        l->is.usage += want < line_left(l) ? want : line_left(l);
#else
        l->is.usage += *ret_count;
#endif
    return EVENT(st);
}

enum ukern_status container_alloc_large(struct container_id id, struct frame_id *ret_first)
{
    struct container_line *l = line_of(id);
    if (!l)
        return UKERN_BADARG;
    LOCK_SCOPE(&l->lock);
    enum ukern_status st = charge_decide(l, FRAME_LARGE);
    if (st == UKERN_OK)
        st = frame_alloc_large(id, ret_first);
    if (st == UKERN_OK)
        l->is.usage += FRAME_LARGE;
    return EVENT(st);
}

enum ukern_status container_free(struct frame_id f)
{
    struct container_state *s = here->m->container;
    if (frame_refs(f) == 0)
        return UKERN_BADARG;
    struct container_line *l = &s->line[frame_owner(f).n]; /* the payer stays until the last reference is gone */
    bool last;
#ifndef UKERN_BUG_MM_FREE_UNLOCKED
    LOCK_SCOPE(&l->lock);
#endif
    enum ukern_status st = frame_drop(f, &last);
#ifdef UKERN_BUG_MM_CHARGE_STAYS
    if (st == UKERN_OK && last && l == s->line)
#else
    if (st == UKERN_OK && last)
#endif
        l->is.usage--;
    return EVENT(st);
}

/* ---- questions ---- */

enum ukern_status container_info(struct container_id id, struct container_info *ret_info)
{
    struct container_line *l = line_of(id);
    if (!l)
        return UKERN_BADARG;
    LOCK_SCOPE(&l->lock);
    if (!l->used)
        return EVENT(UKERN_BADARG);
    *ret_info = l->is;
    return EVENT(UKERN_OK);
}

bool container_can_consume(struct container_id id, uint32_t n)
{
    struct container_line *l = line_of(id);
    if (!l)
        return false;
    LOCK_SCOPE(&l->lock);
    return EVENT(charge_decide(l, n) == UKERN_OK);
}

bool container_peek(struct container_id id, struct container_info *ret_info)
{
    struct container_line *l = here->m->container ? line_of(id) : NULL; /* NULL: the code does not run */
    if (!l || !l->used)
        return false;
    *ret_info = l->is;
    return true;
}
