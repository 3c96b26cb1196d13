/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt_walk: random tables, made word by word, and every address's walk a second time by the processor's rules. */
#include "mm/pt_walk.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/processor.h"

enum { TABLES = 40 };
#define HIGH UINT64_C(0xffff800000000000)

/* table[k] has level[k]; table[0] is the root. */
struct forest {
    struct frame_id table[TABLES];
    uint32_t level[TABLES], count;
};

static uint32_t some_index(struct harness_random *r)
{
    static const uint32_t index[] = { 0, 1, 255, 256, 510, 511 };
    return index[harness_below(r, COUNT_OF(index))];
}

static struct frame_id forest_add(struct forest *t, uint32_t level)
{
    struct frame_id f;
    ck_ok(container_alloc(ROOT_CONTAINER, &f));
    pt_entry_begin(f);
    t->level[t->count] = level;
    t->table[t->count++] = f;
    return f;
}

static void forest_make(struct forest *t, struct harness_random *r)
{
    t->count = 0;
    forest_add(t, 3);
    for (uint32_t k = 0; k < t->count; k++)
        for (uint32_t n = 0; n < 6; n++) {
            struct pte_at at = { t->table[k], some_index(r) };
            bool large = t->level[k] == 1 && harness_below(r, 2);
            uint64_t bits = PTE_P | (harness_random(r) & (PTE_W | PTE_U | PTE_A | PTE_D | PTE_NX));
            if (pt_entry_get(at).bits)
                continue;
            if (t->level[k] == 0)
                bits |= harness_below(r, here->m->frames) << 12;
            else if (large)
                bits |= PTE_PS | harness_below(r, 4) << 21;
            else if (t->count < TABLES)
                bits |= (uint64_t)forest_add(t, t->level[k] - 1).n << 12 | (uint64_t)n << PTE_COUNT_SHIFT;
            else
                continue;
            pt_entry_set(at, (struct pte){ bits });
        }
}

static uint64_t some_address(struct harness_random *r)
{
    uint64_t va = 0;
    for (uint32_t level = 0; level < PT_LEVELS; level++)
        va |= (uint64_t)some_index(r) << pt_walk_shift(level);
    va |= harness_below(r, FRAME_SIZE);
    return va >> 47 ? va | UINT64_C(0xffff) << 48 : va;
}

/* The words on the way, by arithmetic of our own. */
static void walk_agrees(struct frame_id root, uint64_t va)
{
    uint64_t table = root.n;
    for (uint32_t level = 3;; level--) {
        uint64_t entry = processor_entry(table * 4096, va, 12 + 9 * level);
        bool ends = level == 0 || !(entry & 1) || (level == 1 && entry & 128);
        ck_assert_uint_eq(pt_walk_table(root, va, level).n, table);
        ck_assert(pt_walk_get(root, va, level).bits == entry);
        if (ends) {
            struct pt_leaf leaf = pt_walk_leaf(root, va);
            ck_assert(leaf.e.bits == entry && leaf.level == level && leaf.zero == 0);
            for (uint32_t below = 0; below < level; below++) {
                ck_assert_uint_eq(pt_walk_table(root, va, below).n, NO_ID);
                ck_assert(pt_walk_get(root, va, below).bits == 0);
            }
            return;
        }
        table = entry >> 12 & 0xffffffff;
        ck_assert(pt_walk_get(root, va, level - 1).bits == processor_entry(table * 4096, va, 12 + 9 * (level - 1)));
    }
}

START_TEST(walks_end_where_the_processors_do)
{
    struct harness_random r = { 11 };
    for (uint32_t round = 0; round < (harness_on_valgrind() ? 1 : 6); round++) {
        struct ukern *m = harness_make(2048 * FRAME_SIZE);
        struct forest t;
        uint32_t ends[4] = { 0 }, large = 0;
        forest_make(&t, &r);
        for (uint32_t n = harness_is_slow() ? 8000 : 20000; n; n--) { /* fewer do not find all kinds of ends */
            uint64_t va = some_address(&r);
            struct processor_page p;
            struct pt_leaf leaf = pt_walk_leaf(t.table[0], va);
            walk_agrees(t.table[0], va);
            ck_assert_int_eq(processor_walk(t.table[0].n, va, &p), (leaf.e.bits & PTE_P) != 0);
            ends[leaf.level]++;
            large += leaf.e.bits & PTE_PS ? 1 : 0;
        }
        ck_assert_msg(ends[0] && ends[1] && ends[3] && large, "the forest has all kinds of ends");
        harness_free(m);
    }
}
END_TEST

START_TEST(a_written_entry_is_found_at_its_level_only)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct forest t = { .count = 0 };
    const uint64_t va = UINT64_C(0x00007f80c0403000); /* indices 255, 3, 2, 3 */
    struct frame_id f = forest_add(&t, 3);
    for (uint32_t level = 3; level > 0; level--) {
        struct frame_id below = forest_add(&t, level - 1);
        ck_assert_uint_eq(pt_walk_table(f, va, level - 1).n, NO_ID);
        pt_walk_set(f, va, level, (struct pte){ (uint64_t)below.n << 12 | PTE_P | PTE_W | PTE_U });
        ck_assert_uint_eq(pt_walk_table(f, va, level - 1).n, below.n);
    }
    pt_walk_set(f, va, 0, (struct pte){ 9 << 12 | PTE_P });
    ck_assert_uint_eq(pt_entry_get((struct pte_at){ t.table[0], 255 }).bits >> 12, t.table[1].n);
    ck_assert_uint_eq(pt_entry_get((struct pte_at){ t.table[1], 3 }).bits >> 12, t.table[2].n);
    ck_assert_uint_eq(pt_entry_get((struct pte_at){ t.table[2], 2 }).bits >> 12, t.table[3].n);
    ck_assert_uint_eq(pt_entry_get((struct pte_at){ t.table[3], 3 }).bits >> 12, 9);
    pt_walk_set(f, va, 1, (struct pte){ 0 });
    ck_assert(pt_walk_leaf(f, va).level == 1 && pt_walk_leaf(f, va).e.bits == 0);
    pt_walk_set(f, HIGH, 3, (struct pte){ (uint64_t)t.table[1].n << 12 | PTE_P });
    ck_assert_uint_eq(pt_entry_get((struct pte_at){ f, 256 }).bits >> 12, t.table[1].n);
    ck_assert_uint_eq(pt_walk_table(f, HIGH + 4096, 2).n, t.table[1].n);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt_walk", walks_end_where_the_processors_do, a_written_entry_is_found_at_its_level_only)
