/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy: see ucopy.h. Page by page through the direct map; the window is never used, so a task's mapping mistakes and
 * wild addresses cost it an error, not the kernel a fault. What was found may be used until its space is left. */
#include "mm/ucopy.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/space.h"

/* One user's end of a copy. */
struct side {
    struct space_id space;
    uint32_t access;
    uint64_t va;   /* of the copy's first byte */
    uint8_t *page; /* behind the page that the copy has come to; NULL: not found yet */
};

static enum ukern_status ucopy_enter(const struct side *a, const struct side *b)
{
    enum ukern_status st = space_enter(a->space);
    if (likely(st == UKERN_OK) && b && b->space.n != a->space.n && (st = space_enter(b->space)) != UKERN_OK)
        space_leave(a->space);
    return st;
}

static void ucopy_leave(const struct side *a, const struct side *b)
{
    if (b && b->space.n != a->space.n)
        space_leave(b->space);
    space_leave(a->space);
}

static enum ukern_status ucopy_find_one(struct side *e, uint64_t done)
{
    struct frame_id f;
    if (e->page)
        return UKERN_OK;
    enum ukern_status st = space_access(e->space, e->va + done, e->access, &f);
    if (likely(st == UKERN_OK))
        e->page = frame_bytes(f);
    return st;
}

static enum ukern_status ucopy_find_both(struct side *a, struct side *b, uint64_t done)
{
    enum ukern_status st = ucopy_find_one(a, done);
    return st == UKERN_OK && b ? ucopy_find_one(b, done) : st;
}

/* Somebody changes one of the spaces, and may wait for this CPU to leave: it does, and finds again, in its turn. */
static enum ukern_status ucopy_find_again(struct side *a, struct side *b, uint64_t done)
{
    struct space_id second = b ? b->space : a->space;
    ucopy_leave(a, b);
    space_hold(a->space, second);
    enum ukern_status st = ucopy_enter(a, b);
    CHECK(st == UKERN_OK, "a space stays while it is copied from or to");
    a->page = NULL;
    if (b)
        b->page = NULL;
    st = ucopy_find_both(a, b, done);
    space_let(a->space, second);
    return st;
}

/* The pages of both ends at `done`. False: one cannot be used. */
static bool ucopy_find(struct side *a, struct side *b, uint64_t done)
{
    enum ukern_status st = ucopy_find_both(a, b, done);
    while (unlikely(st == UKERN_BUSY))
        st = ucopy_find_again(a, b, done);
    return st == UKERN_OK;
}

static uint64_t ucopy_room(const struct side *e, uint64_t done) { return FRAME_SIZE - ((e->va + done) & (FRAME_SIZE - 1)); }
static uint8_t *ucopy_at(const struct side *e, uint64_t done) { return e->page + ((e->va + done) & (FRAME_SIZE - 1)); }
/* A user's own view of its memory: its window. */
static uint8_t *ucopy_view(const struct side *e, uint64_t done) { return space_base(e->space) + e->va + done; }

/* `chunk` bytes are done: a page that ended there is behind. */
static void ucopy_pass(struct side *e, uint64_t done, uint64_t chunk)
{
#ifndef UKERN_BUG_MM_COPY_STALE_PAGE
    if (chunk == ucopy_room(e, done))
#else
    if (chunk == ucopy_room(e, done) && chunk > 8)
#endif
        e->page = NULL;
}

static uint64_t ucopy_least(uint64_t a, uint64_t b) { return a < b ? a : b; }

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

/* n bytes between a user's end and the kernel: in, or out. */
static enum ukern_status ucopy_kernel(struct side *user, uint8_t *kernel, uint64_t n, bool in, uint64_t *ret_done)
{
    uint64_t done = 0;
    if (n == 0 || ucopy_enter(user, NULL) != UKERN_OK) {
        *ret_done = 0;
        return n == 0 ? UKERN_OK : UKERN_FAULT;
    }
    while (done < n && likely(ucopy_find(user, NULL, done))) {
        uint64_t chunk = ucopy_least(n - done, ucopy_room(user, done));
        memcpy(in ? kernel + done : ucopy_at(user, done), in ? ucopy_at(user, done) : kernel + done, chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(in ? kernel + done : ucopy_view(user, done), in ? ucopy_view(user, done) : kernel + done, chunk);
        user->page = NULL;
        done += chunk;
    }
    ucopy_leave(user, NULL);
#ifndef UKERN_BUG_MM_COPY_DONE
    *ret_done = done;
#else
    *ret_done = done < n && done > 0 ? done - 1 : done;
#endif
    return done == n ? UKERN_OK : UKERN_FAULT;
}

enum ukern_status ucopy_in(struct space_id from, uint64_t va, struct kernel_bytes to, uint64_t n, uint64_t *ret_done)
{
    struct side user = { from, PERM_USER, va, NULL };
    return ucopy_kernel(&user, to.at, n, true, ret_done);
}

enum ukern_status ucopy_out(struct space_id to, uint64_t va, struct kernel_bytes from, uint64_t n, uint64_t *ret_done)
{
#ifndef UKERN_BUG_MM_COPY_WRITE
    struct side user = { to, PERM_USER | PERM_WRITE, va, NULL };
#else
    struct side user = { to, PERM_USER, va, NULL };
#endif
    return ucopy_kernel(&user, from.at, n, false, ret_done);
}

enum ukern_status ucopy_move(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint64_t n,
                             uint64_t *ret_done)
{
    struct side source = { from, PERM_USER, from_va, NULL }, target = { to, PERM_USER | PERM_WRITE, to_va, NULL };
    uint64_t done = 0;
    if (n == 0 || ucopy_enter(&source, &target) != UKERN_OK) {
        *ret_done = 0;
        return n == 0 ? UKERN_OK : UKERN_FAULT;
    }
    while (done < n && likely(ucopy_find(&source, &target, done))) {
        uint64_t chunk = ucopy_least(n - done, ucopy_least(ucopy_room(&source, done), ucopy_room(&target, done)));
        ucopy_bytes(ucopy_at(&target, done), ucopy_at(&source, done), chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(ucopy_view(&target, done), ucopy_view(&source, done), chunk);
        ucopy_pass(&source, done, chunk);
        ucopy_pass(&target, done, chunk);
        done += chunk;
    }
    ucopy_leave(&source, &target);
    *ret_done = done;
    return done == n ? UKERN_OK : UKERN_FAULT;
}

enum ukern_status ucopy_check(struct space_id s, uint64_t va, uint64_t n, uint32_t perm)
{
    struct side user = { s, PERM_USER | perm, va, NULL };
    uint64_t done = 0;
    if (n == 0)
        return UKERN_OK;
    if (ucopy_enter(&user, NULL) != UKERN_OK)
        return UKERN_FAULT;
    while (done < n && likely(ucopy_find(&user, NULL, done))) {
        done += ucopy_least(n - done, ucopy_room(&user, done));
        user.page = NULL;
    }
    ucopy_leave(&user, NULL);
    return done == n ? UKERN_OK : UKERN_FAULT;
}
