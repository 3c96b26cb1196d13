/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_walk_spec: an address is a string of digits of nine bits, and the tables are a trie.
 *
 *     reach(table, level, va)  =  that entry                                   when it leads no further
 *                              =  reach(table of that entry, level - 1, va)    otherwise
 */
#include "core/spec.h"

void pt_walk_abs_init(struct pt_walk_abs *s) { INIT(s->none, "pt_walk.none"); }

#ifndef UKERN_BUG_SPEC_WALK_DIGIT
enum { DIGIT = 9, PAGE = 12 };
#else
enum { DIGIT = 8, PAGE = 12 };
#endif

static uint32_t digit(uint64_t va, uint32_t level) { return (uint32_t)(va >> (PAGE + DIGIT * level)) % PT_ENTRIES; }
static bool is_canonical(uint64_t va) { return va < UINT64_C(1) << 47 || va >= -(UINT64_C(1) << 47); }

/* Whether an entry of this level is one for a table. */
static bool leads_on(struct pte e, uint32_t level)
{
    bool page = level == 0 || (level == 1 && (e.bits & PTE_PS));
    return (e.bits & PTE_P) && !page;
}

struct reached {
    struct pte_at at;
    uint32_t level;
};

/* The last entry on the way from the root down to `level`. */
static struct reached reach(const struct pt_walk_view *s, struct frame_id root, uint64_t va, uint32_t level)
{
    struct reached w = { { root, digit(va, PT_LEVELS - 1) }, PT_LEVELS - 1 };
    while (w.level > level && has(s->pt_entry->table, w.at.table) && leads_on(get(s->pt_entry->entry, w.at), w.level)) {
        struct frame_id next = pte_frame(get(s->pt_entry->entry, w.at));
        w.level--;
        w.at = (struct pte_at){ next, digit(va, w.level) };
    }
    return w;
}

/* From a table, by tables, to where va leads. */
static bool is_walk(const struct pt_walk_view *s, struct frame_id root, uint64_t va, uint32_t level)
{
    return is_canonical(va) && level < PT_LEVELS && has(s->pt_entry->table, root) &&
           has(s->pt_entry->table, reach(s, root, va, level).at.table);
}

enum verdict pt_walk_leaf_spec(struct pt_walk_view *s, struct frame_id root, uint64_t va,
                               const struct pt_walk_leaf_ret *did, struct pt_walk_leaf_ret *r)
{
    (void)did;
    PRE(is_walk(s, root, va, 0));
    struct reached w = reach(s, root, va, 0);
    r->ret = (struct pt_leaf){ get(s->pt_entry->entry, w.at), w.level, 0 };
    return DEFINED;
}

enum verdict pt_walk_table_spec(struct pt_walk_view *s, struct frame_id root, uint64_t va, uint32_t level,
                                const struct pt_walk_table_ret *did, struct pt_walk_table_ret *r)
{
    (void)did;
    PRE(is_walk(s, root, va, level));
    struct reached w = reach(s, root, va, level);
    r->ret = w.level == level ? w.at.table : NO_FRAME;
    return DEFINED;
}

enum verdict pt_walk_get_spec(struct pt_walk_view *s, struct frame_id root, uint64_t va, uint32_t level,
                              const struct pt_walk_get_ret *did, struct pt_walk_get_ret *r)
{
    (void)did;
    PRE(is_walk(s, root, va, level));
    struct reached w = reach(s, root, va, level);
    r->ret = (struct pte){ 0 };
    if (w.level == level)
        r->ret = get(s->pt_entry->entry, w.at);
    return DEFINED;
}

enum verdict pt_walk_set_spec(struct pt_walk_view *s, struct frame_id root, uint64_t va, uint32_t level, struct pte e,
                              const struct pt_walk_set_ret *did, struct pt_walk_set_ret *r)
{
    (void)did, (void)r;
    PRE(is_walk(s, root, va, level) && reach(s, root, va, level).level == level && (e.bits == 0 || (e.bits & PTE_P)));
    pt_entry_set(reach(s, root, va, level).at, e);
    return DEFINED;
}

/* There is no state: what the entries are is said and compared by mm/pt_entry. */
bool pt_walk_relates_at(const struct pt_walk_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool pt_walk_relates(const struct pt_walk_view *s) { return AGREE(0, size(s->pt_walk->none), "pt_walk has no state"); }

bool pt_walk_invariant_at(const struct pt_walk_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool pt_walk_invariant(const struct pt_walk_view *s)
{
    (void)s;
    return true;
}
