/* SPDX-License-Identifier: BSD-2-Clause */
/* space, its pages: space_map, space_map_frames, space_unmap. Everything that can fail is done before the page table
 * changes: frames are taken, the window shows them, tables are prepared; only then pages are inserted. */
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include "mm/space_inside.h"
#include <ukern/user.h>

static bool space_range_is_valid(uint64_t va, uint32_t pages)
{
    return pages > 0 && is_aligned(va, FRAME_SIZE) && range_in(va, (uint64_t)pages << FRAME_SHIFT, UKERN_WINDOW);
}

/* Everything that space_map and space_map_frames can say before they take anything. */
static enum ukern_status space_map_decide(const struct space *p, uint64_t va, uint32_t pages, uint32_t perm)
{
    uint64_t mapped;
    struct frame_id f;
    uint32_t order;
    if (!p || !space_range_is_valid(va, pages) || perm > PERM_ALL)
        return UKERN_BADARG;
#ifndef UKERN_BUG_MM_RANGE_END
    uint64_t end = va + ((uint64_t)pages << FRAME_SHIFT);
#else
    uint64_t end = va + ((uint64_t)(pages - 1) << FRAME_SHIFT);
#endif
    if (pt_next(p->map, va, &mapped, &f, &order) == UKERN_OK && mapped < end)
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
            container_free((struct frame_id){ run.first + i });
    }
}

static enum ukern_status runs_alloc(uint32_t pages, uint32_t *ret_list)
{
    uint32_t list = NO_ID, *tail = &list;
    while (pages > 0) {
        struct frame_id first;
        uint32_t count;
        if (container_alloc_run(ROOT_CONTAINER, pages, &first, &count) != UKERN_OK) {
            runs_drop(list);
            return UKERN_NOMEM;
        }
        frame_clear(first, count);
        *run_at(first.n) = (struct run){ .first = first.n, .count = count, .next = NO_ID };
        *tail = first.n;
        tail = &run_at(first.n)->next;
        pages -= count;
    }
    *ret_list = list;
    return UKERN_OK;
}

static enum ukern_status space_show(struct space_id id, uint64_t va, struct frame_id first, uint32_t pages, uint32_t perm)
{
    return perm & PERM_USER ? window_map(space_pt(id), va, first, pages, perm & PERM_WRITE) : UKERN_OK;
}

/* After a space_show that failed. False: Linux still shows the frames here, so they are better lost than given to others. */
static bool space_hide(struct space_id id, uint64_t va, uint32_t pages)
{
    if (window_unmap(space_pt(id), va, pages) == UKERN_OK)
        return true;
    machine_log(here->m, UKERN_LOG_WARNING, "%u frames are lost: Linux has no mapping left to hide them (vm.max_map_count)", pages);
    return false;
}

static enum ukern_status space_show_runs(struct space_id id, uint64_t va, uint32_t list, uint32_t perm)
{
    for (; list != NO_ID; list = run_at(list)->next) {
        enum ukern_status st = space_show(id, va, (struct frame_id){ list }, run_at(list)->count, perm);
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
        enum ukern_status st = pt_insert(p->map, va + ((uint64_t)i << FRAME_SHIFT), (struct frame_id){ first.n + i }, perm, 0);
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
    st = space_show_runs(id, va, list, perm);
    if (st == UKERN_OK)
        st = pt_prepare(p->map, va, pages, 0);
    if (st != UKERN_OK) {
        if (space_hide(id, va, pages))
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
        container_free((struct frame_id){ first.n + i });
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
    if (st == UKERN_OK)
        st = frames_ref(first, pages);
    if (st != UKERN_OK)
        return st;
    st = space_show(id, va, first, pages, perm);
    if (st == UKERN_OK)
        st = pt_prepare(p->map, va, pages, 0);
    if (st != UKERN_OK) {
        if (space_hide(id, va, pages))
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
    uint32_t perm, order;
    if (!p || !space_range_is_valid(va, pages))
        return UKERN_BADARG;
    for (uint32_t i = 0; i < pages; i++)
        if (pt_read(p->map, va + ((uint64_t)i << FRAME_SHIFT), &f, &perm) != UKERN_OK)
            return UKERN_NOTFOUND;
    enum ukern_status st = UKERN_OK;
#ifndef UKERN_BUG_MM_WINDOW_STALE
    st = window_unmap(space_pt(id), va, pages); /* before a frame can become somebody else's */
#endif
    if (st != UKERN_OK)
        return st;
    for (uint32_t i = 0; i < pages; i++) {
        st = pt_remove(p->map, va + ((uint64_t)i << FRAME_SHIFT), &f, &order);
        CHECK(st == UKERN_OK, "a page that was just read is removed, it answers %s", ukern_status_name(st));
        if (st == UKERN_OK)
            container_free(f);
    }
    return UKERN_OK;
}
