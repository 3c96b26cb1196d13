/* SPDX-License-Identifier: BSD-2-Clause */
/* pt: see pt.h. What is decided here is decided from the tables; they are changed by mm/pt_table alone. */
#include "mm/pt.h"
#include "mm/pt_kern.h"

enum { LARGE_ORDER = 9 };
static_assert((int)LARGE_ORDER == (int)PT_INDEX_BITS, "a page of level l has order 9 l");

static uint64_t pt_span(uint32_t level) { return UINT64_C(1) << pt_walk_shift(level); }
static uint32_t pt_index(uint64_t va, uint32_t level)
{
    return (uint32_t)(va >> pt_walk_shift(level)) & (PT_ENTRIES - 1);
}

/* ---- entries of pages ---- */

static struct pte pt_page(struct frame_id f, uint32_t perm, uint32_t order)
{
    uint64_t e = (uint64_t)f.n << FRAME_SHIFT | PTE_P;
    e |= order ? PTE_PS : 0;
    e |= perm & PERM_WRITE ? PTE_W : 0;
    e |= perm & PERM_USER ? PTE_U : 0;
#ifndef UKERN_BUG_MM_NX
    e |= perm & PERM_EXEC ? 0 : PTE_NX;
#endif
    return (struct pte){ e };
}

static uint32_t pt_perm(struct pte e)
{
    return (uint32_t)(e.bits >> 1 & (PERM_WRITE | PERM_USER)) | (uint32_t)(~e.bits >> 63) * PERM_EXEC;
}
static_assert(PTE_W == PERM_WRITE << 1 && PTE_U == PERM_USER << 1 && PTE_NX == UINT64_C(1) << 63, "pt_perm shifts");

static bool pt_is_page(struct pt_leaf leaf) { return leaf.e.bits & PTE_P; }

/* ---- what is refused ---- */

static bool pt_is_order(uint32_t order) { return order == 0 || order == LARGE_ORDER; }

static bool pt_is_place(struct frame_id root, uint64_t va, uint32_t order)
{
    return root.n != NO_ID && pt_is_order(order) && is_aligned(va, (uint64_t)FRAME_SIZE << order) && va < PT_VA_LIMIT;
}

static bool pt_is_range(struct frame_id root, uint64_t va, uint64_t pages, uint32_t order)
{
    return pt_is_place(root, va, order) && pages > 0 && range_in(va >> FRAME_SHIFT, pages, PT_VA_LIMIT >> FRAME_SHIFT);
}

/* All frames of the page are in the memory, and a large one's address has its alignment. */
static bool pt_is_memory(struct frame_id f, uint32_t order)
{
#ifndef UKERN_BUG_MM_LARGE_ALIGN
    return is_aligned(f.n, UINT64_C(1) << order) && range_in(f.n, UINT64_C(1) << order, here->m->frames);
#else
    return range_in(f.n, UINT64_C(1) << order, here->m->frames);
#endif
}

/* ---- maps ---- */

enum ukern_status pt_new(struct pt_id id, struct container_id who) { return pt_kern_new(id, who); }

void pt_end(struct pt_id id) { pt_kern_end(id); }

/* ---- pages ---- */

/* What is in a page's way: nothing, a page, or (for a large one) a table without pages. */
enum pt_way { PT_FREE, PT_TAKEN, PT_EMPTY_TABLE };

static enum pt_way pt_way(struct frame_id root, uint64_t va, uint32_t order)
{
    struct pte e = order ? pt_walk_get(root, va, 1) : pt_table_get(root, va).e;
    if (!(e.bits & PTE_P))
        return PT_FREE;
    return order && !(e.bits & (PTE_PS | PTE_COUNT)) ? PT_EMPTY_TABLE : PT_TAKEN;
}

enum ukern_status pt_insert(struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm, uint32_t order)
{
    struct frame_id root = pt_kern_root(id);
    if (!pt_is_place(root, va, order) || !pt_is_memory(f, order) || perm > PERM_ALL)
        return UKERN_BADARG;
    enum pt_way way = pt_way(root, va, order);
#ifndef UKERN_BUG_MM_OVERWRITE
    if (way == PT_TAKEN)
        return UKERN_EXISTS;
#endif
    uint32_t level = order / LARGE_ORDER;
    enum ukern_status st = pt_table_prepare(root, va, va + pt_span(level) - 1, level);
    if (st != UKERN_OK)
        return st;
    if (way == PT_EMPTY_TABLE)
        pt_table_trim(root, va, 0);
    pt_table_put(root, va, level, pt_page(f, perm, order));
    return UKERN_OK;
}

enum ukern_status pt_remove(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_order)
{
    struct frame_id root = pt_kern_root(id);
    if (!pt_is_place(root, va, 0))
        return UKERN_BADARG;
    struct pt_leaf leaf = pt_table_get(root, va);
    if (!pt_is_page(leaf) || !is_aligned(va, pt_span(leaf.level)))
        return UKERN_NOTFOUND;
    pt_table_put(root, va, leaf.level, (struct pte){ 0 });
    pt_table_trim(root, va, PT_LEVELS - 2);
    *ret_frame = pte_frame(leaf.e);
    *ret_order = leaf.level * LARGE_ORDER;
    return UKERN_OK;
}

/* The walk's end for an address of any kind; absent when there is no such map. */
static struct pt_leaf pt_leaf(struct frame_id root, uint64_t va)
{
    if (unlikely(root.n == NO_ID || va >= PT_VA_LIMIT))
        return (struct pt_leaf){ 0 };
    return pt_table_get(root, va);
}

/* flatten: all that it calls is in it, in the fast build the walk as well. */
__attribute__((flatten))
enum ukern_status pt_read(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct pt_leaf leaf = pt_leaf(pt_kern_root(id), va);
    if (unlikely(!pt_is_page(leaf)))
        return UKERN_NOTFOUND;
    struct frame_id f = pte_frame(leaf.e);
    if (unlikely(leaf.level)) /* a branch: arithmetic would make whoever uses a small page's frame wait */
        f.n += pt_index(va, 0);
    *ret_frame = f;
    *ret_perm = pt_perm(leaf.e);
    return UKERN_OK;
}

/* One step of the search: va is where the deepest entry of its path begins to matter. */
enum ukern_status pt_next(struct pt_id id, uint64_t from, uint64_t *ret_va, struct frame_id *ret_frame,
                          uint32_t *ret_order)
{
    struct frame_id table[PT_LEVELS] = { [PT_LEVELS - 1] = pt_kern_root(id) };
    uint32_t level = PT_LEVELS - 1;
    if (table[level].n == NO_ID)
        return UKERN_NOTFOUND;
    for (uint64_t va = from; va < PT_VA_LIMIT;) {
        struct pte e = pt_entry_get((struct pte_at){ table[level], pt_index(va, level) });
        if (e.bits & PTE_P && (level == 0 || e.bits & PTE_PS)) {
            *ret_va = va & ~(pt_span(level) - 1);
            *ret_frame = pte_frame(e);
            *ret_order = level * LARGE_ORDER;
            return UKERN_OK;
        }
        if (e.bits & PTE_P) {
            table[--level] = pte_frame(e);
            continue;
        }
        va = (va | (pt_span(level) - 1)) + 1;
        while (level < PT_LEVELS - 1 && pt_index(va, level) == 0)
            level++;
#ifdef UKERN_BUG_MM_NEXT_SKIPS
        if (level > 0)
            va += FRAME_SIZE; /* over the first page of the next table */
#endif
    }
    return UKERN_NOTFOUND;
}

/* ---- ranges ---- */

enum ukern_status pt_prepare(struct pt_id id, uint64_t va, uint64_t pages, uint32_t order)
{
    struct frame_id root = pt_kern_root(id);
    if (!pt_is_range(root, va, pages, order))
        return UKERN_BADARG;
    return pt_table_prepare(root, va, va + (pages << FRAME_SHIFT) - 1, order / LARGE_ORDER);
}

enum ukern_status pt_trim(struct pt_id id, uint64_t va, uint64_t pages)
{
    struct frame_id root = pt_kern_root(id);
    if (!pt_is_range(root, va, pages, 0))
        return UKERN_BADARG;
    for (uint64_t at = va, last = va + (pages << FRAME_SHIFT) - 1; at <= last;) {
        uint32_t level = pt_table_get(root, at).level, over = level < PT_LEVELS - 1 ? level + 1 : level;
        struct pte up = pt_walk_get(root, at, over); /* the entry for the lowest table over `at` */
        if (level < over && !(up.bits & PTE_COUNT))
            pt_table_trim(root, at, PT_LEVELS - 2);
        at = (at | (pt_span(level ? level : 1) - 1)) + 1;
    }
    return UKERN_OK;
}

/* ---- what the processor notes ---- */

enum ukern_status pt_touch(struct pt_id id, uint64_t va, bool write)
{
    struct frame_id root = pt_kern_root(id);
    struct pt_leaf leaf = pt_leaf(root, va);
    if (!pt_is_page(leaf))
        return UKERN_NOTFOUND;
    struct pte e = { leaf.e.bits | PTE_A | (write ? PTE_D : 0) };
    if (e.bits != leaf.e.bits)
        pt_table_put(root, va, leaf.level, e);
    return UKERN_OK;
}

enum ukern_status pt_age(struct pt_id id, uint64_t va, uint32_t *ret_aged)
{
    struct frame_id root = pt_kern_root(id);
    struct pt_leaf leaf = pt_leaf(root, va);
    if (!pt_is_page(leaf))
        return UKERN_NOTFOUND;
    struct pte e = { leaf.e.bits & ~(PTE_A | PTE_D) };
    if (e.bits != leaf.e.bits)
        pt_table_put(root, va, leaf.level, e);
#ifndef UKERN_BUG_MM_AGED_LOST
    *ret_aged = (leaf.e.bits & PTE_A ? PT_ACCESSED : 0u) | (leaf.e.bits & PTE_D ? PT_DIRTY : 0u);
#else
    *ret_aged = leaf.e.bits & PTE_D ? PT_DIRTY | PT_ACCESSED : 0u;
#endif
    return UKERN_OK;
}
