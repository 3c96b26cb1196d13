/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy: see ucopy.h. Page by page through the direct map; the window is never used, so a task's mapping mistakes and
 * wild addresses cost it an error, not the kernel a fault. What was found may be used until its space is left. */
#include "mm/ucopy.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/space.h"

static enum ukern_status ucopy_enter(struct space_id a, struct space_id b)
{
    enum ukern_status st = space_enter(a);
    if (likely(st == UKERN_OK) && b.n != a.n && (st = space_enter(b)) != UKERN_OK)
        space_leave(a);
    return st;
}

static void ucopy_leave(struct space_id a, struct space_id b)
{
    if (b.n != a.n)
        space_leave(b);
    space_leave(a);
}

/* A place of a user's, and what an access there needs. */
struct place {
    struct space_id space;
    uint32_t access;
    uint64_t va;
};

/* Somebody changes a space, and may wait for this CPU to leave: it does, and finds both again, in its turn. When there is one
 * place, it is given twice, and found once. */
static enum ukern_status __attribute__((cold, noinline))
ucopy_find_again(struct place a, struct place b, struct frame_id *ret_a, struct frame_id *ret_b)
{
    ucopy_leave(a.space, b.space);
    space_hold(a.space, b.space);
    enum ukern_status st = ucopy_enter(a.space, b.space);
    CHECK(st == UKERN_OK, "a space stays while it is copied from or to");
    st = space_access(a.space, a.va, a.access, ret_a);
    if (st == UKERN_OK && ret_b != ret_a)
        st = space_access(b.space, b.va, b.access, ret_b);
    space_let(a.space, b.space);
    return st;
}

/* The frame behind a place, for a copy of one user's. */
static enum ukern_status ucopy_find(struct place a, struct frame_id *ret_frame)
{
    enum ukern_status st = space_access(a.space, a.va, a.access, ret_frame);
    while (unlikely(st == UKERN_BUSY))
        st = ucopy_find_again(a, a, ret_frame, ret_frame);
    return st;
}

static uint64_t ucopy_least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t ucopy_room(uint64_t va) { return FRAME_SIZE - (va & (FRAME_SIZE - 1)); }
static uint8_t *ucopy_at(struct frame_id f, uint64_t va) { return frame_bytes(f) + (va & (FRAME_SIZE - 1)); }
/* A user's own view of its memory: its window. */
static uint8_t *ucopy_view(struct space_id s, uint64_t va) { return space_base(s) + va; }

/* Ascending, also when a byte that was written is read again later in the chunk. */
static void ucopy_bytes(uint8_t *target, const uint8_t *source, size_t n)
{
#ifndef UKERN_BUG_MM_OVERLAP
    if (target + n <= source || source + n <= target) {
        memcpy(target, source, n);
        return;
    }
#else
    memmove(target, source, n);
    n = 0;
#endif
    for (volatile uint8_t *to = target; n > 0; n--)
        *to++ = *source++;
}

static enum ukern_status ucopy_end(uint64_t done, uint64_t n, uint64_t *ret_done)
{
    *ret_done = done;
    return done == n ? UKERN_OK : UKERN_FAULT;
}

enum ukern_status ucopy_in(struct space_id from, uint64_t va, struct kernel_bytes to, uint64_t n, uint64_t *ret_done)
{
    uint8_t *target = to.at;
    uint64_t done = 0, chunk;
    struct frame_id f;
    if (n == 0 || ucopy_enter(from, from) != UKERN_OK)
        return ucopy_end(0, n, ret_done);
    for (; done < n && likely(ucopy_find((struct place){ from, PERM_USER, va + done }, &f) == UKERN_OK); done += chunk) {
        chunk = ucopy_least(n - done, ucopy_room(va + done));
        memcpy(target + done, ucopy_at(f, va + done), chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(target + done, ucopy_view(from, va + done), chunk);
    }
    ucopy_leave(from, from);
    return ucopy_end(done, n, ret_done);
}

enum ukern_status ucopy_out(struct space_id to, uint64_t va, struct kernel_bytes from, uint64_t n, uint64_t *ret_done)
{
#ifndef UKERN_BUG_MM_COPY_WRITE
    const uint32_t access = PERM_USER | PERM_WRITE;
#else
    const uint32_t access = PERM_USER;
#endif
    const uint8_t *source = from.at;
    uint64_t done = 0, chunk;
    struct frame_id f;
    if (n == 0 || ucopy_enter(to, to) != UKERN_OK)
        return ucopy_end(0, n, ret_done);
    for (; done < n && likely(ucopy_find((struct place){ to, access, va + done }, &f) == UKERN_OK); done += chunk) {
        chunk = ucopy_least(n - done, ucopy_room(va + done));
        memcpy(ucopy_at(f, va + done), source + done, chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(ucopy_view(to, va + done), source + done, chunk);
    }
    ucopy_leave(to, to);
#ifdef UKERN_BUG_MM_COPY_DONE
    if (done < n && done > 0)
        return ucopy_end(done - 1, n, ret_done);
#endif
    return ucopy_end(done, n, ret_done);
}

enum ukern_status ucopy_move(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint64_t n,
                             uint64_t *ret_done)
{
    struct frame_id f = NO_FRAME, g = NO_FRAME; /* NO_FRAME: a page begins, it is to be found */
    uint64_t done = 0;
    if (n == 0 || ucopy_enter(from, to) != UKERN_OK)
        return ucopy_end(0, n, ret_done);
    while (done < n) {
        struct place source = { from, PERM_USER, from_va + done }, target = { to, PERM_USER | PERM_WRITE, to_va + done };
        enum ukern_status st = f.n == NO_ID ? space_access(source.space, source.va, source.access, &f) : UKERN_OK;
        if (likely(st == UKERN_OK) && g.n == NO_ID)
            st = space_access(target.space, target.va, target.access, &g);
        while (unlikely(st == UKERN_BUSY))
            st = ucopy_find_again(source, target, &f, &g);
        if (unlikely(st != UKERN_OK))
            break;
        uint64_t source_room = ucopy_room(source.va), target_room = ucopy_room(target.va);
        uint64_t chunk = ucopy_least(n - done, ucopy_least(source_room, target_room));
        ucopy_bytes(ucopy_at(g, target.va), ucopy_at(f, source.va), chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(ucopy_view(to, target.va), ucopy_view(from, source.va), chunk);
#ifndef UKERN_BUG_MM_COPY_STALE_PAGE
        if (chunk == source_room)
#else
        if (chunk == source_room && chunk > 8)
#endif
            f = NO_FRAME;
        if (chunk == target_room)
            g = NO_FRAME;
        done += chunk;
    }
    ucopy_leave(from, to);
    return ucopy_end(done, n, ret_done);
}

enum ukern_status ucopy_check(struct space_id s, uint64_t va, uint64_t n, uint32_t perm)
{
    uint64_t done = 0;
    struct frame_id f;
    if (n == 0)
        return UKERN_OK;
    if (ucopy_enter(s, s) != UKERN_OK)
        return UKERN_FAULT;
    while (done < n && likely(ucopy_find((struct place){ s, PERM_USER | perm, va + done }, &f) == UKERN_OK))
        done += ucopy_least(n - done, ucopy_room(va + done));
    ucopy_leave(s, s);
    return done >= n ? UKERN_OK : UKERN_FAULT;
}
