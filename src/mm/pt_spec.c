/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_spec: a page map is a finite map; tables are there because somebody pays for them.
 *
 * Mode spec   pages are what the state says, tables are paid for, and their bytes are nobody's: no root is known
 * Relation    a walk from the map's root to where a page begins finds it, to where a table is finds the table, with the
 *             count of what is below it; all that memory has below the roots is as many pages and tables as there are */
#include "core/spec.h"
#include "host/ram.h"

void pt_abs_init(struct pt_abs *s)
{
    INIT(s->map, "pt.map");
    INIT(s->page, "pt.page");
    INIT(s->table, "pt.table");
    INIT(s->fresh, "pt.fresh");
}

enum { ROOT = 3, LARGE = 9, PLACE_BITS = 28, MAP_BITS = 36 };

static uint32_t limit(void)
{
    const struct ukern_params *p = &here->m->params;
    return p->limits == UKERN_LIMITS_MCERTIKOS ? 64 : p->max_tasks + p->max_vms;
}

/* ---- addresses ---- */

static uint64_t bytes_of(uint32_t order) { return (uint64_t)FRAME_SIZE << order; }
/* Bytes that a table of this level covers. */
static uint64_t span(uint32_t level) { return UINT64_C(1) << (21 + 9 * level); }
static uint64_t span_end(uint64_t va, uint64_t bytes) { return va - va % bytes + bytes; }

/* Where a table of `level` over va is; the root is over everything. */
static struct pt_level place(struct pt_id id, uint32_t level, uint64_t va)
{
    return (struct pt_level){ (uint64_t)id.n << MAP_BITS | (uint64_t)level << PLACE_BITS | va >> (21 + 9 * level) };
}
static struct pt_id map_of(struct pt_level p) { return (struct pt_id){ (uint32_t)(p.key >> MAP_BITS) }; }
static uint32_t level_of(struct pt_level p) { return (uint32_t)(p.key >> PLACE_BITS) & 3; }
static uint64_t start_of(struct pt_level p) { return p.key % (UINT64_C(1) << PLACE_BITS) << (21 + 9 * level_of(p)); }

static bool is_map(const struct pt_view *s, struct pt_id id) { return has(s->pt->map, id); }
static bool is_order(uint32_t order) { return order == 0 || order == LARGE; }

/* Whether `pages` pages of 4 KiB from va lie in the map, va where a page of this order may begin. */
static bool is_range(const struct pt_view *s, struct pt_id id, uint64_t va, uint64_t pages, uint32_t order)
{
    return is_map(s, id) && is_order(order) && va % bytes_of(order) == 0 && va < PT_VA_LIMIT && pages > 0 &&
           pages <= (PT_VA_LIMIT - va) / FRAME_SIZE;
}

/* ---- pages and tables ---- */

/* The page that va lies in: of 4 KiB, or else of 2 MiB. */
static bool page_over(const struct pt_view *s, struct pt_id id, uint64_t va, struct pt_at *ret_at)
{
    if (!is_map(s, id) || va >= PT_VA_LIMIT)
        return false;
    *ret_at = pt_at(id, va);
    if (has(s->pt->page, *ret_at))
        return true;
    *ret_at = pt_at(id, va - va % bytes_of(LARGE));
    return has(s->pt->page, *ret_at) && get(s->pt->page, *ret_at).order == LARGE;
}

static bool has_table(const struct pt_view *s, struct pt_id id, uint32_t level, uint64_t va)
{
    return has(s->pt->table, place(id, level, va));
}

static struct pt_table_use table(const struct pt_view *s, struct pt_id id, uint32_t level, uint64_t va)
{
    return get(s->pt->table, place(id, level, va));
}

/* n more pages or tables (~0: one fewer) are directly below the table of `level` over va. */
static void count(struct pt_view *s, struct pt_id id, uint32_t level, uint64_t va, uint32_t n)
{
    struct pt_table_use t = table(s, id, level, va);
    t.entries += n;
    set(s->pt->table, place(id, level, va), t);
}

static void table_comes(struct pt_view *s, struct pt_id id, uint32_t level, uint64_t va, struct frame_id f)
{
    set(s->pt->table, place(id, level, va), ((struct pt_table_use){ f, 0 }));
    count(s, id, level + 1, va, 1);
}

static void table_goes(struct pt_view *s, struct pt_id id, uint32_t level, uint64_t va)
{
    container_free(table(s, id, level, va).frame);
    del(s->pt->table, place(id, level, va));
    count(s, id, level + 1, va, ~0u);
}

/* The n tables that came in this step stay, or (one more was refused) go again, the last one first. */
static enum ukern_status settle(struct pt_view *s, uint32_t n, enum ukern_status st)
{
    while (n-- > 0) {
        struct pt_level p = get(s->pt->fresh, n);
        del(s->pt->fresh, n);
        if (st != UKERN_OK)
            table_goes(s, map_of(p), level_of(p), start_of(p));
    }
    return st;
}

/* Every table that pages (level 0: of 4 KiB, 1: of 2 MiB) in va..last lack, by ascending address, the higher level
 * first; or none at all. Where a page of 2 MiB is, no table of level 0 is lacking. */
static enum ukern_status tables_come(struct pt_view *s, struct pt_id id, uint64_t va, uint64_t last, uint32_t level)
{
    uint32_t n = 0;
    struct pt_at large;
    for (uint64_t at = va; at <= last; at = span_end(at, span(level)))
        for (uint32_t l = ROOT; l-- > level;) {
            if (has_table(s, id, l, at) || (l == 0 && page_over(s, id, at, &large)))
                continue;
            struct frame_id f;
            enum ukern_status st = container_alloc(get(s->pt->map, id), &f);
            if (st != UKERN_OK)
                return settle(s, n, st);
            table_comes(s, id, l, at, f);
            set(s->pt->fresh, n++, place(id, l, at));
        }
    return settle(s, n, UKERN_OK);
}

/* The tables over va that have nothing below them go, the lowest first. */
static void empty_tables_go(struct pt_view *s, struct pt_id id, uint64_t va)
{
    for (uint32_t level = 0; level < ROOT; level++)
        if (has_table(s, id, level, va) && table(s, id, level, va).entries == 0)
            table_goes(s, id, level, va);
}

/* No page lies over va: nor over what follows, up to here. */
static uint64_t nothing_until(const struct pt_view *s, struct pt_id id, uint64_t va)
{
    for (uint32_t level = ROOT; level-- > 0;)
        if (!has_table(s, id, level, va))
            return span_end(va, span(level));
    return span_end(va, FRAME_SIZE);
}

/* ---- maps ---- */

enum verdict pt_new_spec(struct pt_view *s, struct pt_id id, struct container_id who, const struct pt_new_ret *did,
                         struct pt_new_ret *r)
{
    (void)did;
    PRE(id.n < limit() && !is_map(s, id));
    struct frame_id root;
    r->ret = container_alloc(who, &root);
    if (r->ret != UKERN_OK)
        return DEFINED;
    set(s->pt->map, id, who);
    set(s->pt->table, place(id, ROOT, 0), ((struct pt_table_use){ root, 0 }));
    return DEFINED;
}

enum verdict pt_end_spec(struct pt_view *s, struct pt_id id, const struct pt_end_ret *did, struct pt_end_ret *r)
{
    (void)did, (void)r;
    PRE(is_map(s, id) && table(s, id, ROOT, 0).entries == 0);
    container_free(table(s, id, ROOT, 0).frame);
    del(s->pt->table, place(id, ROOT, 0));
    del(s->pt->map, id);
    return DEFINED;
}

/* ---- pages come and go ---- */

static bool are_frames(struct frame_id f, uint32_t order)
{
    return f.n % (1u << order) == 0 && (uint64_t)f.n + (1u << order) <= here->m->frames;
}

enum verdict pt_insert_spec(struct pt_view *s, struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm,
                            uint32_t order, const struct pt_insert_ret *did, struct pt_insert_ret *r)
{
    (void)did;
    PRE(true);
    struct pt_at over;
    r->ret = UKERN_BADARG;
    if (!is_range(s, id, va, is_order(order) ? UINT64_C(1) << order : 1, order) || !are_frames(f, order) ||
        perm > PERM_ALL)
        return DEFINED;
    uint32_t level = order / LARGE;
    r->ret = UKERN_EXISTS;
    bool mapped = page_over(s, id, va, &over) || (level == 1 && table(s, id, 0, va).entries > 0);
#ifdef UKERN_BUG_SPEC_OVERWRITE
    mapped = mapped && get(s->pt->page, pt_at(id, va)).order != order;
#endif
    if (mapped)
        return DEFINED;
    r->ret = tables_come(s, id, va, va + bytes_of(order) - 1, level);
    if (r->ret != UKERN_OK)
        return DEFINED;
    if (level == 1 && has_table(s, id, 0, va))
        table_goes(s, id, 0, va); /* prepared, and not needed */
    set(s->pt->page, pt_at(id, va), ((struct pt_page){ f, (uint8_t)perm, (uint8_t)order, 0, 0 }));
    count(s, id, level, va, 1);
    return DEFINED;
}

enum verdict pt_remove_spec(struct pt_view *s, struct pt_id id, uint64_t va, const struct pt_remove_ret *did,
                            struct pt_remove_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!is_range(s, id, va, 1, 0))
        return DEFINED;
    r->ret = UKERN_NOTFOUND;
    if (!has(s->pt->page, pt_at(id, va)))
        return DEFINED;
    struct pt_page p = get(s->pt->page, pt_at(id, va));
    r->ret = UKERN_OK;
    r->ret_frame = p.frame;
    r->ret_order = p.order;
    del(s->pt->page, pt_at(id, va));
    count(s, id, p.order / LARGE, va, ~0u);
#ifdef UKERN_BUG_SPEC_TABLE_KEPT
    if (p.order == 0)
        return DEFINED;
#endif
    empty_tables_go(s, id, va);
    return DEFINED;
}

enum verdict pt_prepare_spec(struct pt_view *s, struct pt_id id, uint64_t va, uint64_t pages, uint32_t order,
                             const struct pt_prepare_ret *did, struct pt_prepare_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (is_range(s, id, va, pages, order))
        r->ret = tables_come(s, id, va, va + pages * FRAME_SIZE - 1, order / LARGE);
    return DEFINED;
}

enum verdict pt_trim_spec(struct pt_view *s, struct pt_id id, uint64_t va, uint64_t pages,
                          const struct pt_trim_ret *did, struct pt_trim_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_BADARG;
    if (!is_range(s, id, va, pages, 0))
        return DEFINED;
    r->ret = UKERN_OK;
    for (uint64_t at = va; at < va + pages * FRAME_SIZE; at = round_up(nothing_until(s, id, at), span(0)))
        empty_tables_go(s, id, at);
    return DEFINED;
}

/* ---- what a map says ---- */

enum verdict pt_read_spec(struct pt_view *s, struct pt_id id, uint64_t va, const struct pt_read_ret *did,
                          struct pt_read_ret *r)
{
    (void)did;
    PRE(true);
    struct pt_at at;
    r->ret = UKERN_NOTFOUND;
    if (!page_over(s, id, va, &at))
        return DEFINED;
    struct pt_page p = get(s->pt->page, at);
    r->ret = UKERN_OK;
    uint64_t inside = va % bytes_of(p.order);
#ifdef UKERN_BUG_SPEC_LARGE_FRAME
    inside += p.order ? FRAME_SIZE : 0;
#endif
    r->ret_frame = (struct frame_id){ p.frame.n + (uint32_t)(inside / FRAME_SIZE) };
    r->ret_perm = p.perm;
    return DEFINED;
}

enum verdict pt_next_spec(struct pt_view *s, struct pt_id id, uint64_t from, const struct pt_next_ret *did,
                          struct pt_next_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = UKERN_NOTFOUND;
    for (uint64_t va = from; is_map(s, id) && va < PT_VA_LIMIT; va = nothing_until(s, id, va)) {
        struct pt_at at;
        if (!page_over(s, id, va, &at))
            continue;
        r->ret = UKERN_OK;
        r->ret_va = at.key % (UINT64_C(1) << MAP_BITS) * FRAME_SIZE;
        r->ret_frame = get(s->pt->page, at).frame;
        r->ret_order = get(s->pt->page, at).order;
        break;
    }
    return DEFINED;
}

/* ---- accessed and dirty ---- */

enum verdict pt_touch_spec(struct pt_view *s, struct pt_id id, uint64_t va, bool write, const struct pt_touch_ret *did,
                           struct pt_touch_ret *r)
{
    (void)did;
    PRE(true);
    struct pt_at at;
    r->ret = UKERN_NOTFOUND;
    if (!page_over(s, id, va, &at))
        return DEFINED;
    struct pt_page p = get(s->pt->page, at);
    r->ret = UKERN_OK;
#ifdef UKERN_BUG_SPEC_DIRTY
    write = true;
#endif
    p.aged |= write ? PT_ACCESSED | PT_DIRTY : PT_ACCESSED;
    set(s->pt->page, at, p);
    return DEFINED;
}

enum verdict pt_age_spec(struct pt_view *s, struct pt_id id, uint64_t va, const struct pt_age_ret *did,
                         struct pt_age_ret *r)
{
    (void)did;
    PRE(true);
    struct pt_at at;
    r->ret = UKERN_NOTFOUND;
    if (!page_over(s, id, va, &at))
        return DEFINED;
    struct pt_page p = get(s->pt->page, at);
    r->ret = UKERN_OK;
    r->ret_aged = p.aged;
    p.aged = 0;
    set(s->pt->page, at, p);
    return DEFINED;
}

/* ---- relation ---- */

static unsigned long long show(uint64_t va) { return va; }

/* What the processor finds for a page. */
static uint64_t bits_of(struct pt_page p)
{
    uint64_t bits = (uint64_t)p.frame.n << FRAME_SHIFT | PTE_P;
    bits |= p.perm & PERM_WRITE ? PTE_W : 0;
    bits |= p.perm & PERM_USER ? PTE_U : 0;
#ifndef UKERN_BUG_SPEC_NX
    bits |= p.perm & PERM_EXEC ? 0 : PTE_NX;
#endif
    bits |= p.order == LARGE ? PTE_PS : 0;
    bits |= p.aged & PT_ACCESSED ? PTE_A : 0;
    return bits | (p.aged & PT_DIRTY ? PTE_D : 0);
}

static bool map_relates(const struct pt_view *s, struct pt_id id)
{
    struct frame_id root = is_map(s, id) ? table(s, id, ROOT, 0).frame : NO_FRAME;
    return AGREE(root.n, pt_kern_root(id).n, "root of map %u", id.n) &&
           (!is_map(s, id) || AGREE(get(s->pt->map, id).n, pt_kern_payer(id).n, "who pays map %u", id.n));
}

static bool page_relates(const struct pt_view *s, struct pt_at at)
{
    struct pt_id id = { (uint32_t)(at.key >> MAP_BITS) };
    uint64_t va = at.key % (UINT64_C(1) << MAP_BITS) * FRAME_SIZE;
    if (!is_map(s, id))
        return map_relates(s, id);
    struct pt_leaf code = pt_walk_leaf(pt_kern_root(id), va);
    bool begins = (code.e.bits & PTE_P) && va % bytes_of(code.level * LARGE) == 0;
    if (!has(s->pt->page, at) || !begins)
        return AGREE(has(s->pt->page, at), begins, "whether a page begins at 0x%llx of map %u", show(va), id.n);
    return AGREE(get(s->pt->page, at).order / LARGE, code.level, "level of page 0x%llx of map %u", show(va), id.n) &&
           AGREE(bits_of(get(s->pt->page, at)), code.e.bits, "entry for page 0x%llx of map %u", show(va), id.n);
}

static bool table_relates(const struct pt_view *s, struct pt_level p)
{
    struct pt_id id = map_of(p);
    uint32_t level = level_of(p);
    if (!is_map(s, id) || level == ROOT)
        return map_relates(s, id);
    struct frame_id abs = has(s->pt->table, p) ? get(s->pt->table, p).frame : NO_FRAME;
    struct pte above = pt_walk_get(pt_kern_root(id), start_of(p), level + 1);
    return AGREE(abs.n, pt_walk_table(pt_kern_root(id), start_of(p), level).n,
                 "table of level %u over 0x%llx of map %u", level, show(start_of(p)), id.n) &&
           (abs.n == NO_FRAME.n ||
            AGREE(get(s->pt->table, p).entries, (above.bits & PTE_COUNT) >> PTE_COUNT_SHIFT,
                  "entries of table of level %u over 0x%llx of map %u", level, show(start_of(p)), id.n));
}

bool pt_relates_at(const struct pt_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt->map, m))
        return map_relates(s, FROM_KEY(s->pt->map, key));
    if (IS(s->pt->page, m))
        return page_relates(s, FROM_KEY(s->pt->page, key));
    if (IS(s->pt->table, m))
        return table_relates(s, FROM_KEY(s->pt->table, key));
    return AGREE(0, size(s->pt->fresh), "tables that came and have not been linked");
}

/* What memory has below a table: pages and tables. The root's upper half is the kernel's. */
static void below(struct frame_id f, uint32_t level, size_t *pages, size_t *tables)
{
    uint64_t word[PT_ENTRIES];
    memcpy(word, frame_bytes(f), sizeof word);
    for (uint32_t i = 0; i < (level == ROOT ? PT_ENTRIES / 2 : PT_ENTRIES); i++) {
        bool page = level == 0 || (level == 1 && (word[i] & PTE_PS));
        *pages += word[i] != 0 && page;
        *tables += word[i] != 0 && !page;
    }
}

bool pt_relates(const struct pt_view *s)
{
    size_t pages = 0, tables = size(s->pt->map);
    for (uint32_t n = 0; n < limit(); n++)
        if (!map_relates(s, (struct pt_id){ n }))
            return false;
    EACH(s->pt->page, at)
        if (!page_relates(s, at))
            return false;
    EACH(s->pt->table, p) {
        below(get(s->pt->table, p).frame, level_of(p), &pages, &tables);
        if (!table_relates(s, p))
            return false;
    }
    return AGREE(size(s->pt->page), pages, "pages that memory has") &&
           AGREE(size(s->pt->table), tables, "tables that memory has");
}

/* ---- invariants ---- */

static bool page_holds(const struct pt_view *s, struct pt_at at)
{
    struct pt_id id = { (uint32_t)(at.key >> MAP_BITS) };
    uint64_t va = at.key % (UINT64_C(1) << MAP_BITS) * FRAME_SIZE;
    struct pt_page p = get(s->pt->page, at);
    if (!has(s->pt->page, at))
        return true;
    return HOLDS(is_range(s, id, va, UINT64_C(1) << p.order, p.order) && are_frames(p.frame, p.order) &&
                     p.perm <= PERM_ALL && p.aged <= (PT_ACCESSED | PT_DIRTY),
                 "page 0x%llx of map %u is one", show(va), id.n) &&
           HOLDS(has_table(s, id, 1, va) && has_table(s, id, 0, va) == (p.order == 0),
                 "I1, I2: the tables over page 0x%llx of map %u", show(va), id.n);
}

static bool table_holds(const struct pt_view *s, struct pt_level p)
{
    struct pt_id id = map_of(p);
    struct pt_table_use t = get(s->pt->table, p);
    struct frame_use use = get(s->frame->used, t.frame);
    if (!has(s->pt->table, p))
        return true;
    return HOLDS(is_map(s, id) && (level_of(p) == ROOT || has_table(s, id, level_of(p) + 1, start_of(p))) &&
                     t.entries <= PT_ENTRIES,
                 "I2: table %u of map %u is below another", t.frame.n, id.n) &&
           HOLDS(use.refs == 1 && use.owner.n == get(s->pt->map, id).n, "I3: table %u of map %u", t.frame.n, id.n);
}

bool pt_invariant_at(const struct pt_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt->map, m)) {
        struct pt_id id = FROM_KEY(s->pt->map, key);
        return HOLDS(is_map(s, id) == has_table(s, id, ROOT, 0), "map %u has a root", id.n);
    }
    if (IS(s->pt->page, m))
        return page_holds(s, FROM_KEY(s->pt->page, key));
    return !IS(s->pt->table, m) || table_holds(s, FROM_KEY(s->pt->table, key));
}

bool pt_invariant(const struct pt_view *s)
{
    size_t below_tables = 0;
    EACH(s->pt->map, id)
        if (!HOLDS(has_table(s, id, ROOT, 0), "map %u has a root", id.n))
            return false;
    EACH(s->pt->page, at)
        if (!page_holds(s, at))
            return false;
    EACH(s->pt->table, p) {
        below_tables += get(s->pt->table, p).entries;
        if (!table_holds(s, p))
            return false;
    }
    return AGREE(size(s->pt->page) + size(s->pt->table) - size(s->pt->map), below_tables,
                 "I2, what is below all tables") &&
           HOLDS(size(s->pt->fresh) == 0, "fresh is empty between steps");
}
