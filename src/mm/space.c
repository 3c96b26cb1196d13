/* SPDX-License-Identifier: BSD-2-Clause */
/* space: see space.h. This file has the table of spaces, their coming and going, faults and the MMU; space_map.c changes
 * their pages.
 *
 * Why nobody waits for ever. Whoever shoots a space down holds its lock and waits for the CPUs inside. A CPU inside never
 * waits for a lock of a space: when it cannot have it at once, space_access says BUSY, and the caller leaves everything
 * first. What a CPU inside does otherwise is short and waits for nobody who shoots (frames' and containers' locks are below
 * these). Whoever was told BUSY takes the locks of its spaces in turn (space_hold: FIFO), outside of all; then enters
 * and finds its pages under them, so that its second try cannot be overtaken: each try costs each other CPU one turn. */
#include "core/calculus.h"
#include "mm/pt_bit.h"
#include "mm/space_inside.h"
#include "mm/tlb.h"

enum ukern_status space_init(void)
{
    struct ukern *m = here->m;
    uint32_t count = machine_maps(m);
    struct space_state *s = arena_array(&m->arena, struct space_state, 1);
    struct space *space = s ? arena_array(&m->arena, struct space, count) : NULL;
    struct space_cpu *cpu = space ? arena_array(&m->arena, struct space_cpu, m->cpus) : NULL;
    if (!cpu)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/space (%u spaces)", count);
    *s = (struct space_state){ .count = count, .space = space, .cpu = cpu };
    for (uint32_t n = 0; n < count; n++)
        lock_init(&space[n].lock, LAYER_mm_space);
    m->space = s;
    return EVENT_OWNED(UKERN_OK);
}

inline struct space *space_slot(struct space_id s)
{
    struct space_state *all = here->m->space;
    return likely(s.n < all->count) ? &all->space[s.n] : NULL;
}

inline bool space_exists(const struct space *p) { return p && atomic_load_explicit(&p->exists, memory_order_acquire); }

/* ---- coming and going ---- */

enum ukern_status space_new(struct container_id who, struct space_id *ret_space)
{
    struct pt_id id;
    enum ukern_status st = pt_bit_take(&id);
    if (st != UKERN_OK)
        return st;
    struct space *p = &here->m->space->space[id.n];
    LOCK_SCOPE(&p->lock);
    st = pt_new(id, who);
    if (st == UKERN_OK && (st = window_make(id, UKERN_WINDOW, UKERN_WINDOW)) != UKERN_OK)
        pt_end(id);
    if (st != UKERN_OK) {
#ifndef UKERN_BUG_MM_ID_LEAK
        pt_bit_give(id);
#endif
        return EVENT(st);
    }
    p->info = (struct space_info){ .payer = who };
    atomic_store_explicit(&p->exists, true, memory_order_release);
    *ret_space = (struct space_id){ id.n };
    return EVENT(UKERN_OK);
}

void space_destroy(struct space_id s)
{
    struct space *p = space_slot(s);
    if (!p)
        return;
    LOCK_SCOPE(&p->lock);
    if (!space_exists(p))
        return;
    atomic_store_explicit(&p->exists, false, memory_order_relaxed);
    window_free(space_pt(s)); /* first: no host address may show a frame that is somebody else's */
    space_take_out(s, 0, UKERN_WINDOW);
    pt_end(space_pt(s));
    pt_bit_give(space_pt(s));
    EVENT_DONE();
}

bool space_is(struct space_id s) { return space_exists(space_slot(s)); }
uint8_t *space_base(struct space_id s) { return window_base(space_pt(s)); }
void space_free(struct ukern *m) { window_done(m); }

bool space_peek(struct space_id s, struct space_info *ret_info)
{
    const struct space *p = space_slot(s);
    if (!space_exists(p))
        return false;
    *ret_info = p->info;
    return true;
}

/* ---- faults ---- */

enum ukern_status space_demand(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm)
{
    struct space *p = space_slot(s);
    if (!p)
        return UKERN_BADARG;
    LOCK_SCOPE(&p->lock);
    if (!space_exists(p) || (pages > 0 && (perm > PERM_ALL || !is_aligned(va, FRAME_SIZE) ||
                                           !range_in(va, (uint64_t)pages << FRAME_SHIFT, UKERN_WINDOW))))
        return EVENT(UKERN_BADARG);
    struct space_info info = { .payer = p->info.payer };
    if (pages > 0)
        info = (struct space_info){ p->info.payer, (uint32_t)(va >> FRAME_SHIFT), pages, perm };
    p->info = info;
    return EVENT(UKERN_OK);
}

/* Whether a fault at va, which is not mapped, is to be answered with a page. */
static bool space_demands(const struct space *p, uint64_t va, uint32_t access)
{
    uint64_t page = va >> FRAME_SHIFT, first = p->info.demand_first;
#ifndef UKERN_BUG_MM_DEMAND_END
    bool in = page >= first && page - first < p->info.demand_pages;
#else
    bool in = page >= first && page - first <= p->info.demand_pages;
#endif
    return in && (p->info.demand_perm & access) == access;
}

/* The page of va, for an access of that kind; on demand a fresh one. The lock is held, and the space exists. */
static enum ukern_status space_page_for(const struct space *p, struct space_id s, uint64_t va, uint32_t access,
                                        struct frame_id *ret_frame, uint32_t *ret_perm)
{
    if (va >= UKERN_WINDOW)
        return UKERN_FAULT;
    enum ukern_status st = pt_read(space_pt(s), va, ret_frame, ret_perm);
    if (st == UKERN_OK)
        return (*ret_perm & access) == access ? UKERN_OK : UKERN_FAULT;
    if (!space_demands(p, va, access))
        return UKERN_FAULT;
    st = space_reserve(s, va & ~(uint64_t)(FRAME_SIZE - 1), 1, p->info.demand_perm, 0);
    return st == UKERN_OK ? pt_read(space_pt(s), va, ret_frame, ret_perm) : st;
}

enum ukern_status space_fault(struct space_id s, uint64_t va, uint32_t access)
{
    struct space *p = space_slot(s);
    struct frame_id f;
    uint32_t perm;
    if (!p)
        return UKERN_BADARG;
    LOCK_SCOPE(&p->lock);
    if (!space_exists(p) || access > PERM_ALL)
        return EVENT(UKERN_BADARG);
    return EVENT(space_page_for(p, s, va, access, &f, &perm));
}

enum ukern_status space_read(struct space_id s, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct space *p = space_slot(s);
    if (!p || va >= UKERN_WINDOW)
        return UKERN_NOTFOUND;
    LOCK_SCOPE(&p->lock);
    return EVENT(space_exists(p) ? pt_read(space_pt(s), va, ret_frame, ret_perm) : UKERN_NOTFOUND);
}

/* ---- the MMU ---- */

inline enum ukern_status space_enter(struct space_id s)
{
    const struct space *p = space_slot(s);
    if (unlikely(!space_exists(p)))
        return UKERN_BADARG;
    tlb_enter(space_pt(s));
    return EVENT_OWNED(UKERN_OK);
}

inline void space_leave(struct space_id s)
{
    tlb_leave(space_pt(s));
    EVENT_OWNED_DONE();
}

static bool space_is_mine(const struct space *p) { return atomic_load_explicit(&p->keeper, memory_order_relaxed) == here->id + 1; }

/* The lock is held. */
static enum ukern_status space_fill(const struct space *p, struct space_id s, uint64_t va, uint32_t access,
                                    struct frame_id *ret_frame)
{
    struct frame_id f;
    uint32_t perm;
    enum ukern_status st = space_exists(p) ? space_page_for(p, s, va, access, &f, &perm) : UKERN_FAULT;
    if (st != UKERN_OK)
        return EVENT(st);
    st = pt_touch(space_pt(s), va, access & PERM_WRITE);
    CHECK(st == UKERN_OK, "a page that was just read is touched, it answers %s", ukern_status_name(st));
#ifndef UKERN_BUG_MM_DIRTY_LOST
    /* Without PERM_WRITE until somebody writes: so the first write comes here, too, and marks the page dirty. */
    uint32_t known = perm & (access | ~(uint32_t)PERM_WRITE);
#else
    uint32_t known = perm;
#endif
    tlb_fill(space_pt(s), va, f, known);
    *ret_frame = f;
    return EVENT(UKERN_OK);
}

static enum ukern_status __attribute__((cold, noinline)) space_miss(struct space_id s, uint64_t va, uint32_t access, struct frame_id *ret_frame)
{
    struct space *p = &here->m->space->space[s.n]; /* entered, so there is one */
    if (space_is_mine(p))
        return space_fill(p, s, va, access, ret_frame);
#ifndef UKERN_BUG_MM_ACCESS_UNLOCKED
    if (!lock_try(&p->lock))
        return UKERN_BUSY;
#else
    if (atomic_load(&p->lock.next) != atomic_load(&p->lock.serving))
        return UKERN_BUSY;
    lock_take(&p->lock);
    lock_give(&p->lock);
    return space_fill(p, s, va, access, ret_frame);
#endif
    enum ukern_status st = space_fill(p, s, va, access, ret_frame);
    lock_give(&p->lock);
    return st;
}

inline enum ukern_status space_access(struct space_id s, uint64_t va, uint32_t access, struct frame_id *ret_frame)
{
    uint32_t perm;
    if (unlikely(va >= UKERN_WINDOW || access > PERM_ALL))
        return access > PERM_ALL ? UKERN_BADARG : UKERN_FAULT;
    struct frame_id f;
    if (unlikely(tlb_find(space_pt(s), va, &f, &perm) != UKERN_OK || (perm & access) != access))
        return space_miss(s, va, access, ret_frame);
    *ret_frame = f;
    return UKERN_OK;
}

/* ---- for whoever was told BUSY ---- */

void space_hold(struct space_id a, struct space_id b)
{
    if (!here->m->space) /* mode spec: there is no lock, nor BUSY because of it */
        return;
    struct space *all = here->m->space->space, *first = &all[a.n], *second = &all[b.n];
    if (first == second)
        lock_take(&first->lock);
    else
        (void)lock_take_pair(&first->lock, &second->lock);
    atomic_store_explicit(&first->keeper, here->id + 1, memory_order_relaxed);
    atomic_store_explicit(&second->keeper, here->id + 1, memory_order_relaxed);
}

void space_let(struct space_id a, struct space_id b)
{
    if (!here->m->space)
        return;
    struct space *all = here->m->space->space, *first = &all[a.n], *second = &all[b.n];
    atomic_store_explicit(&first->keeper, 0, memory_order_relaxed);
    atomic_store_explicit(&second->keeper, 0, memory_order_relaxed);
    if (first == second) {
        lock_give(&first->lock);
        return;
    }
    struct lock_pair pair = { first < second ? &first->lock : &second->lock, first < second ? &second->lock : &first->lock };
    lock_leave_pair(&pair);
}
