/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_table_spec: where tables are is a map from places to frames; what they hold is mm/pt_entry's.
 *
 * Relation    a walk to a place finds the table that the map has there; tables in memory are as many as the map has */
#include "core/spec.h"
#include "host/ram.h"

void pt_table_abs_init(struct pt_table_abs *s)
{
    INIT(s->root, "pt_table.root");
    INIT(s->table, "pt_table.table");
    INIT(s->fresh, "pt_table.fresh");
}

enum { ROOT = 3, PLACE_BITS = 28 };
#define USER_END (UINT64_C(1) << 47)
#define ONE_MORE (UINT64_C(1) << PTE_COUNT_SHIFT)

/* ---- places ---- */

/* Bytes that a table of this level covers. */
static uint64_t span(uint32_t level) { return UINT64_C(1) << (21 + 9 * level); }
static uint32_t level_of(struct pt_place p) { return p.place >> PLACE_BITS; }
static uint64_t start_of(struct pt_place p) { return p.place % (UINT32_C(1) << PLACE_BITS) * span(level_of(p)); }

static bool has_table(const struct pt_table_view *s, struct frame_id root, uint32_t level, uint64_t va)
{
    return level == ROOT || has(s->pt_table->table, pt_place_of(root, level, va));
}

/* The place of the entry of `level` for va. PRE there is a table for it */
static struct pte_at entry_at(const struct pt_table_view *s, struct frame_id root, uint32_t level, uint64_t va)
{
    struct frame_id table = level == ROOT ? root : get(s->pt_table->table, pt_place_of(root, level, va));
    return (struct pte_at){ table, (uint32_t)(va % span(level) / (span(level) / PT_ENTRIES)) };
}

static struct pte entry(const struct pt_table_view *s, struct frame_id root, uint32_t level, uint64_t va)
{
    return get(s->pt_entry->entry, entry_at(s, root, level, va));
}

static uint32_t present_in(const struct pt_table_view *s, struct frame_id table)
{
    return get(s->pt_entry->table, table);
}

/* The table of `level` has n more entries (or, ~0, one fewer): the entry for it counts them, for the root nobody. The entry is
 * asked for, not read from s->pt_entry: a step that gives tables back may be taken when their frames are somebody else's. */
static void count(struct pt_table_view *s, struct frame_id root, uint32_t level, uint64_t va, uint64_t n)
{
    if (level == ROOT)
        return;
    struct pte_at above = entry_at(s, root, level + 1, va);
    pt_entry_set(above, (struct pte){ pt_entry_get(above).bits + n * ONE_MORE });
}

/* ---- roots ---- */

enum verdict pt_table_new_spec(struct pt_table_view *s, struct container_id who, const struct pt_table_new_ret *did,
                               struct pt_table_new_ret *r)
{
    (void)did;
    PRE(true);
    struct frame_id root;
    r->ret = container_alloc(who, &root);
    if (r->ret != UKERN_OK)
        return DEFINED;
    pt_entry_begin(root);
    set(s->pt_table->root, root, who);
    r->ret_root = root;
    return DEFINED;
}

enum verdict pt_table_end_spec(struct pt_table_view *s, struct frame_id root, const struct pt_table_end_ret *did,
                               struct pt_table_end_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->pt_table->root, root) && present_in(s, root) == 0);
    del(s->pt_table->root, root);
    pt_entry_end(root);
    return DEFINED;
}

/* ---- tables come ---- */

/* A large page in its place needs none, and leaves no room for one. */
static bool lacks(const struct pt_table_view *s, struct frame_id root, uint32_t level, uint64_t va)
{
    return !has_table(s, root, level, va) && !(level == 0 && has_table(s, root, 1, va) && entry(s, root, 1, va).bits != 0);
}

/* The places that lack a table, by ascending address, the higher level first: all of them before the first frame is taken, since
 * the frames may be somebody else's again when this step is taken. */
static void find_lacking(struct pt_table_view *s, struct frame_id root, uint64_t va, uint64_t last, uint32_t level)
{
    uint32_t n = 0, enough = get(s->container->of, get(s->pt_table->root, root)).quota; /* to be refused */
    for (uint64_t at = va; at <= last && n <= enough; at = (at | (span(level) - 1)) + 1)
        for (uint32_t l = ROOT; l-- > level;)
            if (lacks(s, root, l, at) && (at == va || at % span(l) == 0))
                set(s->pt_table->fresh, n++, pt_place_of(root, l, at));
}

/* A frame for each of them, or none at all. */
static enum ukern_status take_frames(struct pt_table_view *s, struct frame_id root)
{
    enum ukern_status st = UKERN_OK;
    uint32_t n = 0;
    for (; st == UKERN_OK && has(s->pt_table->fresh, n); n++) {
        struct frame_id f;
        st = container_alloc(get(s->pt_table->root, root), &f);
        if (st == UKERN_OK)
            set(s->pt_table->table, get(s->pt_table->fresh, n), f);
    }
    if (st == UKERN_OK)
        return st;
    for (uint32_t k = 0; has(s->pt_table->fresh, n + k); k++)
        del(s->pt_table->fresh, n + k);
    for (del(s->pt_table->fresh, --n); n-- > 0; del(s->pt_table->fresh, n)) {
        container_free(get(s->pt_table->table, get(s->pt_table->fresh, n)));
        del(s->pt_table->table, get(s->pt_table->fresh, n));
    }
    return st;
}

static void link_table(struct pt_table_view *s, struct pt_place p)
{
    uint32_t level = level_of(p);
    struct frame_id table = get(s->pt_table->table, p);
    pt_entry_begin(table);
    pt_entry_set(entry_at(s, p.root, level + 1, start_of(p)),
                 (struct pte){ (uint64_t)table.n << FRAME_SHIFT | PTE_P | PTE_W | PTE_U });
    count(s, p.root, level + 1, start_of(p), 1);
}

enum verdict pt_table_prepare_spec(struct pt_table_view *s, struct frame_id root, uint64_t va, uint64_t last,
                                   uint32_t level, const struct pt_table_prepare_ret *did,
                                   struct pt_table_prepare_ret *r)
{
    (void)did;
    PRE(has(s->pt_table->root, root) && va <= last && last < USER_END && level <= 1);
#ifdef UKERN_BUG_SPEC_TABLE_LAST
    last -= last - va < span(level) ? 0 : span(level);
#endif
    find_lacking(s, root, va, last, level);
    r->ret = take_frames(s, root);
    for (uint32_t n = 0; has(s->pt_table->fresh, n); n++) {
        link_table(s, get(s->pt_table->fresh, n));
        del(s->pt_table->fresh, n);
    }
    return DEFINED;
}

/* ---- entries ---- */

static bool is_page_or_absent(struct pte e, uint32_t level)
{
    return e.bits == 0 || ((e.bits & PTE_P) && (level == 1) == ((e.bits & PTE_PS) != 0));
}

enum verdict pt_table_put_spec(struct pt_table_view *s, struct frame_id root, uint64_t va, uint32_t level, struct pte e,
                               const struct pt_table_put_ret *did, struct pt_table_put_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->pt_table->root, root) && va < USER_END && level <= 1 && is_page_or_absent(e, level) &&
        has_table(s, root, level, va) && !(level == 1 && has_table(s, root, 0, va)));
    struct pte was = entry(s, root, level, va);
    pt_entry_set(entry_at(s, root, level, va), e);
    if (was.bits == 0 && e.bits != 0)
        count(s, root, level, va, 1);
    if (was.bits != 0 && e.bits == 0)
        count(s, root, level, va, -UINT64_C(1));
    return DEFINED;
}

/* The walk ends in the lowest table over va. */
enum verdict pt_table_get_spec(struct pt_table_view *s, struct frame_id root, uint64_t va,
                               const struct pt_table_get_ret *did, struct pt_table_get_ret *r)
{
    (void)did;
    PRE(has(s->pt_table->root, root) && va < USER_END);
    uint32_t level = 0;
    while (!has_table(s, root, level, va))
        level++;
    r->ret = (struct pt_leaf){ entry(s, root, level, va), level, 0 };
    return DEFINED;
}

/* ---- tables go ---- */

enum verdict pt_table_trim_spec(struct pt_table_view *s, struct frame_id root, uint64_t va, uint32_t level,
                                const struct pt_table_trim_ret *did, struct pt_table_trim_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->pt_table->root, root) && va < USER_END && level < ROOT);
    for (uint32_t l = 0; l <= level; l++) {
        struct pt_place p = pt_place_of(root, l, va);
        struct frame_id table = get(s->pt_table->table, p);
        if (!has(s->pt_table->table, p) || (pt_entry_get(entry_at(s, root, l + 1, va)).bits & PTE_COUNT) != 0)
            continue;
        pt_entry_set(entry_at(s, root, l + 1, va), (struct pte){ 0 });
#ifndef UKERN_BUG_SPEC_TABLE_COUNT
        count(s, root, l + 1, va, -UINT64_C(1));
#endif
        pt_entry_end(table);
        container_free(table);
        del(s->pt_table->table, p);
    }
    return DEFINED;
}

/* ---- relation ---- */

bool pt_table_relates_at(const struct pt_table_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt_table->root, m)) {
        struct frame_id root = FROM_KEY(s->pt_table->root, key);
        return !has(s->pt_table->root, root) ||
               AGREE(get(s->pt_table->root, root).n, frame_owner(root).n, "who pays root %u", root.n);
    }
    if (IS(s->pt_table->fresh, m))
        return AGREE(0, size(s->pt_table->fresh), "frames that became no tables");
    struct pt_place p = FROM_KEY(s->pt_table->table, key);
    struct frame_id table = has(s->pt_table->table, p) ? get(s->pt_table->table, p) : NO_FRAME;
    return AGREE(table.n, pt_walk_table(p.root, start_of(p), level_of(p)).n,
                 "table of level %u for address 0x%llx below root %u", level_of(p), (unsigned long long)start_of(p),
                 p.root.n);
}

/* Entries for tables that memory has in a table of level 1 or higher; the root's upper half is the kernel's. */
static uint32_t links_in(struct frame_id table, uint32_t level)
{
    uint64_t word[PT_ENTRIES];
    uint32_t n = 0;
    memcpy(word, frame_bytes(table), sizeof word);
    for (uint32_t i = 0; i < (level == ROOT ? PT_ENTRIES / 2 : PT_ENTRIES); i++)
        n += (word[i] & PTE_P) && !(level == 1 && (word[i] & PTE_PS));
    return n;
}

bool pt_table_relates(const struct pt_table_view *s)
{
    size_t links = 0;
    EACH(s->pt_table->root, root) {
        links += links_in(root, ROOT);
        if (!pt_table_relates_at(s, &s->pt_table->root.m, KEY(s->pt_table->root, root)))
            return false;
    }
    EACH(s->pt_table->table, p) {
        links += level_of(p) > 0 ? links_in(get(s->pt_table->table, p), level_of(p)) : 0;
        if (!pt_table_relates_at(s, &s->pt_table->table.m, KEY(s->pt_table->table, p)))
            return false;
    }
    return AGREE(size(s->pt_table->table), links, "tables that memory has");
}

/* ---- invariants ---- */

static bool is_paid(const struct pt_table_view *s, struct frame_id f, struct frame_id root)
{
    struct frame_use use = get(s->frame->used, f);
    return HOLDS(use.refs == 1 && use.owner.n == get(s->pt_table->root, root).n, "I4 at table %u of root %u", f.n,
                 root.n);
}

bool pt_table_invariant_at(const struct pt_table_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt_table->root, m)) {
        struct frame_id root = FROM_KEY(s->pt_table->root, key);
        return !has(s->pt_table->root, root) || is_paid(s, root, root);
    }
    struct pt_place p = FROM_KEY(s->pt_table->table, key);
    if (!IS(s->pt_table->table, m) || !has(s->pt_table->table, p))
        return true;
    struct frame_id table = get(s->pt_table->table, p);
    struct pte above = entry(s, p.root, level_of(p) + 1, start_of(p));
    return HOLDS(has(s->pt_table->root, p.root) && has_table(s, p.root, level_of(p) + 1, start_of(p)) &&
                     (above.bits & PTE_P) && pte_frame(above).n == table.n,
                 "I1 at table %u of root %u", table.n, p.root.n) &&
           AGREE(present_in(s, table), (above.bits & PTE_COUNT) >> PTE_COUNT_SHIFT, "I2 at table %u of root %u",
                 table.n, p.root.n) &&
           is_paid(s, table, p.root);
}

bool pt_table_invariant(const struct pt_table_view *s)
{
    EACH(s->pt_table->root, root)
        if (!pt_table_invariant_at(s, &s->pt_table->root.m, KEY(s->pt_table->root, root)))
            return false;
    EACH(s->pt_table->table, p)
        if (!pt_table_invariant_at(s, &s->pt_table->table.m, KEY(s->pt_table->table, p)))
            return false;
    return HOLDS(size(s->pt_table->fresh) == 0, "fresh is empty between steps");
}
