/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_entry_spec: page tables are a map from (table, index) to 64 bits; what is 0 is not in it.
 *
 * Relation    an entry is the word in its table's frame; a table has as many words that are not 0 as the state says, so
 *             no word of it is without a name */
#include "core/spec.h"
#include "host/ram.h"

void pt_entry_abs_init(struct pt_entry_abs *s)
{
    INIT(s->table, "pt_entry.table");
    INIT(s->entry, "pt_entry.entry");
}

/* Whether f is a KERNEL frame for the kernel's tables: these are listed ascending. */
static bool is_kernel(const struct pt_entry_view *s, struct frame_id f)
{
    uint32_t low = 0, high = (uint32_t)size(s->frame_type->kernel);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (get(s->frame_type->kernel, middle).n < f.n)
            low = middle + 1;
        else
            high = middle;
    }
    return has(s->frame_type->kernel, low) && get(s->frame_type->kernel, low).n == f.n;
}

/* Only NORMAL frames are used (mm/frame). */
static bool may_be_table(const struct pt_entry_view *s, struct frame_id f)
{
    return has(s->frame->used, f) || is_kernel(s, f);
}
static bool is_place(const struct pt_entry_view *s, struct pte_at at)
{
    return has(s->pt_entry->table, at.table) && at.index < PT_ENTRIES;
}
static bool is_present(struct pte e) { return (e.bits & PTE_P) != 0; }

enum verdict pt_entry_begin_spec(struct pt_entry_view *s, struct frame_id table, const struct pt_entry_begin_ret *did,
                                 struct pt_entry_begin_ret *r)
{
    (void)r;
    PRE(may_be_table(s, table) && !has(s->pt_entry->table, table));
    set(s->pt_entry->table, table, 0);
    INSTEAD(memset(frame_bytes(table), 0, FRAME_SIZE));
    return DEFINED;
}

enum verdict pt_entry_end_spec(struct pt_entry_view *s, struct frame_id table, const struct pt_entry_end_ret *did,
                               struct pt_entry_end_ret *r)
{
    (void)did, (void)r;
    PRE(has(s->pt_entry->table, table) && get(s->pt_entry->table, table) == 0);
    del(s->pt_entry->table, table);
    return DEFINED;
}

enum verdict pt_entry_get_spec(struct pt_entry_view *s, struct pte_at at, const struct pt_entry_get_ret *did,
                               struct pt_entry_get_ret *r)
{
    (void)did;
    PRE(is_place(s, at));
    r->ret = get(s->pt_entry->entry, at);
    return DEFINED;
}

/* The processor walks the tables, too: in every mode they are in memory. */
static void write_word(struct pte_at at, struct pte e)
{
    memcpy(frame_bytes(at.table) + at.index * sizeof e, &e, sizeof e);
}

enum verdict pt_entry_set_spec(struct pt_entry_view *s, struct pte_at at, struct pte e,
                               const struct pt_entry_set_ret *did, struct pt_entry_set_ret *r)
{
    (void)r;
    PRE(is_place(s, at) && (e.bits == 0 || is_present(e)));
#ifdef UKERN_BUG_SPEC_ENTRY_AGED
    e.bits &= ~(PTE_A | PTE_D);
#endif
    uint32_t others = get(s->pt_entry->table, at.table) - has(s->pt_entry->entry, at);
    if (e.bits == 0)
        del(s->pt_entry->entry, at);
    else
        set(s->pt_entry->entry, at, e);
    set(s->pt_entry->table, at.table, others + has(s->pt_entry->entry, at));
    INSTEAD(write_word(at, e));
    return DEFINED;
}

/* Words of a table that are not 0. */
static uint32_t words_of(struct frame_id table)
{
    uint64_t word[PT_ENTRIES];
    uint32_t n = 0;
    memcpy(word, frame_bytes(table), sizeof word);
    for (uint32_t i = 0; i < PT_ENTRIES; i++)
        n += word[i] != 0;
    return n;
}

bool pt_entry_relates_at(const struct pt_entry_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt_entry->entry, m)) {
        struct pte_at at = FROM_KEY(s->pt_entry->entry, key);
        return AGREE(get(s->pt_entry->entry, at).bits, pt_entry_get(at).bits, "entry %u of table %u", at.index,
                     at.table.n);
    }
    struct frame_id table = FROM_KEY(s->pt_entry->table, key);
    if (!has(s->pt_entry->table, table) || get(s->pt_entry->table, table) > 0)
        return true; /* its entries are compared when they change */
    return AGREE(0, words_of(table), "present entries of table %u", table.n);
}

bool pt_entry_relates(const struct pt_entry_view *s)
{
    EACH(s->pt_entry->entry, at)
        if (!pt_entry_relates_at(s, &s->pt_entry->entry.m, KEY(s->pt_entry->entry, at)))
            return false;
    EACH(s->pt_entry->table, table)
        if (!AGREE(get(s->pt_entry->table, table), words_of(table), "present entries of table %u", table.n))
            return false;
    return true;
}

bool pt_entry_invariant_at(const struct pt_entry_view *s, const struct map *m, uint64_t key)
{
    if (IS(s->pt_entry->table, m)) {
        struct frame_id table = FROM_KEY(s->pt_entry->table, key);
        return HOLDS(get(s->pt_entry->table, table) <= PT_ENTRIES, "I1 at table %u", table.n);
    }
    if (!IS(s->pt_entry->entry, m))
        return true;
    struct pte_at at = FROM_KEY(s->pt_entry->entry, key);
    return !has(s->pt_entry->entry, at) ||
           (HOLDS(is_place(s, at), "I1: entry %u of table %u is in a table", at.index, at.table.n) &&
            HOLDS(is_present(get(s->pt_entry->entry, at)), "I2 at entry %u of table %u", at.index, at.table.n));
}

bool pt_entry_invariant(const struct pt_entry_view *s)
{
    size_t present = 0;
    EACH(s->pt_entry->table, table) {
        present += get(s->pt_entry->table, table);
        if (!HOLDS(may_be_table(s, table), "table %u is a used frame or the kernel's", table.n))
            return false;
    }
    EACH(s->pt_entry->entry, at)
        if (!pt_entry_invariant_at(s, &s->pt_entry->entry.m, KEY(s->pt_entry->entry, at)))
            return false;
    return AGREE(present, size(s->pt_entry->entry), "I1, the sum over all tables");
}
