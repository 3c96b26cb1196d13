/* SPDX-License-Identifier: BSD-2-Clause */
/* space_spec: which spaces there are; what a page costs, where it is shown, when nobody can see it any more.
 *                                                                                        Specification of mm/space
 *
 * Choice        whether a space's lock is taken (space_access: BUSY)
 * Hardware      the window, carried out where there is no code; Linux may refuse it: an environment value
 * Lists         s->space->step: the frames of a step, by place; empty between steps
 * Environment   here->id and here->m->cpus; the arena */
#include "core/spec.h"
#include "host/window.h"
#include <ukern/user.h>

enum { PIECE = 512 }; /* pages that go in one shoot-down */

void space_abs_init(struct space_abs *s)
{
    INIT(s->of, "space.of");
    INIT(s->step, "space.step");
}

static struct pt_id map_of(struct space_id id) { return (struct pt_id){ id.n }; }
static bool exists(const struct space_view *s, struct space_id id) { return has(s->space->of, id); }
static struct container_id payer(const struct space_view *s, struct space_id id) { return get(s->space->of, id).payer; }
static uint64_t page_of(uint64_t va) { return va & ~(uint64_t)(FRAME_SIZE - 1); }
static uint64_t bytes_of(uint32_t order) { return (uint64_t)FRAME_SIZE << order; }
static bool allows(uint32_t perm, uint32_t access) { return (access & ~perm) == 0; }

static bool inside(const struct space_view *s, uint32_t cpu, struct space_id id)
{
    uint64_t both = get(s->tlb->inside, cpu);
    return (both & UINT32_MAX) == (uint64_t)id.n + 1 || both >> 32 == (uint64_t)id.n + 1;
}

static bool inside_none(const struct space_view *s) { return !has(s->tlb->inside, here->id); }

static bool others_outside(const struct space_view *s, struct space_id id)
{
    for (uint32_t cpu = 0; cpu < here->m->cpus; cpu++)
        if (inside(s, cpu, id))
            return false;
    return true;
}

static bool is_place(const struct space_view *s, struct space_id id, uint64_t va, uint64_t pages, uint32_t order)
{
    return exists(s, id) && pages > 0 && is_aligned(va, bytes_of(order)) && range_in(va, pages << FRAME_SHIFT, UKERN_WINDOW);
}

/* The page that va lies in: where it begins, what it is. */
static bool page_at(const struct space_view *s, struct space_id id, uint64_t va, uint64_t *ret_va, struct pt_page *ret_page)
{
    for (uint32_t order = 0; order <= 9; order += 9) {
        *ret_va = va & ~(bytes_of(order) - 1);
        *ret_page = get(s->pt->page, pt_at(map_of(id), *ret_va));
        if (has(s->pt->page, pt_at(map_of(id), *ret_va)) && ret_page->order >= order)
            return true;
    }
    return false;
}

static bool is_mapped(const struct space_view *s, struct space_id id, uint64_t va)
{
    uint64_t begin;
    struct pt_page page;
    return page_at(s, id, va, &begin, &page);
}

/* The frame of va's own 4 KiB, and its permission. */
static bool frame_at(const struct space_view *s, struct space_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    uint64_t begin;
    struct pt_page page;
    if (!exists(s, id) || va >= UKERN_WINDOW || !page_at(s, id, va, &begin, &page))
        return false;
    *ret_frame = (struct frame_id){ page.frame.n + (uint32_t)((va - begin) >> FRAME_SHIFT) };
    *ret_perm = page.perm;
    return true;
}

/* Whether a page is in the range: each place is looked at, or, when those are fewer, each page that there is. */
static bool any_mapped(const struct space_view *s, struct space_id id, uint64_t va, uint64_t pages)
{
    if (pages <= size(s->pt->page)) {
        for (uint64_t i = 0; i < pages; i++)
            if (is_mapped(s, id, va + (i << FRAME_SHIFT)))
                return true;
        return false;
    }
    uint64_t first = pt_at(map_of(id), va).key;
    EACH(s->pt->page, k) {
        uint64_t n = UINT64_C(1) << get(s->pt->page, k).order;
        if (k.key >> 36 == id.n && k.key < first + pages && first < k.key + n)
            return true;
    }
    return false;
}

/* Whether every place of the range is in a page, none of which leaves the range. */
static bool wholly_mapped(const struct space_view *s, struct space_id id, uint64_t va, uint64_t pages)
{
    uint64_t begin, end = va + (pages << FRAME_SHIFT);
    for (struct pt_page page; va < end; va += bytes_of(page.order))
        if (!page_at(s, id, va, &begin, &page) || begin != va || bytes_of(page.order) > end - va)
            return false;
    return true;
}

/* -- the window: what the host shows, and may refuse -- */

/* Beside the code: a refusal is what was left to make it answer NOMEM. */
static bool told_refused(const enum ukern_status *did) { return did && *did == UKERN_NOMEM; }

/* The step's list of frames appears, page after page, from va on, or none; *ret_stuck: Linux does not even hide again what it showed. */
static bool show(const struct space_view *s, struct space_id id, uint64_t va, uint32_t pages, uint32_t perm, bool *ret_stuck)
{
    *ret_stuck = false;
    for (uint32_t i = 0, n; (perm & PERM_USER) && i < pages; i += n) {
        struct frame_id first = get(s->space->step, i).frame;
        for (n = 1; i + n < pages && get(s->space->step, i + n).frame.n == first.n + n; n++)
            ;
        if (window_map(map_of(id), va + ((uint64_t)i << FRAME_SHIFT), first, n, perm & PERM_WRITE) == UKERN_OK)
            continue;
        if (window_unmap(map_of(id), va, pages) != UKERN_OK)
            *ret_stuck = true;
        return false;
    }
    return true;
}

/* -- the list of a step -- */

static void note(struct space_view *s, struct frame_id f, uint32_t order)
{
    set(s->space->step, (uint32_t)size(s->space->step), ((struct space_page){ f, order }));
}

static struct space_page last_noted(struct space_view *s)
{
    uint32_t i = (uint32_t)size(s->space->step) - 1;
    struct space_page last = get(s->space->step, i);
    del(s->space->step, i);
    return last;
}

static void forget(struct space_view *s)
{
    while (size(s->space->step) > 0)
        (void)last_noted(s);
}

enum verdict space_init_spec(struct space_view *s, const struct space_init_ret *did, struct space_init_ret *r)
{
    PRE(size(s->space->of) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK); /* the arena may be full */
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM);
    return DEFINED;
}

enum verdict space_new_spec(struct space_view *s, struct container_id who, const struct space_new_ret *did,
                            struct space_new_ret *r)
{
    struct pt_id id;
    PRE(inside_none(s));
    r->ret = pt_bit_take(&id);
    if (r->ret != UKERN_OK)
        return DEFINED;
    r->ret = pt_new(id, who);
    if (r->ret == UKERN_OK) {
        if (told_refused(did ? &did->ret : NULL))
            r->ret = UKERN_NOMEM;
        INSTEAD(r->ret = window_make(id, UKERN_WINDOW, UKERN_WINDOW));
        ALLOW(r->ret == UKERN_OK || (r->ret == UKERN_NOMEM && hardware_refused()));
        if (r->ret != UKERN_OK)
            pt_end(id);
    }
    if (r->ret != UKERN_OK) {
        ALLOW(pt_bit_give(id) == UKERN_OK);
        return DEFINED;
    }
    r->ret_space = (struct space_id){ id.n };
    set(s->space->of, r->ret_space, ((struct space_info){ .payer = who }));
    return DEFINED;
}

/* -- pages come -- */

/* Frames for `pages` pages that were prepared: listed, cleared; NOMEM: as many as there were. */
static enum ukern_status pay(struct space_view *s, struct space_id id, uint32_t pages, uint32_t order)
{
    for (uint32_t i = 0; i < pages;) {
        struct frame_id first;
        uint32_t count = 1;
        enum ukern_status st = order > 0 ? container_alloc_large(payer(s, id), &first)
                                         : container_alloc_run(payer(s, id), pages - i, &first, &count);
        if (st != UKERN_OK)
            return st;
        count = order > 0 ? pages : count;
        frame_clear(first, count);
        for (uint32_t n = 0; n < count; n++)
            note(s, (struct frame_id){ first.n + n }, n);
        i += count;
    }
    return UKERN_OK;
}

/* The frames go back: the last run first, each from its first frame. */
static void pay_back(struct space_view *s)
{
    while (size(s->space->step) > 0) {
        struct space_page last = last_noted(s); /* `order` counts from its run's first frame */
        for (uint32_t n = last.order; n > 0; n--)
            (void)last_noted(s);
        for (uint32_t n = 0; n <= last.order; n++)
            (void)container_free((struct frame_id){ last.frame.n - last.order + n });
    }
}

/* Fresh pages, where none are: *ret_refused: the host did not show them. */
static enum ukern_status reserve(struct space_view *s, struct space_id id, uint64_t va, uint32_t pages, uint32_t perm,
                                 uint32_t order, const enum ukern_status *did, bool *ret_refused)
{
    bool stuck = false;
    *ret_refused = false;
    enum ukern_status st = pt_prepare(map_of(id), va, pages, order);
    if (st != UKERN_OK)
        return st;
    st = pay(s, id, pages, order);
    if (st == UKERN_OK) {
        *ret_refused = (perm & PERM_USER) && told_refused(did);
        INSTEAD(*ret_refused = !show(s, id, va, pages, perm, &stuck));
    }
    if (st != UKERN_OK || *ret_refused) {
        if (stuck) /* better lost than shown when they are somebody else's */
            forget(s);
        pay_back(s);
        st = pt_trim(map_of(id), va, pages);
        return st == UKERN_OK ? UKERN_NOMEM : st; /* OK: the range was good */
    }
    for (uint32_t i = 0; st == UKERN_OK && i < pages; i += 1u << order)
        st = pt_insert(map_of(id), va + ((uint64_t)i << FRAME_SHIFT), get(s->space->step, i).frame, perm, order);
    forget(s);
    return st; /* OK: it was prepared */
}

static enum ukern_status fresh(struct space_view *s, struct space_id id, uint64_t va, uint32_t pages, uint32_t perm,
                               uint32_t order, const enum ukern_status *did, bool *ret_refused)
{
    *ret_refused = false;
    if (!is_place(s, id, va, pages, order) || perm > PERM_ALL)
        return UKERN_BADARG;
    if (any_mapped(s, id, va, pages))
        return UKERN_EXISTS;
    return reserve(s, id, va, pages, perm, order, did, ret_refused);
}

enum verdict space_map_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t pages, uint32_t perm,
                            const struct space_map_ret *did, struct space_map_ret *r)
{
    bool refused;
    PRE(inside_none(s));
    r->ret = fresh(s, id, va, pages, perm, 0, did ? &did->ret : NULL, &refused);
    ALLOW(!refused || hardware_refused());
    return DEFINED;
}

enum verdict space_map_large_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t perm,
                                  const struct space_map_large_ret *did, struct space_map_large_ret *r)
{
    bool refused;
    PRE(inside_none(s));
    r->ret = fresh(s, id, va, FRAME_LARGE, perm, 9, did ? &did->ret : NULL, &refused);
    ALLOW(!refused || hardware_refused());
    return DEFINED;
}

/* -- pages go -- */

/* Where the first page begins that ends above va. */
static bool next_page(const struct space_view *s, struct space_id id, uint64_t va, uint64_t *ret_va)
{
    struct pt_page page;
    struct frame_id f;
    uint32_t order;
    return page_at(s, id, va, ret_va, &page) || pt_next(map_of(id), va, ret_va, &f, &order) == UKERN_OK;
}

/* The next pages from *va on, at most PIECE, that begin below `end`: gone, seen by nobody, their frames free of them. False: none. */
static bool remove_piece(struct space_view *s, struct space_id id, uint64_t *va, uint64_t end)
{
    struct frame_id f;
    uint32_t order;
    uint64_t next, begin = 0;
    while (size(s->space->step) < PIECE && next_page(s, id, *va, &next) && next < end) {
        begin = size(s->space->step) == 0 ? next : begin;
        if (pt_remove(map_of(id), next, &f, &order) != UKERN_OK)
            return false;
        note(s, f, order);
        *va = next + bytes_of(order);
    }
    uint32_t n = (uint32_t)size(s->space->step);
    if (n == 0)
        return false;
    tlb_shoot(map_of(id), begin, (*va - begin) >> FRAME_SHIFT);
    for (uint32_t i = 0; i < n; i++) {
        struct space_page p = get(s->space->step, i);
#ifndef UKERN_BUG_SPEC_LARGE_LEAK
        for (uint32_t k = 0; k < 1u << p.order; k++)
#else
        for (uint32_t k = 0; k < 1; k++)
#endif
            (void)container_free((struct frame_id){ p.frame.n + k });
    }
    forget(s);
    return true;
}

enum verdict space_unmap_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t pages,
                              const struct space_unmap_ret *did, struct space_unmap_ret *r)
{
    PRE(inside_none(s));
    AWAIT(others_outside(s, id));
    r->ret = UKERN_BADARG;
    if (!is_place(s, id, va, pages, 0))
        return DEFINED;
    r->ret = UKERN_NOTFOUND;
    if (!wholly_mapped(s, id, va, pages))
        return DEFINED;
    r->ret = told_refused(did ? &did->ret : NULL) ? UKERN_NOMEM : UKERN_OK;
    INSTEAD(r->ret = window_unmap(map_of(id), va, pages));
    ALLOW(r->ret == UKERN_OK || (r->ret == UKERN_NOMEM && hardware_refused()));
    uint64_t end = va + ((uint64_t)pages << FRAME_SHIFT);
    while (r->ret == UKERN_OK && va < end)
        ALLOW(remove_piece(s, id, &va, end));
    return DEFINED;
}

enum verdict space_destroy_spec(struct space_view *s, struct space_id id, const struct space_destroy_ret *did,
                                struct space_destroy_ret *r)
{
    (void)did, (void)r;
    PRE(inside_none(s));
    AWAIT(others_outside(s, id));
    if (!exists(s, id))
        return DEFINED;
    INSTEAD(window_free(map_of(id)));
    for (uint64_t va = 0; remove_piece(s, id, &va, UKERN_WINDOW);)
        ;
    pt_end(map_of(id));
    ALLOW(pt_bit_give(map_of(id)) == UKERN_OK);
    del(s->space->of, id);
    return DEFINED;
}

/* -- one page in two places -- */

/* The page in the step's list, or what the host refused, appears in a space whose tables are prepared. */
static bool shown(const struct space_view *s, struct space_id id, uint64_t va, uint32_t perm, const enum ukern_status *did)
{
    bool ok = !(perm & PERM_USER) || !told_refused(did), stuck;
    INSTEAD(ok = show(s, id, va, 1, perm, &stuck));
    return ok;
}

enum verdict space_share_spec(struct space_view *s, struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va,
                              uint32_t perm, const struct space_share_ret *did, struct space_share_ret *r)
{
    struct frame_id f;
    uint32_t own;
    PRE(inside_none(s));
    r->ret = UKERN_BADARG;
    if (!is_place(s, from, from_va, 1, 0) || !is_place(s, to, to_va, 1, 0) || perm > PERM_ALL ||
        (from.n == to.n && from_va == to_va))
        return DEFINED;
    r->ret = UKERN_NOTFOUND;
    if (!frame_at(s, from, from_va, &f, &own))
        return DEFINED;
    r->ret = UKERN_BADARG;
#ifndef UKERN_BUG_SPEC_SHARE_MORE
    if (!allows(own, perm))
        return DEFINED;
#else
    if (!allows(own | PERM_WRITE, perm))
        return DEFINED;
#endif
    r->ret = UKERN_EXISTS;
    if (is_mapped(s, to, to_va))
        return DEFINED;
    r->ret = pt_prepare(map_of(to), to_va, 1, 0);
    if (r->ret != UKERN_OK)
        return DEFINED;
    r->ret = frame_ref(f);
    bool got = r->ret == UKERN_OK, ok = got;
    if (got) {
        note(s, f, 0);
        ok = shown(s, to, to_va, perm, did ? &did->ret : NULL);
        ALLOW(ok || hardware_refused());
        forget(s);
    }
    if (ok) {
        ALLOW(pt_insert(map_of(to), to_va, f, perm, 0) == UKERN_OK);
        return DEFINED;
    }
    r->ret = UKERN_NOMEM;
    if (got)
        ALLOW(container_free(f) == UKERN_OK);
    ALLOW(pt_trim(map_of(to), to_va, 1) == UKERN_OK);
    return DEFINED;
}

/* Both windows, or none. */
static bool shown_twice(const struct space_view *s, struct space_id a, uint64_t va_a, struct space_id b, uint64_t va_b,
                        uint32_t perm, const enum ukern_status *did)
{
    if (!shown(s, a, va_a, perm, did))
        return false;
    if (shown(s, b, va_b, perm, did))
        return true;
    INSTEAD((void)window_unmap(map_of(a), va_a, 1));
    return false;
}

enum verdict space_resv2_spec(struct space_view *s, struct space_id a, uint64_t va_a, struct space_id b, uint64_t va_b,
                              uint32_t perm, const struct space_resv2_ret *did, struct space_resv2_ret *r)
{
    struct frame_id f;
    PRE(inside_none(s));
    r->ret = UKERN_BADARG;
    if (!is_place(s, a, va_a, 1, 0) || !is_place(s, b, va_b, 1, 0) || perm > PERM_ALL || a.n == b.n)
        return DEFINED;
    r->ret = UKERN_EXISTS;
    if (is_mapped(s, a, va_a) || is_mapped(s, b, va_b))
        return DEFINED;
    r->ret = pt_prepare(map_of(a), va_a, 1, 0);
    if (r->ret != UKERN_OK)
        return DEFINED;
    r->ret = pt_prepare(map_of(b), va_b, 1, 0);
    bool prepared = r->ret == UKERN_OK;
    uint32_t refs = 0;
    if (prepared)
        r->ret = container_alloc(payer(s, a), &f);
    if (r->ret == UKERN_OK) {
        refs = 1;
        frame_clear(f, 1);
        r->ret = frame_ref(f);
    }
    if (r->ret == UKERN_OK) {
        refs = 2;
        note(s, f, 0);
        bool ok = shown_twice(s, a, va_a, b, va_b, perm, did ? &did->ret : NULL);
        ALLOW(ok || hardware_refused());
        forget(s);
        if (ok) {
            ALLOW(pt_insert(map_of(a), va_a, f, perm, 0) == UKERN_OK && pt_insert(map_of(b), va_b, f, perm, 0) == UKERN_OK);
            return DEFINED;
        }
    }
    r->ret = UKERN_NOMEM;
    for (; refs > 0; refs--)
        ALLOW(container_free(f) == UKERN_OK);
    if (prepared)
        ALLOW(pt_trim(map_of(b), va_b, 1) == UKERN_OK);
    ALLOW(pt_trim(map_of(a), va_a, 1) == UKERN_OK);
    return DEFINED;
}

/* -- demand, and the MMU -- */

enum verdict space_demand_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t pages, uint32_t perm,
                               const struct space_demand_ret *did, struct space_demand_ret *r)
{
    (void)did;
    PRE(inside_none(s));
    r->ret = UKERN_BADARG;
    if (!exists(s, id) || (pages > 0 && (!is_place(s, id, va, pages, 0) || perm > PERM_ALL)))
        return DEFINED;
    r->ret = UKERN_OK;
    struct space_info info = { .payer = payer(s, id) };
    if (pages > 0) {
        info.demand_first = (uint32_t)(va >> FRAME_SHIFT);
#ifndef UKERN_BUG_SPEC_DEMAND_LONG
        info.demand_pages = pages;
#else
        info.demand_pages = pages + 1;
#endif
        info.demand_perm = perm;
    }
    set(s->space->of, id, info);
    return DEFINED;
}

/* The page fault: what becomes of an access that the map, as it is, may not allow. */
static enum ukern_status fault(struct space_view *s, struct space_id id, uint64_t va, uint32_t access,
                               const enum ukern_status *did, bool *ret_refused)
{
    struct space_info info = get(s->space->of, id);
    struct frame_id f;
    uint32_t perm;
    *ret_refused = false;
    if (va >= UKERN_WINDOW)
        return UKERN_FAULT;
    if (frame_at(s, id, va, &f, &perm))
        return allows(perm, access) ? UKERN_OK : UKERN_FAULT;
    if ((va >> FRAME_SHIFT) - info.demand_first >= info.demand_pages || !allows(info.demand_perm, access))
        return UKERN_FAULT;
    return reserve(s, id, page_of(va), 1, info.demand_perm, 0, did, ret_refused);
}

enum verdict space_fault_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t access,
                              const struct space_fault_ret *did, struct space_fault_ret *r)
{
    bool refused = false;
    PRE(inside_none(s));
    r->ret = UKERN_BADARG;
    if (exists(s, id) && access <= PERM_ALL)
        r->ret = fault(s, id, va, access, did ? &did->ret : NULL, &refused);
    ALLOW(!refused || hardware_refused());
    return DEFINED;
}

enum verdict space_read_spec(struct space_view *s, struct space_id id, uint64_t va, const struct space_read_ret *did,
                             struct space_read_ret *r)
{
    struct frame_id f;
    uint32_t perm;
    (void)did;
    PRE(inside_none(s));
    r->ret = UKERN_NOTFOUND;
    if (!frame_at(s, id, va, &f, &perm))
        return DEFINED;
    r->ret = UKERN_OK;
    r->ret_frame = f;
    r->ret_perm = perm;
    return DEFINED;
}

enum verdict space_is_spec(struct space_view *s, struct space_id id, const struct space_is_ret *did, struct space_is_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = exists(s, id);
    return DEFINED;
}

enum verdict space_enter_spec(struct space_view *s, struct space_id id, const struct space_enter_ret *did,
                              struct space_enter_ret *r)
{
    (void)did;
    PRE(!inside(s, here->id, id) && get(s->tlb->inside, here->id) >> 32 == 0);
    r->ret = exists(s, id) ? UKERN_OK : UKERN_BADARG;
    if (r->ret == UKERN_OK)
        tlb_enter(map_of(id));
    return DEFINED;
}

enum verdict space_leave_spec(struct space_view *s, struct space_id id, const struct space_leave_ret *did,
                              struct space_leave_ret *r)
{
    (void)did, (void)r;
    PRE(inside(s, here->id, id));
    tlb_leave(map_of(id));
    return DEFINED;
}

enum verdict space_access_spec(struct space_view *s, struct space_id id, uint64_t va, uint32_t access,
                               const struct space_access_ret *did, struct space_access_ret *r)
{
    struct frame_id f;
    uint32_t perm;
    bool refused;
    PRE(inside(s, here->id, id));
    r->ret = access > PERM_ALL ? UKERN_BADARG : UKERN_FAULT;
    if (access > PERM_ALL || va >= UKERN_WINDOW)
        return DEFINED;
    r->ret = tlb_find(map_of(id), va, &f, &perm);
    if (r->ret == UKERN_OK && allows(perm, access)) {
        r->ret_frame = f;
        return DEFINED;
    }
    r->ret = UKERN_BUSY;
    if (did && did->ret == UKERN_BUSY && here->m->cpus > 1)
        return DEFINED;
    r->ret = fault(s, id, va, access, did ? &did->ret : NULL, &refused);
    ALLOW(!refused || hardware_refused());
    if (r->ret != UKERN_OK)
        return DEFINED;
    ALLOW(frame_at(s, id, va, &f, &perm) && pt_touch(map_of(id), va, access & PERM_WRITE) == UKERN_OK);
#ifndef UKERN_BUG_SPEC_FILL_WRITE
    tlb_fill(map_of(id), va, f, perm & (access | ~(uint32_t)PERM_WRITE));
#else
    tlb_fill(map_of(id), va, f, perm);
#endif
    r->ret_frame = f;
    return DEFINED;
}

/* -- the relation -- */

bool space_relates_at(const struct space_view *s, const struct map *m, uint64_t key)
{
    if (!IS(s->space->of, m))
        return true;
    struct space_id id = { (uint32_t)key };
    struct space_info abs = get(s->space->of, id), code = { 0 };
    return AGREE(has(s->space->of, id), space_peek(id, &code), "existence of space %u", id.n) &&
           AGREE(abs.payer.n, code.payer.n, "payer of space %u", id.n) &&
           AGREE(abs.demand_first, code.demand_first, "first demand page of space %u", id.n) &&
           AGREE(abs.demand_pages, code.demand_pages, "demand pages of space %u", id.n) &&
           AGREE(abs.demand_perm, code.demand_perm, "demand permission of space %u", id.n);
}

static uint32_t maps(void)
{
    const struct ukern_params *p = &here->m->params;
    return p->limits == UKERN_LIMITS_MCERTIKOS ? 64 : p->max_tasks + p->max_vms;
}

bool space_relates(const struct space_view *s)
{
    for (uint32_t id = 0; id < maps(); id++)
        if (!space_relates_at(s, &s->space->of.m, id) ||
            !HOLDS(!exists(s, (struct space_id){ id }) || window_base((struct pt_id){ id }), "host addresses of space %u", id))
            return false;
    return true;
}

/* -- invariants -- */

/* A space's map exists and is paid by the same. */
static bool is_sound(const struct space_view *s, struct space_id id)
{
    return !exists(s, id) || (HOLDS(has(s->pt_bit->taken, map_of(id)), "id of space %u is taken", id.n) &&
                              HOLDS(has(s->pt->map, map_of(id)), "map of space %u", id.n) &&
                              AGREE(get(s->pt->map, map_of(id)).n, payer(s, id).n, "payer of the map of space %u", id.n));
}

/* I2, of one page: what a CPU may still translate to is what the map says. */
static bool is_fresh(const struct space_view *s, uint64_t key)
{
    struct space_id id = { (uint32_t)(key >> 36) };
    uint64_t va = (key & ((UINT64_C(1) << 36) - 1)) << FRAME_SHIFT;
    struct frame_id f;
    uint32_t perm;
    if (!exists(s, id) || !has(s->tlb->filled, (struct tlb_at){ key }))
        return true;
    struct tlb_entry e = get(s->tlb->filled, (struct tlb_at){ key });
    return HOLDS(frame_at(s, id, va, &f, &perm), "I2: a CPU may still use 0x%llx of space %u, which is not mapped",
                 (unsigned long long)va, id.n) &&
           AGREE(f.n, e.frame.n, "I2: frame of 0x%llx of space %u, and of the translation", (unsigned long long)va, id.n) &&
           HOLDS(allows(perm, e.perm), "I2: a translation of 0x%llx of space %u allows %u, the page %u",
                 (unsigned long long)va, id.n, e.perm, perm);
}

/* I1 and I4, of one page, and I2 of all that lies in it, or did when it was large. */
static bool page_is_sound(const struct space_view *s, uint64_t key)
{
    struct space_id id = { (uint32_t)(key >> 36) };
    uint64_t va = (key & ((UINT64_C(1) << 36) - 1)) << FRAME_SHIFT;
    if (!exists(s, id))
        return true;
    bool there = has(s->pt->page, (struct pt_at){ key });
    struct pt_page page = get(s->pt->page, (struct pt_at){ key });
    uint32_t n = page.order == 9 || (!there && is_aligned(key, FRAME_LARGE)) ? FRAME_LARGE : 1;
    for (uint32_t i = 0; i < n; i++) {
        struct frame_id f = { page.frame.n + i };
        if (!is_fresh(s, key + i) || (there && !HOLDS(has(s->frame->used, f), "I1: frame of 0x%llx of space %u is used",
                                                      (unsigned long long)va, id.n)))
            return false;
    }
    return HOLDS(!there || va < UKERN_WINDOW, "I4: page 0x%llx of space %u", (unsigned long long)va, id.n);
}

bool space_invariant_at(const struct space_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->space->of, m))
        return is_sound(s, (struct space_id){ (uint32_t)key });
    if (IS(s->pt->page, m))
        return page_is_sound(s, key);
    if (IS(s->tlb->filled, m))
        return is_fresh(s, key);
    return true;
}

bool space_invariant(const struct space_view *s)
{
    EACH(s->space->of, id)
        if (!is_sound(s, id))
            return false;
    EACH(s->pt->page, k)
        if (!page_is_sound(s, k.key))
            return false;
    EACH(s->tlb->filled, k)
        if (!is_fresh(s, k.key))
            return false;
    return HOLDS(size(s->space->step) == 0, "%zu frames left in a step's list", size(s->space->step));
}
