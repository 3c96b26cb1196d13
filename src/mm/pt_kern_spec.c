/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_kern_spec: the kernel's half is one function of the address, and every map's root has the same entries for it.
 *
 *     shown(level, n)   the n-th entry of that level, counted from PT_KERNEL_BASE: a page of the memory, an entry for
 *                       a table of mm/frame_type's KERNEL frames, or absent
 */
#include "core/spec.h"

void pt_kern_abs_init(struct pt_kern_abs *s)
{
    INIT(s->top, "pt_kern.top");
    INIT(s->root, "pt_kern.root");
}

enum { ROOT = 3, UPPER = PT_ENTRIES / 2 };
enum { LARGE = 9, GIB = 18, TOP = 27 }; /* frames below an entry of level 1, 2, 3, as powers of two */

static uint32_t limit(void)
{
    const struct ukern_params *p = &here->m->params;
    return p->limits == UKERN_LIMITS_MCERTIKOS ? 64 : p->max_tasks + p->max_vms;
}

/* ---- the kernel's half ---- */

static uint64_t total(void) { return here->m->frames; }
static uint64_t rest(void) { return total() % (1 << LARGE); }
/* Pieces of 2^log2 frames that the memory is in. */
static uint64_t pieces(uint32_t log2) { return (total() + (UINT64_C(1) << log2) - 1) >> log2; }

static struct pte page(uint64_t frame, uint64_t more)
{
#ifndef UKERN_BUG_SPEC_KERN_NX
    more |= PTE_NX;
#endif
    return (struct pte){ frame << FRAME_SHIFT | PTE_P | PTE_W | PTE_A | PTE_D | more };
}

/* An entry for the i-th of the kernel's tables: those of level 2 come first, then those of level 1, then level 0's. */
static struct pte table(const struct pt_kern_view *s, uint64_t i)
{
    struct frame_id f = get(s->frame_type->kernel, (uint32_t)i);
    return (struct pte){ (uint64_t)f.n << FRAME_SHIFT | PTE_P | PTE_W | PTE_A };
}

static struct pte shown(const struct pt_kern_view *s, uint32_t level, uint64_t n)
{
    const struct pte absent = { 0 };
    switch (level) {
    case 3:
        return n < pieces(TOP) ? table(s, n) : absent;
    case 2:
        return n < pieces(GIB) ? table(s, pieces(TOP) + n) : absent;
    case 1:
        if (n < total() >> LARGE)
            return page(n << LARGE, PTE_PS);
        return n < pieces(LARGE) ? table(s, pieces(TOP) + pieces(GIB)) : absent;
    default:
        return n < total() ? page(n, 0) : absent;
    }
}

/* Pages have D, entries for tables have not. */
static bool leads_on(struct pte e) { return (e.bits & PTE_P) && !(e.bits & PTE_D); }

/* The table that the n-th entry of this level is in. */
static struct frame_id table_of(const struct pt_kern_view *s, uint32_t level, uint64_t n)
{
    uint64_t before[] = { pieces(TOP) + pieces(GIB), pieces(TOP), 0 };
    return get(s->frame_type->kernel, (uint32_t)(before[level] + (level == 0 ? 0 : n / PT_ENTRIES)));
}

static void fill(const struct pt_kern_view *s, uint32_t level, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++)
        pt_entry_set((struct pte_at){ table_of(s, level, n), (uint32_t)(n % PT_ENTRIES) }, shown(s, level, n));
}

enum verdict pt_kern_init_spec(struct pt_kern_view *s, const struct pt_kern_init_ret *did, struct pt_kern_init_ret *r)
{
    PRE(size(s->pt_kern->top) == 0 && size(s->pt_kern->root) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK);
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM); /* the arena */
    if (r->ret != UKERN_OK)
        return DEFINED;
    for (uint32_t i = 0; i < pieces(TOP) + pieces(GIB) + (rest() > 0); i++)
        pt_entry_begin(get(s->frame_type->kernel, i));
    fill(s, 2, 0, pieces(GIB));
    fill(s, 1, 0, pieces(LARGE));
    fill(s, 0, total() - rest(), total());
    for (uint32_t n = 0; n < pieces(TOP); n++)
        set(s->pt_kern->top, UPPER + n, shown(s, ROOT, n));
    return DEFINED;
}

enum verdict pt_kern_read_spec(struct pt_kern_view *s, uint64_t va, const struct pt_kern_read_ret *did,
                               struct pt_kern_read_ret *r)
{
    (void)did;
    PRE(va >= PT_KERNEL_BASE && size(s->pt_kern->top) > 0);
    uint64_t frame = (va - PT_KERNEL_BASE) >> FRAME_SHIFT;
    uint32_t level = ROOT;
    while (leads_on(shown(s, level, frame >> (9 * level))))
        level--;
    r->ret = (struct pt_leaf){ shown(s, level, frame >> (9 * level)), level, 0 };
    return DEFINED;
}

/* ---- maps ---- */

static uint64_t upper_address(uint32_t index)
{
    return PT_KERNEL_BASE + ((uint64_t)(index - UPPER) << (FRAME_SHIFT + TOP));
}

enum verdict pt_kern_new_spec(struct pt_kern_view *s, struct pt_id id, struct container_id who,
                              const struct pt_kern_new_ret *did, struct pt_kern_new_ret *r)
{
    (void)did;
    PRE(id.n < limit() && !has(s->pt_kern->root, id) && size(s->pt_kern->top) > 0);
    struct frame_id root;
    r->ret = pt_table_new(who, &root);
    if (r->ret != UKERN_OK)
        return DEFINED;
    for (uint32_t i = UPPER; has(s->pt_kern->top, i); i++)
        pt_walk_set(root, upper_address(i), ROOT, get(s->pt_kern->top, i));
    set(s->pt_kern->root, id, ((struct pt_root){ root, who }));
    return DEFINED;
}

enum verdict pt_kern_end_spec(struct pt_kern_view *s, struct pt_id id, const struct pt_kern_end_ret *did,
                              struct pt_kern_end_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->pt_kern->root, id) && get(s->pt_entry->table, get(s->pt_kern->root, id).root) == size(s->pt_kern->top));
    struct frame_id root = get(s->pt_kern->root, id).root;
    for (uint32_t i = UPPER; has(s->pt_kern->top, i); i++)
        pt_walk_set(root, upper_address(i), ROOT, (struct pte){ 0 });
    pt_table_end(root);
    container_free(root);
    del(s->pt_kern->root, id);
    return DEFINED;
}

enum verdict pt_kern_root_spec(struct pt_kern_view *s, struct pt_id id, const struct pt_kern_root_ret *did,
                               struct pt_kern_root_ret *r)
{
    (void)did;
    PRE(true);
    r->ret = has(s->pt_kern->root, id) ? get(s->pt_kern->root, id).root : NO_FRAME;
    return DEFINED;
}

enum verdict pt_kern_payer_spec(struct pt_kern_view *s, struct pt_id id, const struct pt_kern_payer_ret *did,
                                struct pt_kern_payer_ret *r)
{
    (void)did;
    PRE(has(s->pt_kern->root, id));
    r->ret = get(s->pt_kern->root, id).payer;
    return DEFINED;
}

/* ---- relation ---- */

static bool shows(const struct pt_kern_view *s, uint64_t frame)
{
    struct pt_leaf code = pt_kern_read(PT_KERNEL_BASE + (frame << FRAME_SHIFT));
    uint32_t level = frame >> LARGE < total() >> LARGE ? 1 : 0;
    return AGREE(level, code.level, "level of the kernel's page for frame %llu", (unsigned long long)frame) &&
           AGREE(shown(s, level, frame >> (9 * level)).bits, code.e.bits, "the kernel's page for frame %llu",
                 (unsigned long long)frame);
}

bool pt_kern_relates_at(const struct pt_kern_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt_kern->top, m))
        return shows(s, (FROM_KEY(s->pt_kern->top, key) - UPPER) << TOP);
    struct pt_id id = FROM_KEY(s->pt_kern->root, key);
    struct frame_id root = has(s->pt_kern->root, id) ? get(s->pt_kern->root, id).root : NO_FRAME;
    return AGREE(root.n, pt_kern_root(id).n, "root of map %u", id.n) &&
           (root.n == NO_FRAME.n ||
            AGREE(get(s->pt_kern->root, id).payer.n, pt_kern_payer(id).n, "who pays map %u", id.n));
}

bool pt_kern_relates(const struct pt_kern_view *s)
{
    for (uint32_t n = 0; n < limit(); n++)
        if (!pt_kern_relates_at(s, &s->pt_kern->root.m, n))
            return false;
    for (uint64_t frame = 0; size(s->pt_kern->top) > 0 && frame < total(); frame += UINT64_C(1) << LARGE)
        if (!shows(s, frame))
            return false;
    return size(s->pt_kern->top) == 0 || shows(s, total() - 1);
}

/* ---- invariants ---- */

bool pt_kern_invariant_at(const struct pt_kern_view *s, const struct map *m, uint64_t key)
{
    struct pt_id id = FROM_KEY(s->pt_kern->root, key);
    if (!IS(s->pt_kern->root, m) || !has(s->pt_kern->root, id))
        return true;
    struct pt_root of = get(s->pt_kern->root, id);
    for (uint32_t i = UPPER; i < PT_ENTRIES; i++)
        if (!AGREE(get(s->pt_kern->top, i).bits, get(s->pt_entry->entry, ((struct pte_at){ of.root, i })).bits,
                   "I1 at entry %u of map %u", i, id.n))
            return false;
    return HOLDS(has(s->pt_table->root, of.root) && get(s->pt_table->root, of.root).n == of.payer.n, "I2 at map %u",
                 id.n);
}

/* That no root belongs to two maps follows from pt_table_new: it answers with a root that was none before. */
bool pt_kern_invariant(const struct pt_kern_view *s)
{
    EACH(s->pt_kern->root, id)
        if (!pt_kern_invariant_at(s, &s->pt_kern->root.m, KEY(s->pt_kern->root, id)))
            return false;
    return HOLDS(size(s->pt_kern->root) <= size(s->pt_table->root), "I2: a root for every map");
}
