/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy_spec: bytes go one by one in ascending order, each by its page; a copy ends where an access is refused.
 *                                                                                          Specification of mm/ucopy
 *
 * Hardware      the bytes of frames and of the kernel's buffers: copied where there is no code; beside the code they are looked at
 *               afterwards, where nobody else can have written them meanwhile. A source that the copy itself has overwritten
 *               later cannot be looked at any more: of such a copy only the end is checked here, and all of it by tests that
 *               compare what a program sees in every mode
 * Environment   here->m->cpus, the engine */
#include "core/spec.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "host/window.h"

enum { SEEN = 16 }; /* chunks of which the bytes are checked: the last ones */

void ucopy_abs_init(struct ucopy_abs *s) { INIT(s->none, "ucopy.none"); }

/* One side of a copy: user addresses of a space, or the kernel's buffer. */
struct side {
    bool user;
    struct space_id space;
    uint64_t va;           /* of the next byte */
    uint8_t *kernel;       /* likewise */
    uint32_t access;
    struct frame_id frame; /* of the page that va lies in */
    bool known;            /* it is; false: a page begins */
};

/* Bytes that went from one place to another. */
struct chunk {
    uint8_t *to, *from;
    uint32_t n;
    bool still; /* nobody but the copy can have written there since */
};

struct copy {
    struct side from, to;
    uint64_t done;
    struct chunk seen[SEEN]; /* chunk i is at i % SEEN */
    uint64_t chunks;
};

static bool is_user(const struct side *x) { return x->user; }
static struct side kernel(struct kernel_bytes b) { return (struct side){ .kernel = b.at }; }
static struct side user(struct space_id space, uint64_t va, uint32_t access)
{
    return (struct side){ .user = true, .space = space, .va = va, .access = PERM_USER | access };
}
static uint32_t left_in_page(const struct side *x) { return FRAME_SIZE - (uint32_t)(x->va & (FRAME_SIZE - 1)); }
static uint8_t *bytes(const struct side *x) { return is_user(x) ? frame_bytes(x->frame) + (x->va & (FRAME_SIZE - 1)) : x->kernel; }
/* Where whoever owns the bytes sees them: valgrind knows them by that address. */
static uint8_t *view(const struct side *x) { return is_user(x) ? window_base((struct pt_id){ x->space.n }) + x->va : x->kernel; }
static bool two_spaces(const struct copy *c)
{
    return is_user(&c->to) && !(is_user(&c->from) && c->to.space.n == c->from.space.n);
}

static bool enter(const struct copy *c)
{
    if (is_user(&c->from) && space_enter(c->from.space) != UKERN_OK)
        return false;
    if (!two_spaces(c) || space_enter(c->to.space) == UKERN_OK)
        return true;
    if (is_user(&c->from))
        space_leave(c->from.space);
    return false;
}

static void leave(const struct copy *c)
{
    if (two_spaces(c))
        space_leave(c->to.space);
    if (is_user(&c->from))
        space_leave(c->from.space);
}

static enum ukern_status look_up(struct side *x)
{
    if (!is_user(x) || x->known)
        return UKERN_OK;
    enum ukern_status st = space_access(x->space, x->va, x->access, &x->frame);
    x->known = st == UKERN_OK;
    return st;
}

static enum ukern_status look_up_both(struct copy *c)
{
    enum ukern_status st = look_up(&c->from);
    return st == UKERN_OK ? look_up(&c->to) : st;
}

/* -- bytes -- */

static void ascending(const struct copy *c, struct chunk k)
{
    for (uint32_t i = 0; i < k.n; i++)
        k.to[i] = k.from[i];
    if (here->m->valgrind)
        sanitize_copied(view(&c->to), view(&c->from), k.n);
}

/* Only this space's task can write the frame, and it waits for this copy. */
static bool is_still(const struct ucopy_view *s, const struct side *x)
{
    if (!is_user(x) || here->m->cpus == 1)
        return true;
    struct pt_id map = { x->space.n };
    return here->m->params.engine == UKERN_SIM && get(s->frame->used, x->frame).refs == 1 && has(s->pt->page, pt_at(map, x->va)) &&
           get(s->pt->page, pt_at(map, x->va)).frame.n == x->frame.n;
}

static bool meet(const uint8_t *a, uint32_t a_n, const uint8_t *b, uint32_t b_n) { return a < b + b_n && b < a + a_n; }

/* Chunk i has the bytes that the definition says, as far as they can still be seen. */
static bool is_right(const struct copy *c, uint64_t i)
{
    struct chunk k = c->seen[i % SEEN];
    for (uint64_t later = i + 1; later < c->chunks; later++) {
        struct chunk l = c->seen[later % SEEN];
        if (meet(l.to, l.n, k.to, k.n) || meet(l.to, l.n, k.from, k.n))
            return true;
    }
    uint32_t first = 0; /* a source above its destination: all but its end was overwritten by what came after */
    if (k.to < k.from && meet(k.to, k.n, k.from, k.n))
        first = k.n - (uint32_t)(k.from - k.to);
    return !k.still || memcmp(k.to + first, k.from + first, k.n - first) == 0;
}

static bool are_right(const struct copy *c)
{
    for (uint64_t i = c->chunks > SEEN ? c->chunks - SEEN : 0; i < c->chunks; i++)
        if (!is_right(c, i))
            return false;
    return true;
}

static void pass(struct side *x, uint32_t n)
{
    x->va += n;
    x->kernel = is_user(x) ? x->kernel : x->kernel + n;
#ifndef UKERN_BUG_SPEC_PAGE_KEPT
    x->known = is_user(x) && (x->va & (FRAME_SIZE - 1)) != 0;
#else
    x->known = is_user(x);
#endif
}

/* Up to n bytes that lie in one page on either side. */
static void copy_chunk(const struct ucopy_view *s, struct copy *c, uint64_t n, const void *did)
{
    struct chunk k = { bytes(&c->to), bytes(&c->from), FRAME_SIZE, is_still(s, &c->from) && is_still(s, &c->to) };
    const struct side *sides[] = { &c->from, &c->to };
    for (int i = 0; i < 2; i++)
        if (is_user(sides[i]) && left_in_page(sides[i]) < k.n)
            k.n = left_in_page(sides[i]);
#ifndef UKERN_BUG_SPEC_COPY_LONG
    k.n = n < k.n ? (uint32_t)n : k.n;
#else
    k.n = n + 1 < k.n ? (uint32_t)n + 1 : k.n;
#endif
    INSTEAD(ascending(c, k));
    c->seen[c->chunks++ % SEEN] = k;
    pass(&c->from, k.n);
    pass(&c->to, k.n);
    c->done += k.n;
}

/* Up to n bytes; FAULT: at the first address that is refused. c->done is exact. */
static enum ukern_status copy_all(const struct ucopy_view *s, struct copy *c, uint64_t n, const void *did)
{
    if (n == 0)
        return UKERN_OK;
    if (!enter(c))
        return UKERN_FAULT;
    while (c->done < n) {
        enum ukern_status st = look_up_both(c);
        if (st == UKERN_OK) {
            copy_chunk(s, c, n - c->done, did);
            continue;
        }
        leave(c);
        c->from.known = c->to.known = false;
        if (st != UKERN_BUSY || !enter(c))
            return UKERN_FAULT;
    }
    leave(c);
    return UKERN_OK;
}

enum verdict ucopy_in_spec(struct ucopy_view *s, struct space_id from, uint64_t va, struct kernel_bytes to, uint64_t n,
                           const struct ucopy_in_ret *did, struct ucopy_in_ret *r)
{
    struct copy c = { .from = user(from, va, 0), .to = kernel(to) };
    PRE(true);
    r->ret = copy_all(s, &c, n, did);
    r->ret_done = c.done;
    ALLOW(!did || are_right(&c));
    return DEFINED;
}

enum verdict ucopy_out_spec(struct ucopy_view *s, struct space_id to, uint64_t va, struct kernel_bytes from, uint64_t n,
                            const struct ucopy_out_ret *did, struct ucopy_out_ret *r)
{
    struct copy c = { .from = kernel(from), .to = user(to, va, PERM_WRITE) };
    PRE(true);
    r->ret = copy_all(s, &c, n, did);
    r->ret_done = c.done;
    ALLOW(!did || are_right(&c));
    return DEFINED;
}

enum verdict ucopy_move_spec(struct ucopy_view *s, struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va,
                             uint64_t n, const struct ucopy_move_ret *did, struct ucopy_move_ret *r)
{
    struct copy c = { .from = user(from, from_va, 0), .to = user(to, to_va, PERM_WRITE) };
    PRE(true);
    r->ret = copy_all(s, &c, n, did);
    r->ret_done = c.done;
    ALLOW(!did || are_right(&c));
    return DEFINED;
}

enum verdict ucopy_check_spec(struct ucopy_view *s, struct space_id id, uint64_t va, uint64_t n, uint32_t perm,
                              const struct ucopy_check_ret *did, struct ucopy_check_ret *r)
{
    struct copy c = { .from = user(id, va, perm), .to = kernel((struct kernel_bytes){ NULL }) };
    (void)s, (void)did;
    PRE(true);
    r->ret = n == 0 || enter(&c) ? UKERN_OK : UKERN_FAULT;
    while (r->ret == UKERN_OK && c.done < n) {
        enum ukern_status st = look_up(&c.from);
        if (st != UKERN_OK)
            leave(&c);
        if (st == UKERN_OK) {
            c.done += left_in_page(&c.from);
            pass(&c.from, left_in_page(&c.from));
        } else if (st != UKERN_BUSY || !enter(&c)) {
            r->ret = UKERN_FAULT;
        }
    }
    if (r->ret == UKERN_OK && n > 0)
        leave(&c);
    return DEFINED;
}

bool ucopy_relates_at(const struct ucopy_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool ucopy_relates(const struct ucopy_view *s)
{
    (void)s;
    return true;
}

bool ucopy_invariant_at(const struct ucopy_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool ucopy_invariant(const struct ucopy_view *s)
{
    (void)s;
    return true;
}
