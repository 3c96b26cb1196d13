/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_walk: see pt_walk.h. */
#include "mm/pt_walk.h"

static_assert(FRAME_SHIFT + PT_LEVELS * PT_INDEX_BITS == 48, "bits 48..63 of an address repeat bit 47");

static struct pte_at pt_walk_at(struct frame_id table, uint64_t va, uint32_t level)
{
#ifdef UKERN_BUG_MM_PT_LEVEL
    level = level == 0 || level == 3 ? level : 3 - level;
#endif
    return (struct pte_at){ table, (uint32_t)(va >> pt_walk_shift(level)) & (PT_ENTRIES - 1) };
}

/* Whether a walk that finds e at `level` ends there. */
static bool pt_walk_ends(struct pte e, uint32_t level)
{
    return !(e.bits & PTE_P) || level == 0 || (level == 1 && e.bits & PTE_PS);
}

struct pt_leaf pt_walk_leaf(struct frame_id root, uint64_t va)
{
    /* Written out: as a loop it costs half as many instructions again (tests/bench/fast_test.sh counts them). */
    struct pte e = pt_entry_get(pt_walk_at(root, va, 3));
    if (unlikely(!(e.bits & PTE_P)))
        return (struct pt_leaf){ e, 3, 0 };
    e = pt_entry_get(pt_walk_at(pte_frame(e), va, 2));
    if (unlikely(!(e.bits & PTE_P)))
        return (struct pt_leaf){ e, 2, 0 };
    e = pt_entry_get(pt_walk_at(pte_frame(e), va, 1));
    if (unlikely((e.bits & (PTE_P | PTE_PS)) != PTE_P))
        return (struct pt_leaf){ e, 1, 0 };
    e = pt_entry_get(pt_walk_at(pte_frame(e), va, 0));
    return (struct pt_leaf){ e, 0, 0 };
}

struct frame_id pt_walk_table(struct frame_id root, uint64_t va, uint32_t level)
{
    struct frame_id table = root;
    for (uint32_t at = PT_LEVELS - 1; at > level; at--) {
        struct pte e = pt_entry_get(pt_walk_at(table, va, at));
#ifndef UKERN_BUG_MM_WALK_LARGE
        if (pt_walk_ends(e, at))
#else
        if (!(e.bits & PTE_P))
#endif
            return NO_FRAME;
        table = pte_frame(e);
    }
    return table;
}

struct pte pt_walk_get(struct frame_id root, uint64_t va, uint32_t level)
{
    struct frame_id table = pt_walk_table(root, va, level);
    return table.n == NO_ID ? (struct pte){ 0 } : pt_entry_get(pt_walk_at(table, va, level));
}

void pt_walk_set(struct frame_id root, uint64_t va, uint32_t level, struct pte e)
{
    pt_entry_set(pt_walk_at(pt_walk_table(root, va, level), va, level), e);
}
