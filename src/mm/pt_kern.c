/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_kern: see pt_kern.h. The kernel's half has one set of tables, made at boot; every root has the same entries for
 * them. */
#include "mm/pt_kern.h"
#include "mm/container.h"
#include "mm/frame_type.h"

enum { ROOT_LEVEL = PT_LEVELS - 1, TOP_FIRST = PT_ENTRIES / 2, TOP_COUNT = PT_ENTRIES / 2 };

struct pt_kern_state {
    uint32_t limit, tops;       /* maps; entries of `top` that are not absent: the first ones */
    struct pte top[TOP_COUNT];  /* of every root, from TOP_FIRST on */
    struct pt_root map[];       /* [limit]; root NO_FRAME: no such map. No pointer to it: every walk begins here */
};

static uint64_t pt_kern_top_va(uint32_t i) { return PT_KERNEL_BASE + ((uint64_t)i << pt_walk_shift(ROOT_LEVEL)); }

/* ---- the kernel's half ---- */

#define PTE_KERNEL_TABLE (PTE_P | PTE_W | PTE_A)
#define PTE_KERNEL_PAGE (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)

/* How many entries of `level` the direct map has. Of level 0 there are only those of the last, incomplete 2 MiB. */
static uint64_t pt_kern_entries(uint32_t level)
{
    uint64_t frames = here->m->frames, span = UINT64_C(1) << PT_INDEX_BITS * level;
    return level ? (frames + span - 1) / span : frames % PT_ENTRIES;
}

/* The i-th entry of a level: of a page (`level` 0, or 1 for a whole 2 MiB), or of the table of entries below it, which
 * is the KERNEL frame `table`. */
static struct pte pt_kern_entry(uint32_t level, uint64_t i, uint32_t table)
{
    uint64_t first = i << PT_INDEX_BITS * level, frames = here->m->frames;
    if (level == 0)
        return (struct pte){ (frames - frames % PT_ENTRIES + i) << FRAME_SHIFT | PTE_KERNEL_PAGE };
#ifndef UKERN_BUG_MM_KERNEL_TAIL
    if (level == 1 && first + PT_ENTRIES <= frames)
#else
    if (level == 1)
#endif
        return (struct pte){ first << FRAME_SHIFT | PTE_KERNEL_PAGE | PTE_PS };
    return (struct pte){ (uint64_t)frame_type_kernel(table).n << FRAME_SHIFT | PTE_KERNEL_TABLE };
}

/* Fills the tables of `level`, the KERNEL frames from `table` on; those of the level below begin at `below`. */
static void pt_kern_fill(uint32_t level, uint32_t table, uint32_t below)
{
    struct pte_at at = { NO_FRAME, 0 };
    for (uint64_t i = 0, n = pt_kern_entries(level); i < n; i++) {
        at.index = i % PT_ENTRIES;
        if (at.index == 0)
            at.table = frame_type_kernel(table++);
        /* Of level 1 only the last entry can be a table's: there is one table of level 0. */
        pt_entry_set(at, pt_kern_entry(level, i, level == 1 ? below : below + (uint32_t)i));
    }
}

static uint32_t pt_kern_tables(uint32_t level)
{
    return (uint32_t)((pt_kern_entries(level) + PT_ENTRIES - 1) / PT_ENTRIES);
}

static void pt_kern_build(struct pt_kern_state *s)
{
    uint32_t directories = pt_kern_tables(2), middles = pt_kern_tables(1);
    uint32_t all = directories + middles + pt_kern_tables(0);
    CHECK(all == frame_type_kernels(), "the kernel's half needs %u tables, %u frames are the kernel's", all,
          frame_type_kernels());
    for (uint32_t i = 0; i < all; i++)
        pt_entry_begin(frame_type_kernel(i));
    for (s->tops = 0; s->tops < directories; s->tops++)
        s->top[s->tops] = pt_kern_entry(ROOT_LEVEL, s->tops, s->tops);
    pt_kern_fill(2, 0, directories);
    pt_kern_fill(1, directories, directories + middles);
    pt_kern_fill(0, directories + middles, all);
}

enum ukern_status pt_kern_init(void)
{
    struct ukern *m = here->m;
    uint32_t limit = machine_maps(m);
    struct pt_kern_state *s = arena_take(&m->arena, sizeof *s + (size_t)limit * sizeof s->map[0], 64);
    if (!s)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/pt_kern (%u page maps)",
                            limit);
    for (uint32_t i = 0; i < limit; i++)
        s->map[i].root = NO_FRAME;
    s->limit = limit;
    m->pt_kern = s;
    pt_kern_build(s);
    return UKERN_OK;
}

/* PRE va >= PT_KERNEL_BASE. As no root need exist, the walk begins with `top`. */
struct pt_leaf pt_kern_read(uint64_t va)
{
    uint32_t level = ROOT_LEVEL;
    struct pte e = here->m->pt_kern->top[(va - PT_KERNEL_BASE) >> pt_walk_shift(ROOT_LEVEL)];
    while (e.bits & PTE_P && !(e.bits & PTE_PS) && level > 0) {
        level--;
        e = pt_entry_get((struct pte_at){ pte_frame(e), (uint32_t)(va >> pt_walk_shift(level)) & (PT_ENTRIES - 1) });
    }
    return (struct pt_leaf){ e, level, 0 };
}

/* ---- maps ---- */

enum ukern_status pt_kern_new(struct pt_id id, struct container_id who)
{
    struct pt_kern_state *s = here->m->pt_kern;
    struct frame_id root;
    enum ukern_status st = pt_table_new(who, &root);
    if (st != UKERN_OK)
        return st;
#ifndef UKERN_BUG_MM_KERNEL_HALF
    for (uint32_t i = 0; i < s->tops; i++)
        pt_walk_set(root, pt_kern_top_va(i), ROOT_LEVEL, s->top[i]);
#endif
    s->map[id.n] = (struct pt_root){ root, who };
    return UKERN_OK;
}

void pt_kern_end(struct pt_id id)
{
    struct pt_kern_state *s = here->m->pt_kern;
    struct frame_id root = s->map[id.n].root;
    for (uint32_t i = 0; i < s->tops; i++)
        pt_walk_set(root, pt_kern_top_va(i), ROOT_LEVEL, (struct pte){ 0 });
    pt_table_end(root);
    container_free(root);
    s->map[id.n].root = NO_FRAME;
}

struct frame_id pt_kern_root(struct pt_id id)
{
    const struct pt_kern_state *s = here->m->pt_kern;
    return likely(id.n < s->limit) ? s->map[id.n].root : NO_FRAME;
}

struct container_id pt_kern_payer(struct pt_id id) { return here->m->pt_kern->map[id.n].payer; }
