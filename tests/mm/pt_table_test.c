/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt_table: which tables come and go, in which order frames become tables, and every shortage of frames. */
#include "mm/pt_table.h"
#include "mm/processor.h"
#include "mm/tables.h"

#define GIB (UINT64_C(1) << 30)
#define MIB2 (UINT64_C(1) << 21)
#define LAST ((UINT64_C(1) << 47) - 1)

static struct ukern *machine_of(uint32_t frames, enum ukern_frame_policy policy)
{
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = (uint64_t)frames * FRAME_SIZE, .frame_policy = policy };
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    return m;
}

static struct pte page(uint32_t frame) { return (struct pte){ (uint64_t)frame << 12 | PTE_P | PTE_W | PTE_U }; }
static struct pte large(uint32_t frame) { return (struct pte){ (uint64_t)frame << 12 | PTE_P | PTE_PS }; }
static uint32_t count_of(struct pte e) { return (uint32_t)((e.bits & PTE_COUNT) >> PTE_COUNT_SHIFT); }

/* Every table says how many entries the one below has; the number of tables, 0 when something is wrong. No ck_assert for each
 * entry: libcheck writes a message at every one. */
static uint32_t check_below(struct frame_id table, uint32_t level, uint32_t *ret_present)
{
    uint32_t tables = 1;
    bool good = true;
    *ret_present = 0;
    for (uint32_t i = 0; i < (level == 3 ? 256 : PT_ENTRIES); i++) { /* the root's upper half is not this layer's */
        struct pte e = pt_entry_get((struct pte_at){ table, i });
        uint32_t present, below;
        *ret_present += e.bits & PTE_P ? 1 : 0;
        good = good && (e.bits & PTE_P || e.bits == 0);
        if (!(e.bits & PTE_P) || level == 0 || e.bits & PTE_PS)
            continue;
        below = check_below(pte_frame(e), level - 1, &present);
        good = good && below && (e.bits & ~(PTE_COUNT | PTE_FRAME)) == (PTE_P | PTE_W | PTE_U) && count_of(e) == present &&
               frame_refs(pte_frame(e)) == 1 && frame_owner(pte_frame(e)).n == ROOT_CONTAINER.n;
        tables += below;
    }
    return good ? tables : 0;
}

static void has_tables(struct frame_id root, uint32_t tables)
{
    uint32_t present;
    ck_assert_uint_eq(check_below(root, 3, &present), tables);
    ck_assert_uint_eq(frame_used(), tables);
}

START_TEST(random_calls_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct ukern *machine = machine_of(6000, UKERN_FRAMES_ANY);
        struct harness_random r = { seed };
        static struct model m;
        struct frame_id root;
        m.pages = m.tables = 0;
        ck_ok(pt_table_new(ROOT_CONTAINER, &root));
        for (uint32_t n = harness_rounds(3000); n; n--) {
            uint32_t level = (uint32_t)harness_below(&r, 4) == 0, kind = (uint32_t)harness_below(&r, 8);
            uint64_t va = processor_some_va(&r, 9 * level), span = harness_below(&r, 3) * MIB2 + model_span(level);
            if (m.pages && harness_below(&r, 2)) {
                struct model_page *p = &m.page[harness_below(&r, m.pages)];
                va = p->va;
                level = p->level;
            }
            struct model_page *p = model_page(&m, va);
            bool empty = !model_in_way(&m, va, model_span(level)) && !(level && model_table(&m, 0, va));
            if (kind < 2) {
                uint64_t last = va + span - 1 > LAST ? LAST : va + span - 1;
                ck_ok(pt_table_prepare(root, va, last, level));
                for (uint64_t at = va; at <= last; at = (at | (model_span(level + 1) - 1)) + 1)
                    model_need(&m, at, level);
            } else if (kind < 5 && empty && m.pages < MODEL_PAGES && model_table(&m, level, va)) {
                pt_table_put(root, va, level, level ? large(512) : page(n % 4000));
                m.page[m.pages++] = (struct model_page){ va, level ? 512 : n % 4000, 0, level, 0 };
            } else if (kind < 7 && p && p->va == va) {
                pt_table_put(root, va, p->level, (struct pte){ 0 });
                *p = m.page[--m.pages];
            } else {
                uint32_t up = (uint32_t)harness_below(&r, 3);
                pt_table_trim(root, va, up);
                model_trim(&m, va, up);
            }
            struct pt_leaf leaf = pt_table_get(root, va);
            p = model_page(&m, va);
            ck_assert_int_eq(leaf.e.bits & PTE_P ? 1 : 0, p != NULL);
            ck_assert(!p || (leaf.level == p->level && pte_frame(leaf.e).n == p->frame));
            if (n % 100 == 0)
                has_tables(root, 1 + m.tables);
        }
        while (m.pages) {
            pt_table_put(root, m.page[0].va, m.page[0].level, (struct pte){ 0 });
            m.page[0] = m.page[--m.pages];
        }
        for (uint32_t left = m.tables + 1; m.tables < left;) { /* what is above goes when all below it went */
            left = m.tables;
            for (uint32_t i = m.tables; i-- > 0;) {
                uint64_t va = m.table[i < m.tables ? i : 0].va;
                pt_table_trim(root, va, 2);
                model_trim(&m, va, 2);
            }
            has_tables(root, 1 + m.tables);
        }
        ck_assert_uint_eq(m.tables, 0);
        pt_table_end(root);
        ck_ok(container_free(root));
        ck_assert_uint_eq(frame_used(), 0);
        harness_free(machine);
    }
}
END_TEST

/* With the lowest frame first, frames become tables in ascending order: by address, a higher level before a lower one. */
START_TEST(frames_become_tables_in_the_order_in_which_they_came)
{
    struct ukern *m = machine_of(64, UKERN_FRAMES_LOWEST);
    struct frame_id root;
    ck_ok(pt_table_new(ROOT_CONTAINER, &root));
    uint64_t va = GIB - MIB2; /* the last table of one directory, and two of the next */
    ck_ok(pt_table_prepare(root, va, va + 3 * MIB2 - 1, 0));
    uint32_t n = root.n;
    ck_assert_uint_eq(pt_walk_table(root, va, 2).n, ++n);
    ck_assert_uint_eq(pt_walk_table(root, va, 1).n, ++n);
    ck_assert_uint_eq(pt_walk_table(root, va, 0).n, ++n);
    ck_assert_uint_eq(pt_walk_table(root, GIB, 1).n, ++n);
    ck_assert_uint_eq(pt_walk_table(root, GIB, 0).n, ++n);
    ck_assert_uint_eq(pt_walk_table(root, GIB + MIB2, 0).n, ++n);
    has_tables(root, 7);
    pt_table_trim(root, GIB, 2);
    ck_assert_uint_eq(pt_walk_table(root, GIB, 0).n, NO_ID);
    ck_assert_uint_eq(pt_walk_table(root, GIB + MIB2, 0).n, n); /* it holds those above */
    has_tables(root, 6);
    harness_free(m);
}
END_TEST

START_TEST(a_range_gets_all_or_nothing)
{
    static const struct { uint64_t va, last; uint32_t level, tables; } range[] = {
        { 0, MIB2 - 1, 0, 0 }, { 0, GIB - 1, 1, 0 },                      /* the first page's are there */
        { MIB2 - 4096, MIB2 + 4095, 0, 1 },     { GIB - 4096, GIB + 4095, 0, 1 + 2 },
        { GIB - MIB2, GIB + MIB2 - 1, 1, 1 },   { (GIB << 9) - 4096, (GIB << 9) + 4095, 0, 2 + 3 },
        { LAST - 4095, LAST, 0, 3 },            { UINT64_C(200) << 39, (UINT64_C(200) << 39) + 3 * MIB2 - 1, 0, 5 },
        { 2 * GIB, 2 * GIB + 4095, 0, 1 },      { 2 * GIB + MIB2, 2 * GIB + 2 * MIB2 - 1, 0, 0 }, /* below a large page */
        { 2 * GIB, 2 * GIB + 3 * MIB2 - 1, 0, 2 },
    };
    for (uint32_t i = 0; i < COUNT_OF(range); i++)
        for (uint32_t k = 0; k <= range[i].tables; k++) {
            struct ukern *m = machine_of(1200, UKERN_FRAMES_ANY);
            struct frame_id root;
            bool enough = k == range[i].tables;
            ck_ok(pt_table_new(ROOT_CONTAINER, &root));
            ck_ok(pt_table_prepare(root, 0, 4095, 0));
            pt_table_put(root, 0, 0, page(3));
            ck_ok(pt_table_prepare(root, 2 * GIB, 2 * GIB, 1));
            pt_table_put(root, 2 * GIB + MIB2, 1, large(512));
            uint32_t before = frame_used();
            has_tables(root, before);
            tables_leave_free(k);
            uint64_t hash = tables_hash();
            ck_status(pt_table_prepare(root, range[i].va, range[i].last, range[i].level), enough ? UKERN_OK : UKERN_NOMEM);
            ck_assert_uint_eq(frame_usable() - frame_used(), enough ? 0 : k);
            ck_assert(enough ? (k == 0) == (hash == tables_hash()) : hash == tables_hash());
            uint32_t present;
            ck_assert_uint_eq(check_below(root, 3, &present), before + (enough ? k : 0));
            if (enough) /* nothing is lacking any more */
                ck_ok(pt_table_prepare(root, range[i].va, range[i].last, range[i].level));
            harness_free(m);
        }
}
END_TEST

START_TEST(a_full_table_counts_to_512)
{
    struct ukern *m = machine_of(1200, UKERN_FRAMES_ANY);
    struct frame_id root;
    ck_ok(pt_table_new(ROOT_CONTAINER, &root));
    ck_ok(pt_table_prepare(root, 0, GIB - 1, 0));
    has_tables(root, 1 + 2 + 512);
    for (uint32_t i = 0; i < 512; i++)
        pt_table_put(root, (uint64_t)i * 4096, 0, page(i));
    ck_assert_uint_eq(count_of(pt_walk_get(root, 0, 3)), 1);
    ck_assert_uint_eq(count_of(pt_walk_get(root, 0, 2)), 512);
    ck_assert_uint_eq(count_of(pt_walk_get(root, 0, 1)), 512);
    ck_assert_uint_eq(count_of(pt_walk_get(root, MIB2, 1)), 0);
    pt_table_put(root, 5 * 4096, 0, page(77)); /* another page, the same number */
    ck_assert_uint_eq(count_of(pt_walk_get(root, 0, 1)), 512);
    for (uint64_t va = 0; va < GIB; va += MIB2)
        pt_table_trim(root, va, 2);
    has_tables(root, 4);
    for (uint32_t i = 512; i-- > 0;) {
        pt_table_trim(root, 0, 2);
        has_tables(root, 4);
        pt_table_put(root, (uint64_t)i * 4096, 0, (struct pte){ 0 });
    }
    pt_table_trim(root, 0, 0);
    has_tables(root, 3);
    pt_table_trim(root, 0, 1);
    has_tables(root, 2);
    pt_table_trim(root, 0, 2);
    has_tables(root, 1);
    pt_table_end(root);
    ck_ok(container_free(root));
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(tables_are_charged_to_the_roots_payer)
{
    struct ukern *m = machine_of(64, UKERN_FRAMES_ANY);
    struct container_id who;
    struct container_info info;
    struct frame_id root;
    ck_ok(container_split(ROOT_CONTAINER, 3, &who));
    ck_status(pt_table_new((struct container_id){ who.n + 1 }, &root), UKERN_BADARG);
    ck_ok(pt_table_new(who, &root));
    ck_status(pt_table_prepare(root, 0, 4095, 0), UKERN_NOMEM); /* three, where two are left of the quota */
    ck_ok(container_info(who, &info));
    ck_assert_uint_eq(info.usage, 1);
    ck_ok(pt_table_prepare(root, 0, MIB2 - 1, 1));
    ck_ok(container_info(who, &info));
    ck_assert_uint_eq(info.usage, 3);
    pt_table_trim(root, 4096, 2);
    pt_table_end(root);
    ck_ok(container_free(root));
    ck_ok(container_info(who, &info));
    ck_assert_uint_eq(info.usage, 0);
    ck_ok(container_revoke(who));
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt_table", random_calls_agree_with_the_model, frames_become_tables_in_the_order_in_which_they_came,
              a_range_gets_all_or_nothing, a_full_table_counts_to_512, tables_are_charged_to_the_roots_payer)
