/* SPDX-License-Identifier: BSD-2-Clause */
/* space, its pages. Everything that can fail is done before the page map changes: tables are prepared, frames are taken,
 * the window shows them; only then pages are inserted. */
#include "core/calculus.h"
#include "host/ram.h"
#include "mm/frame.h"
#include "mm/space_inside.h"
#include "mm/tlb.h"

static bool space_place_is_valid(const struct space *p, uint64_t va, uint64_t pages, uint32_t order, uint32_t perm)
{
    return space_exists(p) && pages > 0 && is_aligned(va, space_bytes(order)) && perm <= PERM_ALL &&
           range_in(va, pages << FRAME_SHIFT, UKERN_WINDOW);
}

static bool space_has_page(struct space_id s, uint64_t va, uint64_t pages)
{
    uint64_t mapped;
    struct frame_id f;
    uint32_t order;
#ifndef UKERN_BUG_MM_RANGE_END
    uint64_t end = va + (pages << FRAME_SHIFT);
#else
    uint64_t end = va + ((pages - 1) << FRAME_SHIFT);
#endif
    return pt_next(space_pt(s), va, &mapped, &f, &order) == UKERN_OK && mapped < end;
}

/* ---- the window ---- */

static enum ukern_status space_show(struct space_id s, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm)
{
    return perm & PERM_USER ? window_map(space_pt(s), va, first, pages, perm & PERM_WRITE) : UKERN_OK;
}

/* After a space_show that failed. False: Linux still shows the frames here, so they are better lost than given to others. */
static bool space_hide(struct space_id s, uint64_t va, uint32_t pages)
{
    if (window_unmap(space_pt(s), va, pages) == UKERN_OK)
        return true;
    machine_log(here->m, UKERN_LOG_WARNING, "%u frames are lost: Linux has no mapping left to hide them (vm.max_map_count)", pages);
    return false;
}

/* ---- fresh pages ---- */

/* Runs of frames on their way into a space: a list with its links in the first bytes of each run, zeroed when it is used. */
struct run {
    uint32_t first, count, next, previous; /* first frames of other runs; NO_ID: none */
};
struct runs {
    uint32_t head, tail;
};

static struct run *run_at(uint32_t first) { return (struct run *)(void *)frame_bytes((struct frame_id){ first }); }

static void runs_drop(struct runs r)
{
    for (uint32_t last = r.tail; last != NO_ID;) {
        struct run run = *run_at(last);
        last = run.previous;
#ifndef UKERN_BUG_MM_LOST_PAGE
        for (uint32_t i = 0; i < run.count; i++)
#else
        for (uint32_t i = 1; i < run.count; i++)
#endif
            container_free((struct frame_id){ run.first + i });
    }
}

/* The next run: 1 to `pages` frames, or the 512 of a large page. */
static enum ukern_status run_alloc(struct container_id payer, uint32_t pages, uint32_t order, struct frame_id *ret_first,
                                   uint32_t *ret_count)
{
    if (order == 0)
        return container_alloc_run(payer, pages, ret_first, ret_count);
    *ret_count = pages;
    return container_alloc_large(payer, ret_first);
}

static enum ukern_status runs_alloc(struct container_id payer, uint32_t pages, uint32_t order, struct runs *ret_runs)
{
    struct runs r = { NO_ID, NO_ID };
    while (pages > 0) {
        struct frame_id first;
        uint32_t count;
        enum ukern_status st = run_alloc(payer, pages, order, &first, &count);
        if (st != UKERN_OK) {
            runs_drop(r);
            return st;
        }
#ifndef UKERN_BUG_MM_NOT_CLEARED
        frame_clear(first, count);
#endif
        *run_at(first.n) = (struct run){ .first = first.n, .count = count, .next = NO_ID, .previous = r.tail };
        if (r.tail == NO_ID)
            r.head = first.n;
        else
            run_at(r.tail)->next = first.n;
        r.tail = first.n;
        pages -= count;
    }
    *ret_runs = r;
    return UKERN_OK;
}

static enum ukern_status runs_show(struct space_id s, uint64_t va, struct runs r, uint32_t perm)
{
    for (uint32_t at = r.head; at != NO_ID; at = run_at(at)->next) {
        enum ukern_status st = space_show(s, va, (struct frame_id){ at }, run_at(at)->count, perm);
        if (st != UKERN_OK)
            return st;
        va += (uint64_t)run_at(at)->count << FRAME_SHIFT;
    }
    return UKERN_OK;
}

/* A prepared page goes in: it cannot fail. */
static void space_insert(struct space_id s, uint64_t va, struct frame_id f, uint32_t perm, uint32_t order)
{
    enum ukern_status st = pt_insert(space_pt(s), va, f, perm, order);
    CHECK(st == UKERN_OK, "a prepared page goes in, it answers %s", ukern_status_name(st));
    (void)st;
}

static void runs_insert(struct space_id s, uint64_t va, struct runs r, uint32_t perm, uint32_t order)
{
    for (uint32_t at = r.head; at != NO_ID;) {
        struct run run = *run_at(at);
        memset(run_at(at), 0, sizeof run);
        at = run.next;
        for (uint32_t i = 0; i < run.count; i += 1u << order, va += space_bytes(order))
            space_insert(s, va, (struct frame_id){ run.first + i }, perm, order);
    }
}

/* The tables that were prepared for nothing go again. */
static void space_trim(struct space_id s, uint64_t va, uint64_t pages)
{
    enum ukern_status st = pt_trim(space_pt(s), va, pages);
    CHECK(st == UKERN_OK, "what was prepared can be trimmed, it answers %s", ukern_status_name(st));
    (void)st;
}

enum ukern_status space_reserve(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm, uint32_t order)
{
    struct runs runs;
    enum ukern_status st = pt_prepare(space_pt(s), va, pages, order);
    if (st != UKERN_OK)
        return st;
    st = runs_alloc(here->m->space->space[s.n].info.payer, pages, order, &runs);
    if (st == UKERN_OK && (st = runs_show(s, va, runs, perm)) != UKERN_OK && space_hide(s, va, pages))
        runs_drop(runs);
    if (st != UKERN_OK) {
#ifndef UKERN_BUG_MM_TABLE_LEAK
        space_trim(s, va, pages);
#endif
        return st;
    }
    runs_insert(s, va, runs, perm, order);
    return UKERN_OK;
}

static enum ukern_status space_map_order(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm, uint32_t order)
{
    struct space *p = space_slot(s);
    if (!p)
        return UKERN_BADARG;
    LOCK_SCOPE(&p->lock);
    if (!space_place_is_valid(p, va, pages, order, perm))
        return EVENT(UKERN_BADARG);
    if (space_has_page(s, va, pages))
        return EVENT(UKERN_EXISTS);
    return EVENT(space_reserve(s, va, pages, perm, order));
}

enum ukern_status space_map(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm)
{
    return space_map_order(s, va, pages, perm, 0);
}

enum ukern_status space_map_large(struct space_id s, uint64_t va, uint32_t perm)
{
    return space_map_order(s, va, FRAME_LARGE, perm, 9);
}

/* ---- pages go ---- */

static void space_free_page(struct space_page page)
{
    for (uint32_t i = 0; i < 1u << page.order; i++)
        container_free((struct frame_id){ page.frame.n + i });
}

void space_take_out(struct space_id s, uint64_t va, uint64_t end)
{
    struct space_page *piece = here->m->space->cpu[here->id].piece, page;
    for (;;) {
        uint64_t at, begin = 0;
        uint32_t n = 0;
        for (; n < SPACE_PIECE && pt_next(space_pt(s), va, &at, &page.frame, &page.order) == UKERN_OK && at < end; n++) {
            if (pt_remove(space_pt(s), at, &piece[n].frame, &piece[n].order) != UKERN_OK)
                break;
            begin = n == 0 ? at : begin;
            va = at + space_bytes(piece[n].order);
        }
        if (n == 0)
            return;
#ifdef UKERN_BUG_MM_FREE_EARLY
        for (uint32_t i = 0; i < n; i++)
            space_free_page(piece[i]);
#endif
#ifndef UKERN_BUG_MM_NO_SHOOT
        tlb_shoot(space_pt(s), begin, (va - begin) >> FRAME_SHIFT);
#endif
#ifndef UKERN_BUG_MM_FREE_EARLY
        for (uint32_t i = 0; i < n; i++)
            space_free_page(piece[i]);
#endif
    }
}

/* Whether each page of the range is mapped, and none leaves it. */
static bool space_is_whole(struct space_id s, uint64_t va, uint64_t end)
{
    uint64_t at;
    struct space_page page;
    for (; va < end; va += space_bytes(page.order))
        if (pt_next(space_pt(s), va, &at, &page.frame, &page.order) != UKERN_OK || at != va || space_bytes(page.order) > end - va)
            return false;
    return true;
}

enum ukern_status space_unmap(struct space_id s, uint64_t va, uint32_t pages)
{
    struct space *p = space_slot(s);
    if (!p)
        return UKERN_BADARG;
#ifndef UKERN_BUG_MM_SPACE_UNLOCKED
    LOCK_SCOPE(&p->lock);
#endif
    if (!space_place_is_valid(p, va, pages, 0, 0))
        return EVENT(UKERN_BADARG);
    uint64_t end = va + ((uint64_t)pages << FRAME_SHIFT);
    if (!space_is_whole(s, va, end))
        return EVENT(UKERN_NOTFOUND);
    enum ukern_status st = UKERN_OK;
#ifndef UKERN_BUG_MM_WINDOW_STALE
    st = window_unmap(space_pt(s), va, pages); /* before a frame can become somebody else's */
#endif
    if (st == UKERN_OK)
        space_take_out(s, va, end);
    return EVENT(st);
}

/* ---- one page in two places ---- */

static enum ukern_status space_share_locked(const struct space *source, struct space_id from, uint64_t from_va,
                                            const struct space *target, struct space_id to, uint64_t to_va, uint32_t perm)
{
    struct frame_id f;
    uint32_t own;
    if (!space_place_is_valid(source, from_va, 1, 0, perm) || !space_place_is_valid(target, to_va, 1, 0, perm) ||
        (from.n == to.n && from_va == to_va))
        return UKERN_BADARG;
    if (pt_read(space_pt(from), from_va, &f, &own) != UKERN_OK)
        return UKERN_NOTFOUND;
#ifndef UKERN_BUG_MM_SHARE_PERM
    if (perm & ~own)
        return UKERN_BADARG;
#endif
    if (space_has_page(to, to_va, 1))
        return UKERN_EXISTS;
    enum ukern_status st = pt_prepare(space_pt(to), to_va, 1, 0);
    if (st != UKERN_OK)
        return st;
    if ((st = frame_ref(f)) == UKERN_OK && (st = space_show(to, to_va, f, 1, perm)) != UKERN_OK) {
#ifndef UKERN_BUG_MM_REF_LEAK
        container_free(f);
#endif
    }
    if (st != UKERN_OK) {
        space_trim(to, to_va, 1);
        return st;
    }
    space_insert(to, to_va, f, perm, 0);
    return UKERN_OK;
}

enum ukern_status space_share(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint32_t perm)
{
    struct space *source = space_slot(from), *target = space_slot(to);
    if (!source || !target)
        return UKERN_BADARG;
    if (source == target) {
        LOCK_SCOPE(&source->lock);
        return EVENT(space_share_locked(source, from, from_va, target, to, to_va, perm));
    }
    LOCK_PAIR_SCOPE(&source->lock, &target->lock);
    return EVENT(space_share_locked(source, from, from_va, target, to, to_va, perm));
}

/* One fresh frame with two references that both windows show; the tables are prepared. */
static enum ukern_status space_make_both(struct container_id payer, struct space_id a, uint64_t va_a, struct space_id b,
                                         uint64_t va_b, uint32_t perm, struct frame_id *ret_frame)
{
    struct frame_id f = NO_FRAME;
    enum ukern_status st = container_alloc(payer, &f);
    if (st != UKERN_OK)
        return st;
    frame_clear(f, 1);
    st = frame_ref(f);
#ifdef UKERN_BUG_MM_CHARGED_TWICE
    struct frame_id other;
    if (container_alloc(payer, &other) != UKERN_OK)
        return UKERN_NOMEM;
#endif
    bool twice = st == UKERN_OK, hidden = true;
    if (twice && (st = space_show(a, va_a, f, 1, perm)) == UKERN_OK && (st = space_show(b, va_b, f, 1, perm)) != UKERN_OK)
        hidden = space_hide(a, va_a, 1);
    if (st == UKERN_OK) {
        *ret_frame = f;
        return UKERN_OK;
    }
    for (uint32_t refs = !hidden ? 0 : twice ? 2 : 1; refs > 0; refs--)
        container_free(f);
    return st;
}

enum ukern_status space_resv2(struct space_id a, uint64_t va_a, struct space_id b, uint64_t va_b, uint32_t perm)
{
    struct space *p = space_slot(a), *q = space_slot(b);
    struct frame_id f = NO_FRAME;
    if (!p || !q || p == q)
        return UKERN_BADARG;
    LOCK_PAIR_SCOPE(&p->lock, &q->lock);
    if (!space_place_is_valid(p, va_a, 1, 0, perm) || !space_place_is_valid(q, va_b, 1, 0, perm))
        return EVENT(UKERN_BADARG);
    if (space_has_page(a, va_a, 1) || space_has_page(b, va_b, 1))
        return EVENT(UKERN_EXISTS);
    enum ukern_status st = pt_prepare(space_pt(a), va_a, 1, 0);
    if (st != UKERN_OK)
        return EVENT(st);
    st = pt_prepare(space_pt(b), va_b, 1, 0);
    if (st == UKERN_OK && (st = space_make_both(p->info.payer, a, va_a, b, va_b, perm, &f)) != UKERN_OK)
        space_trim(b, va_b, 1);
    if (st != UKERN_OK) {
        space_trim(a, va_a, 1);
        return EVENT(st);
    }
    space_insert(a, va_a, f, perm, 0);
    space_insert(b, va_b, f, perm, 0);
    return EVENT(UKERN_OK);
}
