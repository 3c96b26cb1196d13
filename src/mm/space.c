/* SPDX-License-Identifier: BSD-2-Clause */
/* space: see space.h. */
#include "mm/space.h"
#include "core/lock.h"
#include "host/ram.h"
#include "host/window.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include <ukern/user.h>

struct space {
    struct frame_id root; /* NO_FRAME: the slot is free */
    struct window window;
    uint32_t next_free;
};

struct space_state {
    struct lock lock;
    uint32_t count, first_free;
    struct space *space; /* [count] */
};

enum ukern_status space_init(void)
{
    struct ukern *m = here->m;
    struct space_state *s = arena_array(&m->arena, struct space_state, 1);
    uint32_t count = m->params.max_tasks;
    struct space *space = arena_array(&m->arena, struct space, count);
    if (!s || !space)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/space (%u spaces)", count);
    *s = (struct space_state){ .count = count, .first_free = NO_ID, .space = space };
    lock_init(&s->lock, LAYER_mm_space);
    for (uint32_t n = count; n-- > 0; s->first_free = n)
        space[n] = (struct space){ .root = NO_FRAME, .next_free = s->first_free };
    m->space = s;
    return UKERN_OK;
}

/* NULL: there is no such space. */
static struct space *space_of(struct space_id id)
{
    struct space_state *s = here->m->space;
    if (unlikely(id.n >= s->count || s->space[id.n].root.n == NO_ID))
        return NULL;
    return &s->space[id.n];
}

static uint32_t space_slot_take(struct space_state *s)
{
    LOCK_SCOPE(&s->lock);
    uint32_t n = s->first_free;
    if (n != NO_ID)
        s->first_free = s->space[n].next_free;
    return n;
}

static void space_slot_give(struct space_state *s, uint32_t n)
{
    LOCK_SCOPE(&s->lock);
    s->space[n].next_free = s->first_free;
    s->first_free = n;
}

enum ukern_status space_new(struct space_id *ret_space)
{
    struct space_state *s = here->m->space;
    struct window window = { 0 };
    struct frame_id root;
    uint32_t n = space_slot_take(s);
    if (n == NO_ID)
        return UKERN_NOMEM;
    if (window_make(UKERN_WINDOW, UKERN_WINDOW, &window) != UKERN_OK || pt_new(&root) != UKERN_OK) {
        window_free(&window);
        space_slot_give(s, n);
        return UKERN_NOMEM;
    }
    s->space[n].window = window;
    s->space[n].root = root;
    *ret_space = (struct space_id){ n };
    return UKERN_OK;
}

void space_destroy(struct space_id id)
{
    struct space *p = space_of(id);
    if (!p)
        return;
    window_free(&p->window); /* first: no host address may show a frame that is somebody else's */
    uint64_t va = 0;
    struct frame_id f;
    for (; pt_next(p->root, va, &va, &f) == UKERN_OK; va += FRAME_SIZE)
        frame_drop(f);
    pt_destroy(p->root);
    p->root = NO_FRAME;
    space_slot_give(here->m->space, id.n);
}

void space_free(struct ukern *m)
{
    for (uint32_t n = 0; m->space && n < m->space->count; n++)
        if (m->space->space[n].root.n != NO_ID)
            window_free(&m->space->space[n].window);
}

/* ---- mapping ---- */

static bool space_range_is_valid(uint64_t va, uint32_t pages)
{
    return pages > 0 && is_aligned(va, FRAME_SIZE) && range_in(va, (uint64_t)pages << FRAME_SHIFT, UKERN_WINDOW);
}

/* Everything that space_map and space_map_frames can say before they take anything. */
static enum ukern_status space_map_decide(const struct space *p, uint64_t va, uint32_t pages, uint32_t perm)
{
    uint64_t mapped;
    struct frame_id f;
    if (!p || !space_range_is_valid(va, pages) || perm > PERM_ALL)
        return UKERN_BADARG;
#ifndef UKERN_BUG_MM_RANGE_END
    uint64_t end = va + ((uint64_t)pages << FRAME_SHIFT);
#else
    uint64_t end = va + ((uint64_t)(pages - 1) << FRAME_SHIFT);
#endif
    if (pt_next(p->root, va, &mapped, &f) == UKERN_OK && mapped < end)
        return UKERN_EXISTS;
    return UKERN_OK;
}

/* Runs of frames on their way into a space: a list, each link in the first bytes of its run, zeroed when it is used. */
struct run {
    uint32_t first, count, next; /* next: first frame of the next run, NO_ID: none */
};

static struct run *run_at(uint32_t first) { return (struct run *)(void *)frame_bytes((struct frame_id){ first }); }

static struct run run_take(uint32_t *list)
{
    struct run run = *run_at(*list);
    memset(run_at(*list), 0, sizeof run);
    *list = run.next;
    return run;
}

static void runs_drop(uint32_t list)
{
    while (list != NO_ID) {
        struct run run = run_take(&list);
#ifndef UKERN_BUG_MM_LOST_PAGE
        for (uint32_t i = 0; i < run.count; i++)
#else
        for (uint32_t i = 1; i < run.count; i++)
#endif
            frame_drop((struct frame_id){ run.first + i });
    }
}

static enum ukern_status runs_alloc(uint32_t pages, uint32_t *ret_list)
{
    uint32_t list = NO_ID, *tail = &list;
    while (pages > 0) {
        struct frame_id first;
        uint32_t count;
        if (frame_alloc_run(pages, &first, &count) != UKERN_OK) {
            runs_drop(list);
            return UKERN_NOMEM;
        }
        *run_at(first.n) = (struct run){ .first = first.n, .count = count, .next = NO_ID };
        *tail = first.n;
        tail = &run_at(first.n)->next;
        pages -= count;
    }
    *ret_list = list;
    return UKERN_OK;
}

static enum ukern_status space_show(struct space *p, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm)
{
    return perm & PERM_USER ? window_map(&p->window, va, first, pages, perm & PERM_WRITE) : UKERN_OK;
}

/* After a space_show that failed. False: Linux still shows the frames here, so they are better lost than given to others. */
static bool space_hide(struct space *p, uint64_t va, uint32_t pages)
{
    if (window_unmap(&p->window, va, pages) == UKERN_OK)
        return true;
    machine_log(here->m, UKERN_LOG_WARNING, "%u frames are lost: Linux has no mapping left to hide them (vm.max_map_count)", pages);
    return false;
}

static enum ukern_status space_show_runs(struct space *p, uint64_t va, uint32_t list, uint32_t perm)
{
    for (; list != NO_ID; list = run_at(list)->next) {
        enum ukern_status st = space_show(p, va, (struct frame_id){ list }, run_at(list)->count, perm);
        if (st != UKERN_OK)
            return st;
        va += (uint64_t)run_at(list)->count << FRAME_SHIFT;
    }
    return UKERN_OK;
}

/* The commit: the tables are prepared, so nothing can fail. */
static void space_insert(struct space *p, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm)
{
    for (uint32_t i = 0; i < pages; i++) {
        enum ukern_status st = pt_insert(p->root, va + ((uint64_t)i << FRAME_SHIFT), (struct frame_id){ first.n + i }, perm);
        CHECK(st == UKERN_OK, "a prepared page goes in, it answers %s", ukern_status_name(st));
        (void)st;
    }
}

enum ukern_status space_map(struct space_id id, uint64_t va, uint32_t pages, uint32_t perm)
{
    struct space *p = space_of(id);
    uint32_t list;
    enum ukern_status st = space_map_decide(p, va, pages, perm);
    if (st != UKERN_OK)
        return st;
    st = runs_alloc(pages, &list);
    if (st != UKERN_OK)
        return st;
    st = space_show_runs(p, va, list, perm);
    if (st == UKERN_OK)
        st = pt_prepare(p->root, va, pages);
    if (st != UKERN_OK) {
        if (space_hide(p, va, pages))
            runs_drop(list);
        return st;
    }
    while (list != NO_ID) {
        struct run run = run_take(&list);
        space_insert(p, va, (struct frame_id){ run.first }, run.count, perm);
        va += (uint64_t)run.count << FRAME_SHIFT;
    }
    return UKERN_OK;
}

static void frames_drop(struct frame_id first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        frame_drop((struct frame_id){ first.n + i });
}

/* One more reference for each, or for none. */
static enum ukern_status frames_ref(struct frame_id first, uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++) {
        enum ukern_status st = frame_ref((struct frame_id){ first.n + i });
        if (st == UKERN_OK)
            continue;
#ifndef UKERN_BUG_MM_REF_LEAK
        frames_drop(first, i);
#endif
        return st;
    }
    return UKERN_OK;
}

enum ukern_status space_map_frames(struct space_id id, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm)
{
    struct space *p = space_of(id);
    enum ukern_status st = space_map_decide(p, va, pages, perm);
    if (st == UKERN_OK && !range_in(first.n, pages, here->m->frames))
        st = UKERN_BADARG;
    if (st == UKERN_OK)
        st = frames_ref(first, pages);
    if (st != UKERN_OK)
        return st;
    st = space_show(p, va, first, pages, perm);
    if (st == UKERN_OK)
        st = pt_prepare(p->root, va, pages);
    if (st != UKERN_OK) {
        if (space_hide(p, va, pages))
            frames_drop(first, pages);
        return st;
    }
    space_insert(p, va, first, pages, perm);
    return UKERN_OK;
}

enum ukern_status space_unmap(struct space_id id, uint64_t va, uint32_t pages)
{
    struct space *p = space_of(id);
    struct frame_id f;
    uint32_t perm;
    if (!p || !space_range_is_valid(va, pages))
        return UKERN_BADARG;
    for (uint32_t i = 0; i < pages; i++)
        if (pt_read(p->root, va + ((uint64_t)i << FRAME_SHIFT), &f, &perm) != UKERN_OK)
            return UKERN_NOTFOUND;
    enum ukern_status st = UKERN_OK;
#ifndef UKERN_BUG_MM_WINDOW_STALE
    st = window_unmap(&p->window, va, pages); /* before a frame can become somebody else's */
#endif
    if (st != UKERN_OK)
        return st;
    for (uint32_t i = 0; i < pages; i++) {
        st = pt_remove(p->root, va + ((uint64_t)i << FRAME_SHIFT), &f);
        CHECK(st == UKERN_OK, "a page that was just read is removed, it answers %s", ukern_status_name(st));
        if (st == UKERN_OK)
            frame_drop(f);
    }
    return UKERN_OK;
}

enum ukern_status space_translate(struct space_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct space *p = space_of(id);
    if (unlikely(!p || va >= UKERN_WINDOW))
        return UKERN_NOTFOUND;
    return pt_read(p->root, va, ret_frame, ret_perm);
}

uint8_t *space_base(struct space_id id)
{
    struct space *p = space_of(id);
    return p ? p->window.base : NULL;
}
