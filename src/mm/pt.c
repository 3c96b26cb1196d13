/* SPDX-License-Identifier: BSD-2-Clause */
/* pt: see pt.h. Level 3 is the root, entries of level 0 are pages. */
#include "mm/pt.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"

#define PTE_P (UINT64_C(1) << 0)
#define PTE_W (UINT64_C(1) << 1)
#define PTE_U (UINT64_C(1) << 2)
#define PTE_NX (UINT64_C(1) << 63)
#define PTE_FRAME UINT64_C(0x000ffffffffff000)
#define PTE_ONE (UINT64_C(1) << 52) /* one present entry in the table that this entry points to */
#define PTE_COUNT (PTE_ONE * 0x3ff)

enum { LEVELS = 4, ENTRIES = 512, INDEX_BITS = 9 };
static_assert(FRAME_SHIFT + LEVELS * INDEX_BITS == 48, "PT_VA_LIMIT is the lower half of what four levels reach");

static uint64_t *pt_table(struct frame_id f) { return (uint64_t *)(void *)frame_bytes(f); }
static struct frame_id pt_entry_frame(uint64_t e) { return (struct frame_id){ (uint32_t)((e & PTE_FRAME) >> FRAME_SHIFT) }; }
static uint32_t pt_shift(int level) { return FRAME_SHIFT + INDEX_BITS * (uint32_t)level; }
#ifndef UKERN_BUG_MM_PT_LEVEL
static uint32_t pt_index(uint64_t va, int level) { return (uint32_t)(va >> pt_shift(level)) & (ENTRIES - 1); }
#else
static uint32_t pt_index(uint64_t va, int level) { return (uint32_t)(va >> pt_shift(level > 1 ? 5 - level : level)) & (ENTRIES - 1); }
#endif
/* How many bytes one entry of that level covers. */
static uint64_t pt_span(int level) { return UINT64_C(1) << pt_shift(level); }

static uint64_t pt_page_entry(struct frame_id f, uint32_t perm)
{
    uint64_t e = (uint64_t)f.n << FRAME_SHIFT | PTE_P;
    e |= perm & PERM_WRITE ? PTE_W : 0;
    e |= perm & PERM_USER ? PTE_U : 0;
    e |= perm & PERM_EXEC ? 0 : PTE_NX;
    return e;
}

static uint32_t pt_entry_perm(uint64_t e)
{
    return (e & PTE_W ? PERM_WRITE : 0u) | (e & PTE_U ? PERM_USER : 0u) | (e & PTE_NX ? 0u : PERM_EXEC);
}

static bool pt_is_page_address(uint64_t va) { return is_aligned(va, FRAME_SIZE) && va < PT_VA_LIMIT; }

/* The entries from the root's (slot[3]) down to the page's (slot[0]); where a table is missing the rest is NULL. */
struct path {
    uint64_t *slot[LEVELS];
};

static struct path pt_walk(struct frame_id root, uint64_t va)
{
    struct path p = { 0 };
    uint64_t *table = pt_table(root);
    for (int level = LEVELS - 1;; level--) {
        p.slot[level] = &table[pt_index(va, level)];
        if (level == 0 || !(*p.slot[level] & PTE_P))
            return p;
        table = pt_table(pt_entry_frame(*p.slot[level]));
    }
}

static enum ukern_status pt_frame(struct frame_id *ret_frame)
{
    struct frame_id f;
    enum ukern_status st = container_alloc(ROOT_CONTAINER, &f);
    if (st != UKERN_OK)
        return st;
    frame_clear(f, 1);
    *ret_frame = f;
    return UKERN_OK;
}

enum ukern_status pt_new(struct frame_id *ret_root) { return pt_frame(ret_root); }

enum ukern_status pt_read(struct frame_id root, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    if (unlikely(va >= PT_VA_LIMIT))
        return UKERN_NOTFOUND;
    /* Written out: as a loop it costs half as many instructions again (tests/bench/fast_test.sh counts them). */
    uint64_t e = pt_table(root)[pt_index(va, 3)];
    if (unlikely(!(e & PTE_P)))
        return UKERN_NOTFOUND;
    e = pt_table(pt_entry_frame(e))[pt_index(va, 2)];
    if (unlikely(!(e & PTE_P)))
        return UKERN_NOTFOUND;
    e = pt_table(pt_entry_frame(e))[pt_index(va, 1)];
    if (unlikely(!(e & PTE_P)))
        return UKERN_NOTFOUND;
    e = pt_table(pt_entry_frame(e))[pt_index(va, 0)];
    if (unlikely(!(e & PTE_P)))
        return UKERN_NOTFOUND;
    *ret_frame = pt_entry_frame(e);
    *ret_perm = pt_entry_perm(e);
    return UKERN_OK;
}

/* ---- tables ---- */

/* How many tables [va, last] lacks: at each level, the spans in it that have none. */
static uint64_t pt_missing(struct frame_id root, uint64_t va, uint64_t last)
{
    uint64_t missing = 0;
    for (;;) {
        struct path p = pt_walk(root, va);
        int level = LEVELS - 1;
        while (level > 0 && p.slot[level - 1])
            level--;
        /* The entry at `level` is the deepest there is: absent, it covers a span whose tables are all missing. */
        uint64_t end = va | (pt_span(level ? level : 1) - 1);
        if (end > last)
            end = last;
        for (int below = level; below > 0; below--)
            missing += (end >> pt_shift(below)) - (va >> pt_shift(below)) + 1;
        if (end == last)
            return missing;
        va = end + 1;
    }
}

/* Tables on their way: a list through their own first words, ended by NO_FRAME. The first word of the last one given
 * out is zeroed again. */
static struct frame_id pt_spare_take(struct frame_id *spare)
{
    struct frame_id f = *spare;
    *spare = (struct frame_id){ (uint32_t)*pt_table(f) };
#ifndef UKERN_BUG_MM_SPARE_DIRTY
    *pt_table(f) = 0;
#endif
    return f;
}

static void pt_spare_drop(struct frame_id spare)
{
    while (spare.n != NO_ID)
        container_free(pt_spare_take(&spare));
}

static enum ukern_status pt_spare_make(uint64_t n, struct frame_id *ret_spare)
{
    struct frame_id spare = NO_FRAME, f;
    for (; n > 0; n--) {
        if (pt_frame(&f) != UKERN_OK) {
#ifndef UKERN_BUG_MM_SPARE_LEAK
            pt_spare_drop(spare);
#endif
            return UKERN_NOMEM;
        }
        *pt_table(f) = spare.n;
        spare = f;
    }
    *ret_spare = spare;
    return UKERN_OK;
}

/* Hangs spare tables in until va's last table is there. */
static void pt_link(struct frame_id root, uint64_t va, struct frame_id *spare)
{
    uint64_t *above = NULL, *table = pt_table(root);
    for (int level = LEVELS - 1; level > 0; level--) {
        uint64_t *slot = &table[pt_index(va, level)];
        if (!(*slot & PTE_P)) {
            *slot = (uint64_t)pt_spare_take(spare).n << FRAME_SHIFT | PTE_P | PTE_W | PTE_U;
            if (above)
                *above += PTE_ONE;
        }
        above = slot;
        table = pt_table(pt_entry_frame(*slot));
    }
}

enum ukern_status pt_prepare(struct frame_id root, uint64_t va, uint64_t pages)
{
    if (!pt_is_page_address(va) || pages == 0 || !range_in(va >> FRAME_SHIFT, pages, PT_VA_LIMIT >> FRAME_SHIFT))
        return UKERN_BADARG;
    uint64_t last = va + (pages << FRAME_SHIFT) - 1;
    struct frame_id spare;
    enum ukern_status st = pt_spare_make(pt_missing(root, va, last), &spare);
    if (st != UKERN_OK)
        return st;
    for (uint64_t at = va; at <= last; at = (at | (pt_span(1) - 1)) + 1)
        pt_link(root, at, &spare);
    CHECK(spare.n == NO_ID, "all counted tables are used, %u is left", spare.n);
    return UKERN_OK;
}

/* ---- pages ---- */

/* The entry of the page at va, and the one above it, of its table; NULL: there is no such table. */
static uint64_t *pt_page_slot(struct frame_id root, uint64_t va, uint64_t **ret_above)
{
    uint64_t *slot = &pt_table(root)[pt_index(va, LEVELS - 1)], *above = NULL;
    for (int level = LEVELS - 2; level >= 0; level--) {
        if (!(*slot & PTE_P))
            return NULL;
        above = slot;
        slot = &pt_table(pt_entry_frame(*slot))[pt_index(va, level)];
    }
    *ret_above = above;
    return slot;
}

enum ukern_status pt_insert(struct frame_id root, uint64_t va, struct frame_id f, uint32_t perm)
{
    if (!pt_is_page_address(va) || f.n >= here->m->frames || perm > PERM_ALL)
        return UKERN_BADARG;
    uint64_t *above, *slot = pt_page_slot(root, va, &above);
    if (slot && *slot & PTE_P)
        return UKERN_EXISTS;
    if (!slot) {
        enum ukern_status st = pt_prepare(root, va, 1);
        if (st != UKERN_OK)
            return st;
        slot = pt_page_slot(root, va, &above);
    }
    *slot = pt_page_entry(f, perm);
    *above += PTE_ONE;
    return UKERN_OK;
}

/* The last page of va's table went: it is freed, and so is each table above that becomes empty by it. */
static void pt_prune(struct frame_id root, uint64_t va)
{
    struct path p = pt_walk(root, va);
    for (int level = 1; level < LEVELS; level++) {
        struct frame_id table = pt_entry_frame(*p.slot[level]);
        *p.slot[level] = 0;
        container_free(table);
        if (level == LEVELS - 1)
            return;
        *p.slot[level + 1] -= PTE_ONE;
        if (*p.slot[level + 1] & PTE_COUNT)
            return;
    }
}

enum ukern_status pt_remove(struct frame_id root, uint64_t va, struct frame_id *ret_frame)
{
    if (!pt_is_page_address(va))
        return UKERN_BADARG;
    uint64_t *above, *slot = pt_page_slot(root, va, &above);
    if (!slot || !(*slot & PTE_P))
        return UKERN_NOTFOUND;
    *ret_frame = pt_entry_frame(*slot);
    *slot = 0;
    *above -= PTE_ONE;
#ifndef UKERN_BUG_MM_TABLE_EARLY
    if (!(*above & PTE_COUNT))
        pt_prune(root, va);
#else
    if ((*above & PTE_COUNT) <= PTE_ONE)
        pt_prune(root, va);
#endif
    return UKERN_OK;
}

/* One step of the search: va is where the deepest entry of its path begins to matter. */
enum ukern_status pt_next(struct frame_id root, uint64_t from, uint64_t *ret_va, struct frame_id *ret_frame)
{
    uint64_t *table[LEVELS] = { [LEVELS - 1] = pt_table(root) };
    int level = LEVELS - 1;
    if (from >= PT_VA_LIMIT)
        return UKERN_NOTFOUND;
    uint64_t va = round_up(from, FRAME_SIZE);
    while (va < PT_VA_LIMIT) {
        uint64_t e = table[level][pt_index(va, level)];
        if (e & PTE_P && level == 0) {
            *ret_va = va;
            *ret_frame = pt_entry_frame(e);
            return UKERN_OK;
        }
        if (e & PTE_P) {
            table[--level] = pt_table(pt_entry_frame(e));
            continue;
        }
        va = (va | (pt_span(level) - 1)) + 1;
        while (level < LEVELS - 1 && pt_index(va, level) == 0)
            level++;
    }
    return UKERN_NOTFOUND;
}

static void pt_destroy_level(struct frame_id f, int level)
{
    uint64_t *table = pt_table(f);
    for (uint32_t i = 0; level > 0 && i < ENTRIES; i++)
        if (table[i] & PTE_P)
            pt_destroy_level(pt_entry_frame(table[i]), level - 1);
    container_free(f);
}

void pt_destroy(struct frame_id root) { pt_destroy_level(root, LEVELS - 1); }
