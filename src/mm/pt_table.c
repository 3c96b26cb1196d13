/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_table: see pt_table.h. A root's payer is the owner of its frame, so nothing is kept but the tables themselves. */
#include "mm/pt_table.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"

enum { ROOT_LEVEL = PT_LEVELS - 1 };
#define PTE_ONE (UINT64_C(1) << PTE_COUNT_SHIFT)

static uint64_t pt_table_span(uint32_t level) { return UINT64_C(1) << pt_walk_shift(level); }
static uint32_t pt_table_index(uint64_t va, uint32_t level)
{
    return (uint32_t)(va >> pt_walk_shift(level)) & (PT_ENTRIES - 1);
}

enum ukern_status pt_table_new(struct container_id who, struct frame_id *ret_root)
{
    struct frame_id root;
    enum ukern_status st = container_alloc(who, &root);
    if (st != UKERN_OK)
        return st;
    pt_entry_begin(root);
    *ret_root = root;
    return UKERN_OK;
}

void pt_table_end(struct frame_id root)
{
    pt_entry_end(root); /* the frame is the caller's: this step may be taken when a freed one is another map's root */
}

/* ---- tables that are missing ---- */

/* How many tables the entries of `level` for [va, last] lack: at each level, the spans in it that have none. */
static uint64_t pt_table_missing(struct frame_id root, uint64_t va, uint64_t last, uint32_t level)
{
    for (uint64_t missing = 0;;) {
        struct pt_leaf leaf = pt_walk_leaf(root, va);
        uint32_t at = leaf.level > level ? leaf.level : level + 1;
        /* Absent, the entry at the walk's end covers a span whose tables are all missing; a large page needs none. */
        uint64_t end = va | (pt_table_span(at) - 1);
        if (end > last)
            end = last;
        for (uint32_t below = leaf.level; !(leaf.e.bits & PTE_P) && below > level; below--)
            missing += (end >> pt_walk_shift(below)) - (va >> pt_walk_shift(below)) + 1;
        if (end == last)
            return missing;
        va = end + 1;
    }
}

/* Frames on their way to become tables: a queue through their own first words. */
struct spare {
    uint32_t next, before; /* NO_ID: none */
};

static struct spare *pt_table_spare(struct frame_id f) { return (struct spare *)(void *)frame_bytes(f); }

static void pt_table_give_back(struct frame_id newest)
{
    while (newest.n != NO_ID) {
        struct frame_id f = newest;
        newest.n = pt_table_spare(f)->before;
        container_free(f);
    }
}

/* n frames, *ret_oldest the first of the queue; or none. */
static enum ukern_status pt_table_take(struct container_id who, uint64_t n, struct frame_id *ret_oldest)
{
    struct frame_id oldest = NO_FRAME, newest = NO_FRAME, f;
    for (; n > 0; n--) {
        enum ukern_status st = container_alloc(who, &f);
        if (st != UKERN_OK) {
#ifndef UKERN_BUG_MM_PREPARE_LEAK
            pt_table_give_back(newest);
#endif
            return st;
        }
        *pt_table_spare(f) = (struct spare){ NO_ID, newest.n };
        if (newest.n == NO_ID)
            oldest = f;
        else
            pt_table_spare(newest)->next = f.n;
        newest = f;
    }
    *ret_oldest = oldest;
    return UKERN_OK;
}

/* ---- counts ---- */

/* The table of `level` over va has one present entry more, or one less. The root's are not counted: no entry is above it,
 * to have the number. */
static void pt_table_count(struct frame_id root, uint64_t va, uint32_t level, bool more)
{
    if (level == ROOT_LEVEL)
        return;
    struct pte_at at = { pt_walk_table(root, va, level + 1), pt_table_index(va, level + 1) };
    struct pte e = pt_entry_get(at);
    e.bits += more ? PTE_ONE : -PTE_ONE;
    pt_entry_set(at, e);
}

/* Hangs in the tables over va down to that of `level` that are not there. */
static void pt_table_link(struct frame_id root, uint64_t va, uint32_t level, struct frame_id *queue)
{
    struct frame_id table = root;
    for (uint32_t at = ROOT_LEVEL; at > level; at--) {
        struct pte_at slot = { table, pt_table_index(va, at) };
        struct pte e = pt_entry_get(slot);
        if (e.bits & PTE_PS)
            return;
        if (!(e.bits & PTE_P)) {
            struct frame_id f = *queue;
            queue->n = pt_table_spare(f)->next;
            pt_entry_begin(f);
#ifndef UKERN_BUG_MM_TABLE_U
            e.bits = (uint64_t)f.n << FRAME_SHIFT | PTE_P | PTE_W | PTE_U;
#else
            e.bits = (uint64_t)f.n << FRAME_SHIFT | PTE_P | PTE_W;
#endif
            pt_entry_set(slot, e);
            pt_table_count(root, va, at, true);
        }
        table = pte_frame(e);
    }
}

enum ukern_status pt_table_prepare(struct frame_id root, uint64_t va, uint64_t last, uint32_t level)
{
    struct frame_id queue = NO_FRAME;
    uint64_t missing = pt_table_missing(root, va, last, level);
    enum ukern_status st = missing ? pt_table_take(frame_owner(root), missing, &queue) : UKERN_OK;
    if (st != UKERN_OK)
        return st;
    for (uint64_t at = va; queue.n != NO_ID; at = (at | (pt_table_span(level + 1) - 1)) + 1)
        pt_table_link(root, at, level, &queue);
    return UKERN_OK;
}

/* ---- entries ---- */

void pt_table_put(struct frame_id root, uint64_t va, uint32_t level, struct pte e)
{
    struct frame_id above = pt_walk_table(root, va, level + 1);
    struct pte_at over = { above, pt_table_index(va, level + 1) };
    struct pte up = pt_entry_get(over);
    struct pte_at at = { pte_frame(up), pt_table_index(va, level) };
    bool was = pt_entry_get(at).bits & PTE_P, is = e.bits & PTE_P;
    pt_entry_set(at, e);
    if (was == is)
        return;
#ifdef UKERN_BUG_MM_COUNT_OFF
    if (at.index == PT_ENTRIES - 1) /* the last entry is forgotten */
        return;
#endif
    up.bits += is ? PTE_ONE : -PTE_ONE;
    pt_entry_set(over, up);
}

struct pt_leaf pt_table_get(struct frame_id root, uint64_t va) { return pt_walk_leaf(root, va); }

void pt_table_trim(struct frame_id root, uint64_t va, uint32_t level)
{
    for (uint32_t at = 0; at <= level; at++) {
        struct pte_at slot = { pt_walk_table(root, va, at + 1), pt_table_index(va, at + 1) };
        struct pte e = slot.table.n == NO_ID ? (struct pte){ 0 } : pt_entry_get(slot);
        if (e.bits == 0)
            continue; /* no table at this level: there may be one above */
#ifdef UKERN_BUG_MM_TABLE_EARLY
        if (e.bits & PTE_PS || (e.bits & PTE_COUNT) > PTE_ONE)
            return;
#elif defined(UKERN_BUG_MM_TRIM_STOPS)
        if (e.bits & (PTE_PS | PTE_COUNT) || at == 2)
            return;
#else
        if (e.bits & (PTE_PS | PTE_COUNT))
            return; /* a page, or a table with entries: then those above have entries, too */
#endif
        pt_entry_set(slot, (struct pte){ 0 });
        pt_table_count(root, va, at + 1, false);
        pt_entry_end(pte_frame(e));
#ifndef UKERN_BUG_MM_TABLE_LOST
        container_free(pte_frame(e));
#endif
    }
}
