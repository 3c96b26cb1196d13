/* SPDX-License-Identifier: BSD-2-Clause */
/* npt: see npt.h. The checks come first; what can still fail afterwards (a frame for a table, Linux) is put back. */
#include "vm/npt.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include "mm/pt_bit.h"
#include "mm/space.h"

static uint64_t run_end(const struct npt_run *r) { return (uint64_t)r->first + r->pages; }
static bool in_ram(uint64_t gpa, uint64_t bytes)
{
    return bytes != 0 && is_aligned(gpa | bytes, FRAME_SIZE) && range_in(gpa, bytes, NPT_LIMIT);
}

/* A map of its own, whose tables the root container pays. */
static enum ukern_status map_new(struct pt_id *ret_id)
{
    struct pt_id id;
    enum ukern_status st = pt_bit_take(&id);
    if (st != UKERN_OK)
        return st;
    if ((st = pt_new(id, ROOT_CONTAINER)) == UKERN_OK && (st = window_make(id, NPT_LIMIT, FRAME_SIZE)) != UKERN_OK)
        pt_end(id);
    if (st != UKERN_OK) {
        pt_bit_give(id);
        return st;
    }
    *ret_id = id;
    return UKERN_OK;
}

enum ukern_status npt_new(struct kvm_guest *guest, uint32_t slots, struct npt *ret_npt)
{
    struct npt n = { .guest = guest, .runs_max = FRAME_SIZE / sizeof(struct npt_run) };
    if (n.runs_max > slots)
        n.runs_max = slots;
    enum ukern_status st = container_alloc(ROOT_CONTAINER, &n.table);
    if (st != UKERN_OK)
        return st;
    if ((st = map_new(&n.id)) != UKERN_OK) {
        container_free(n.table);
        return st;
    }
    n.run = (struct npt_run *)frame_bytes(n.table);
    *ret_npt = n;
    return UKERN_OK;
}

/* Takes the pages [gpa, end) out of the table; all are there. */
static void forget_pages(struct npt *n, uint64_t gpa, uint64_t end)
{
    for (; gpa < end; gpa += FRAME_SIZE) {
        struct frame_id f;
        uint32_t order;
        if (pt_remove(n->id, gpa, &f, &order) == UKERN_OK)
            container_free(f);
    }
}

void npt_destroy(struct npt *n)
{
    window_free(n->id); /* first: no host address may show a frame that is somebody else's */
    for (uint32_t i = 0; i < n->runs; i++)
        forget_pages(n, (uint64_t)n->run[i].first << FRAME_SHIFT, run_end(&n->run[i]) << FRAME_SHIFT);
    pt_end(n->id);
    pt_bit_give(n->id);
    container_free(n->table);
    n->runs = 0;
}

enum ukern_status npt_read(const struct npt *n, uint64_t gpa, struct frame_id *ret_frame)
{
    uint32_t perm;
    return gpa < NPT_LIMIT ? pt_read(n->id, gpa & ~(uint64_t)(FRAME_SIZE - 1), ret_frame, &perm) : UKERN_NOTFOUND;
}

/* ---- runs and slots -------------------------------------------------------------------------------------------- */

/* The first run that ends after page `page`, or n->runs. */
static uint32_t run_after(const struct npt *n, uint64_t page)
{
    uint32_t i = 0;
    while (i < n->runs && run_end(&n->run[i]) <= page)
        i++;
    return i;
}

static uint32_t free_slot(const struct npt *n)
{
    for (uint32_t slot = 0;; slot++) {
        uint32_t i = 0;
        while (i < n->runs && n->run[i].slot != slot)
            i++;
        if (i == n->runs)
            return slot;
    }
}

static enum ukern_status slot_put(const struct npt *n, const struct npt_run *r)
{
    uint64_t at = (uint64_t)r->first << FRAME_SHIFT;
    return kvm_guest_slot(n->guest, r->slot, at, window_base(n->id) + at, (uint64_t)r->pages << FRAME_SHIFT);
}

static enum ukern_status slot_remove(const struct npt *n, uint32_t slot) { return kvm_guest_slot(n->guest, slot, 0, NULL, 0); }

static void run_delete(struct npt *n, uint32_t i)
{
    memmove(&n->run[i], &n->run[i + 1], (n->runs - i - 1) * sizeof n->run[0]);
    n->runs--;
}

/* A run of its own, with a slot: nothing may overlap it. The table has room. */
static enum ukern_status run_insert(struct npt *n, uint32_t i, uint32_t first, uint32_t pages)
{
    struct npt_run r = { first, pages, free_slot(n) };
    enum ukern_status st = slot_put(n, &r);
    if (st != UKERN_OK)
        return st;
    memmove(&n->run[i + 1], &n->run[i], (n->runs - i) * sizeof n->run[0]);
    n->run[i] = r;
    n->runs++;
    return UKERN_OK;
}

/* Pages [first, first + pages) become RAM, as one run with the neighbours that they touch: KVM cannot grow a slot. */
static enum ukern_status runs_add(struct npt *n, uint32_t first, uint32_t pages)
{
    uint32_t i = run_after(n, first), start = first, count = pages;
    bool left = i > 0 && run_end(&n->run[i - 1]) == first;
#ifdef UKERN_BUG_NPT_NO_MERGE
    bool right = false;
#else
    bool right = i < n->runs && n->run[i].first == (uint64_t)first + pages;
#endif
    enum ukern_status st = UKERN_OK;
    if (right) {
        count += n->run[i].pages;
        if ((st = slot_remove(n, n->run[i].slot)) != UKERN_OK)
            return st;
        run_delete(n, i);
    }
    if (left) {
        i--;
        start = n->run[i].first;
        count += n->run[i].pages;
        if ((st = slot_remove(n, n->run[i].slot)) != UKERN_OK)
            return st;
        run_delete(n, i);
    }
    return run_insert(n, i, start, count);
}

/* Pages [first, first + pages) of run i are RAM no more: nothing, one end, or both ends of it stay. */
static enum ukern_status runs_cut(struct npt *n, uint32_t i, uint32_t first, uint32_t pages)
{
    struct npt_run old = n->run[i];
    uint32_t before = first - old.first, after = old.pages - before - pages;
    enum ukern_status st = slot_remove(n, old.slot);
    if (st != UKERN_OK)
        return st;
    run_delete(n, i);
#ifndef UKERN_BUG_NPT_LOST_SLOT
    if (after && st == UKERN_OK)
        st = run_insert(n, i, first + pages, after);
#endif
    if (before && st == UKERN_OK)
        st = run_insert(n, i, old.first, before);
    return st;
}

/* ---- mapping --------------------------------------------------------------------------------------------------- */

static enum ukern_status check_pages(struct space_id space, uint64_t va, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += FRAME_SIZE) {
        struct frame_id f;
        uint32_t perm;
        if (space_read(space, va + at, &f, &perm) != UKERN_OK || !(perm & PERM_WRITE) || !(perm & PERM_USER))
            return UKERN_FAULT;
    }
    return UKERN_OK;
}

static enum ukern_status insert_pages(struct npt *n, uint64_t gpa, struct space_id space, uint64_t va, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += FRAME_SIZE) {
        struct frame_id f;
        uint32_t perm;
        enum ukern_status st = space_read(space, va + at, &f, &perm);
#ifndef UKERN_BUG_NPT_NO_REF
        if (st == UKERN_OK)
            st = frame_ref(f);
#endif
        if (st == UKERN_OK && (st = pt_insert(n->id, gpa + at, f, PERM_WRITE | PERM_EXEC, 0)) != UKERN_OK)
            container_free(f);
        if (st != UKERN_OK) {
            forget_pages(n, gpa, gpa + at);
            return st;
        }
    }
    return UKERN_OK;
}

/* The window shows what the table says, a run of consecutive frames at a time. */
static enum ukern_status show_pages(struct npt *n, uint64_t gpa, uint64_t end)
{
    while (gpa < end) {
        struct frame_id first, next;
        enum ukern_status st = npt_read(n, gpa, &first);
        uint32_t count = 1;
        while (gpa + ((uint64_t)count << FRAME_SHIFT) < end && npt_read(n, gpa + ((uint64_t)count << FRAME_SHIFT), &next) == UKERN_OK &&
               next.n == first.n + count)
            count++;
        if (st == UKERN_OK)
            st = window_map(n->id, gpa, first, count, true);
        if (st != UKERN_OK)
            return st;
        gpa += (uint64_t)count << FRAME_SHIFT;
    }
    return UKERN_OK;
}

enum ukern_status npt_map(struct npt *n, uint64_t gpa, struct space_id space, uint64_t va, uint64_t bytes)
{
    if (!in_ram(gpa, bytes) || !is_aligned(va, FRAME_SIZE) || !range_in(va, bytes, UKERN_WINDOW))
        return UKERN_BADARG;
    uint32_t first = (uint32_t)(gpa >> FRAME_SHIFT), pages = (uint32_t)(bytes >> FRAME_SHIFT), i = run_after(n, first);
    if (i < n->runs && n->run[i].first < (uint64_t)first + pages)
        return UKERN_EXISTS;
    if (n->runs == n->runs_max)
        return UKERN_NOMEM;
    enum ukern_status st = check_pages(space, va, bytes);
    if (st == UKERN_OK)
        st = insert_pages(n, gpa, space, va, bytes);
    if (st != UKERN_OK)
        return st;
    if ((st = show_pages(n, gpa, gpa + bytes)) != UKERN_OK || (st = runs_add(n, first, pages)) != UKERN_OK) {
        window_unmap(n->id, gpa, pages);
        forget_pages(n, gpa, gpa + bytes);
    }
    return st;
}

enum ukern_status npt_unmap(struct npt *n, uint64_t gpa, uint64_t bytes)
{
    if (!in_ram(gpa, bytes))
        return UKERN_BADARG;
    uint32_t first = (uint32_t)(gpa >> FRAME_SHIFT), pages = (uint32_t)(bytes >> FRAME_SHIFT), i = run_after(n, first);
    if (i == n->runs || n->run[i].first > first || run_end(&n->run[i]) < (uint64_t)first + pages)
        return UKERN_NOTFOUND;
    if (n->runs == n->runs_max)
        return UKERN_NOMEM;
    enum ukern_status st = window_unmap(n->id, gpa, pages); /* first: it may fail, and then nothing has changed */
    if (st == UKERN_OK)
        st = runs_cut(n, i, first, pages);
    if (st != UKERN_OK)
        return st;
    forget_pages(n, gpa, gpa + bytes);
    return UKERN_OK;
}
