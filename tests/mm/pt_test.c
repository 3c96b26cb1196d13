/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt: random calls against a model (pages and tables), a walk as the processor does it, and every shortage of
 * frames. */
#include "mm/pt.h"
#include "mm/processor.h"
#include "mm/pt_kern.h"
#include "mm/tables.h"

enum { RAM_FRAMES = 6000, NOTHING = 1234567 };
#define GIB (UINT64_C(1) << 30)
#define MIB2 (UINT64_C(1) << 21)
static const struct pt_id map_id = { 2 }, other_id = { 3 }, no_map = { 4 };

/* ---- the map agrees with the model ---- */

static uint32_t frame_at(const struct model_page *p, uint64_t va) { return p->frame + (uint32_t)((va - p->va) / FRAME_SIZE); }

static void agrees_at(struct model *m, uint64_t va)
{
    struct model_page *p = va < PT_VA_LIMIT ? model_page(m, va) : NULL;
    struct processor_page hw = { 0 };
    struct frame_id f = { NOTHING };
    uint32_t perm = 99;
    ck_status(pt_read(map_id, va, &f, &perm), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(f.n, p ? frame_at(p, va) : NOTHING);
    ck_assert_uint_eq(perm, p ? p->perm : 99);
    if (va >= PT_VA_LIMIT || !harness_all_code()) /* there are no tables where a specification stands for pt */
        return;
    ck_assert_int_eq(processor_walk(pt_kern_root(map_id).n, va, &hw), p != NULL);
    ck_assert(!p || (hw.frame == f.n && hw.perm == perm && hw.order == 9 * p->level));
    ck_assert(!p || (hw.accessed == (p->aged & PT_ACCESSED) && hw.dirty == (p->aged & PT_DIRTY) / PT_DIRTY));
}

static struct model_page *model_next(struct model *m, uint64_t from)
{
    struct model_page *best = NULL;
    for (uint32_t i = 0; i < m->pages; i++)
        if (m->page[i].va + (model_span(m->page[i].level) - 1) >= from && (!best || m->page[i].va < best->va))
            best = &m->page[i];
    return best;
}

static void next_agrees(struct model *m, uint64_t from)
{
    struct model_page *p = from < PT_VA_LIMIT ? model_next(m, from) : NULL;
    struct frame_id f = { NOTHING };
    uint64_t va = 42;
    uint32_t order = 77;
    ck_status(pt_next(map_id, from, &va, &f, &order), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(va, p ? p->va : 42);
    ck_assert_uint_eq(f.n, p ? p->frame : NOTHING);
    ck_assert_uint_eq(order, p ? 9 * p->level : 77);
}

static void agrees_whole(struct model *m)
{
    uint64_t from = 0;
    for (uint32_t i = 0; i < m->pages; i++) {
        struct model_page *p = model_next(m, from);
        next_agrees(m, from);
        agrees_at(m, p->va);
        agrees_at(m, p->va + model_span(p->level) - 1);
        from = p->va + model_span(p->level);
    }
    next_agrees(m, from);
    ck_assert_uint_eq(frame_used(), 1 + m->tables);
}

/* ---- random calls ---- */

static uint64_t wrong_va(struct harness_random *r)
{
    static const uint64_t wrong[] = { PT_VA_LIMIT, PT_VA_LIMIT | 4096, UINT64_C(0xffff800000000000), UINT64_MAX - 4095, UINT64_C(1) << 48,
                                      UINT64_C(1) << 63, 1, 4095, 0x1001, PT_VA_LIMIT - 1, UINT64_MAX };
    return wrong[harness_below(r, COUNT_OF(wrong))];
}

static void step_insert(struct model *m, uint64_t va, uint32_t level, struct harness_random *r)
{
    struct frame_id f = { (uint32_t)harness_below(r, level ? RAM_FRAMES / 512 : RAM_FRAMES) << 9 * level };
    uint32_t perm = (uint32_t)harness_below(r, PERM_ALL + 1), order = 9 * level;
    ck_status(pt_insert(map_id, va, (struct frame_id){ RAM_FRAMES }, perm, order), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, (struct frame_id){ RAM_FRAMES / 512 * 512 }, perm, 9), UKERN_BADARG); /* its end is not there */
    ck_status(pt_insert(map_id, va, NO_FRAME, perm, order), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, (struct frame_id){ UINT32_MAX & ~511u }, perm, 9), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, f, PERM_ALL + 1, order), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, f, UINT32_MAX, order), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, f, perm, 1 + (uint32_t)harness_below(r, 8)), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, f, perm, 18), UKERN_BADARG);
    ck_status(pt_insert(no_map, va, f, perm, order), UKERN_BADARG);
    if (level)
        ck_status(pt_insert(map_id, va, (struct frame_id){ f.n + 1 + (uint32_t)harness_below(r, 511) }, perm, 9), UKERN_BADARG);
    if (model_in_way(m, va, model_span(level))) {
        ck_status(pt_insert(map_id, va, f, perm, order), UKERN_EXISTS);
        return;
    }
    if (m->pages == MODEL_PAGES)
        return;
    ck_ok(pt_insert(map_id, va, f, perm, order));
    if (level)
        model_trim(m, va, 0);
    model_need(m, va, level);
    m->page[m->pages++] = (struct model_page){ va, f.n, perm, level, 0 };
}

static void step_remove(struct model *m, uint64_t va)
{
    struct model_page *p = model_page(m, va);
    struct frame_id f = { NOTHING };
    uint32_t order = 77;
    bool begins = p && p->va == va;
    ck_status(pt_remove(no_map, va, &f, &order), UKERN_BADARG);
    ck_status(pt_remove(map_id, va, &f, &order), begins ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(f.n, begins ? p->frame : NOTHING);
    ck_assert_uint_eq(order, begins ? 9 * p->level : 77);
    if (begins) {
        *p = m->page[--m->pages];
        model_trim(m, va, 2);
    }
}

static void step_range(struct model *m, uint64_t va, uint32_t level, struct harness_random *r)
{
    uint64_t pages = 1 + harness_below(r, harness_below(r, 2) ? 2000 : 5), last = va + pages * FRAME_SIZE - 1;
    bool fits = last < PT_VA_LIMIT;
    if (harness_below(r, 2)) {
        ck_status(pt_prepare(map_id, va, pages, 9 * level), fits ? UKERN_OK : UKERN_BADARG);
        for (uint64_t at = va; fits && at <= last; at = (at | (model_span(level + 1) - 1)) + 1)
            model_need(m, at, level);
    } else {
        ck_status(pt_trim(map_id, va, pages), fits ? UKERN_OK : UKERN_BADARG);
        for (uint64_t at = va; fits && at <= last; at = (at | (MIB2 - 1)) + 1)
            model_trim(m, at, 2);
    }
}

static void step_aged(struct model *m, uint64_t va, struct harness_random *r)
{
    struct model_page *p = model_page(m, va);
    uint32_t aged = 77, write = (uint32_t)harness_below(r, 2);
    if (harness_below(r, 3)) {
        ck_status(pt_touch(map_id, va, write), p ? UKERN_OK : UKERN_NOTFOUND);
        if (p)
            p->aged |= PT_ACCESSED | (write ? PT_DIRTY : 0);
        return;
    }
    ck_status(pt_age(map_id, va, &aged), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(aged, p ? p->aged : 77);
    if (p)
        p->aged = 0;
}

static void step_wrong(uint64_t va)
{
    struct frame_id f = { NOTHING };
    uint32_t order = 77, aged = 77;
    ck_status(pt_insert(map_id, va, (struct frame_id){ 3 }, PERM_ALL, 0), UKERN_BADARG);
    ck_status(pt_insert(map_id, va, (struct frame_id){ 512 }, PERM_ALL, 9), UKERN_BADARG);
    ck_status(pt_insert(map_id, (va & ~UINT64_C(4095)) | 4096, (struct frame_id){ 512 }, PERM_ALL, 9), UKERN_BADARG);
    ck_status(pt_remove(map_id, va, &f, &order), UKERN_BADARG);
    ck_status(pt_prepare(map_id, va, 1, 0), UKERN_BADARG);
    ck_status(pt_trim(map_id, va, 1), UKERN_BADARG);
    if (va >= PT_VA_LIMIT) {
        ck_status(pt_touch(map_id, va, true), UKERN_NOTFOUND);
        ck_status(pt_age(map_id, va, &aged), UKERN_NOTFOUND);
    }
    ck_assert(f.n == NOTHING && order == 77 && aged == 77);
}

START_TEST(random_calls_agree_with_the_model_and_the_processor)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct ukern *machine = harness_make((uint64_t)RAM_FRAMES * FRAME_SIZE);
        struct harness_random r = { seed };
        static struct model m;
        m.pages = m.tables = 0;
        ck_ok(pt_new(map_id, ROOT_CONTAINER));
        for (uint32_t i = 0, n = harness_rounds(3000); i < n; i++) {
            uint32_t level = harness_below(&r, 4) == 0;
            uint64_t va = processor_some_va(&r, 9 * level), wrong = wrong_va(&r);
            if (m.pages && harness_below(&r, 2))
                va = m.page[harness_below(&r, m.pages)].va & ~(model_span(level) - 1);
            switch (harness_below(&r, 16)) {
            case 0 ... 5: step_insert(&m, va, level, &r); break;
            case 6 ... 9: step_remove(&m, va); break;
            case 10: next_agrees(&m, harness_below(&r, 2) ? va : va + harness_below(&r, MIB2)); break;
            case 11: step_range(&m, va, level, &r); break;
            case 12 ... 14: step_aged(&m, va + harness_below(&r, 4096), &r); break;
            default: step_wrong(wrong);
            }
            agrees_at(&m, va);
            agrees_at(&m, va + harness_below(&r, 4096));
            agrees_at(&m, va ^ (UINT64_C(1) << (12 + harness_below(&r, 30))));
            agrees_at(&m, wrong);
            if (i % 100 == 0)
                agrees_whole(&m);
        }
        agrees_whole(&m);
        while (m.pages)
            step_remove(&m, m.page[0].va);
        agrees_whole(&m);
        ck_ok(pt_trim(map_id, 0, PT_VA_LIMIT / FRAME_SIZE));
        m.tables = 0;
        agrees_whole(&m);
        pt_end(map_id);
        ck_assert_uint_eq(frame_used(), 0);
        harness_free(machine);
    }
}
END_TEST

/* ---- shortage ---- */

START_TEST(no_frame_for_a_table_changes_nothing)
{
    /* One page is mapped; the other needs 0 to 3 more tables. */
    static const struct { uint64_t va; uint32_t tables, order; } other[] = {
        { 0x5000, 0, 0 }, { MIB2, 1, 0 }, { GIB, 2, 0 }, { GIB << 9, 3, 0 }, { MIB2, 0, 9 }, { GIB, 1, 9 }, { GIB << 9, 2, 9 },
    };
    for (uint32_t i = 0; i < COUNT_OF(other); i++)
        for (uint32_t k = 0; k <= other[i].tables; k++) {
            struct ukern *m = harness_make(1200 * FRAME_SIZE);
            struct frame_id f = { other[i].order ? 512 : 10 };
            uint32_t perm;
            ck_ok(pt_new(map_id, ROOT_CONTAINER));
            ck_ok(pt_insert(map_id, 0, (struct frame_id){ 9 }, PERM_WRITE, 0));
            tables_leave_free(k);
            uint64_t hash = tables_hash();
            bool enough = k == other[i].tables;
            ck_status(pt_insert(map_id, other[i].va, f, PERM_ALL, other[i].order), enough ? UKERN_OK : UKERN_NOMEM);
            ck_assert_uint_eq(frame_usable() - frame_used(), enough ? 0 : k);
            ck_assert(!harness_all_code() || enough == (hash != tables_hash()));
            ck_status(pt_read(map_id, other[i].va, &f, &perm), enough ? UKERN_OK : UKERN_NOTFOUND);
            ck_status(pt_new(other_id, ROOT_CONTAINER), !enough && k ? UKERN_OK : UKERN_NOMEM);
            harness_free(m);
        }
}
END_TEST

/* pt_prepare of a range around an edge, with k free frames for every k up to enough: afterwards no insertion may fail. */
static void prepare_with(uint64_t va, uint64_t pages, uint64_t there, uint32_t tables)
{
    for (uint32_t k = 0; k <= tables; k++) {
        struct ukern *m = harness_make(64 * FRAME_SIZE);
        struct frame_id f;
        uint32_t perm, order;
        ck_ok(pt_new(map_id, ROOT_CONTAINER));
        ck_ok(pt_insert(map_id, there, (struct frame_id){ 9 }, 0, 0));
        tables_leave_free(k);
        uint64_t hash = tables_hash();
        if (k < tables) {
            ck_status(pt_prepare(map_id, va, pages, 0), UKERN_NOMEM);
            ck_assert_uint_eq(frame_usable() - frame_used(), k);
            ck_assert(hash == tables_hash());
            harness_free(m);
            continue;
        }
        ck_ok(pt_prepare(map_id, va, pages, 0));
        ck_assert_uint_eq(frame_usable() - frame_used(), 0);
        ck_ok(pt_prepare(map_id, va, pages, 0)); /* nothing is missing any more */
        for (uint64_t i = 0; i < pages; i++)
            ck_status(pt_insert(map_id, va + i * FRAME_SIZE, (struct frame_id){ 7 }, PERM_USER, 0),
                      va + i * FRAME_SIZE == there ? UKERN_EXISTS : UKERN_OK);
        for (uint64_t i = 0; i < pages; i++)
            ck_ok(pt_remove(map_id, va + i * FRAME_SIZE, &f, &order));
        ck_status(pt_read(map_id, there, &f, &perm), there >= va && there < va + pages * FRAME_SIZE ? UKERN_NOTFOUND : UKERN_OK);
        harness_free(m);
    }
}

START_TEST(prepared_ranges_take_all_or_nothing)
{
    const uint64_t far = UINT64_C(200) << 39;
    prepare_with(0x1000, 1, 0, 0);                          /* all there */
    prepare_with(MIB2 - 4096, 2, 0, 1);                     /* over the edge of a table */
    prepare_with(MIB2 - 4096, 3 * 512 + 2, far, 3 + 4);     /* five tables below two new levels */
    prepare_with(GIB - 4096, 2, 0, 3);                      /* over the edge of a directory: 1 + (1 + 1) */
    prepare_with((GIB << 9) - 4096, 2, 0, 2 + 3);           /* over the edge of a directory of directories */
    prepare_with(GIB - MIB2, 1024, GIB + 4096, 2);          /* the upper half is there */
    prepare_with(PT_VA_LIMIT - 4096, 1, 0, 3);              /* the last page of all */
    prepare_with(far, 512 * 5, far + 512 * 4096 * 2, 4);    /* the third of five tables is there */
}
END_TEST

START_TEST(ranges_that_wrap_are_refused)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    ck_ok(pt_new(map_id, ROOT_CONTAINER));
    static const struct { uint64_t va, pages; } wrong[] = {
        { 0, 0 }, { 4096, PT_VA_LIMIT / 4096 }, { PT_VA_LIMIT - 4096, 2 }, { 0, UINT64_MAX }, { 4096, UINT64_MAX / 4096 },
        { 4096, UINT64_MAX }, { PT_VA_LIMIT, 1 }, { UINT64_C(1) << 63, 1 }, { 1, 1 },
    };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(pt_prepare(map_id, wrong[i].va, wrong[i].pages, 0), UKERN_BADARG);
        ck_status(pt_prepare(map_id, wrong[i].va, wrong[i].pages, 9), UKERN_BADARG);
        ck_status(pt_trim(map_id, wrong[i].va, wrong[i].pages), UKERN_BADARG);
    }
    ck_status(pt_prepare(map_id, 4096, 512, 9), UKERN_BADARG); /* not aligned for large pages */
    ck_status(pt_prepare(map_id, 0, 1, 1), UKERN_BADARG);
    ck_status(pt_prepare(no_map, 0, 1, 0), UKERN_BADARG);
    ck_status(pt_trim(no_map, 0, 1), UKERN_BADARG);
    ck_status(pt_prepare((struct pt_id){ NO_ID }, 0, 1, 0), UKERN_BADARG);
    ck_status(pt_prepare(map_id, 0, PT_VA_LIMIT / 4096, 0), UKERN_NOMEM); /* legal, and far too much */
    ck_assert_uint_eq(frame_used(), 1);
    harness_free(m);
}
END_TEST

/* ---- tables and large pages ---- */

START_TEST(prepared_tables_go_by_trim_or_a_removal)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id f;
    uint32_t order;
    ck_ok(pt_new(map_id, ROOT_CONTAINER));
    ck_ok(pt_prepare(map_id, 0, 2 * 512, 0));
    ck_assert_uint_eq(frame_used(), 5);
    ck_ok(pt_insert(map_id, 0, (struct frame_id){ 1 }, 0, 0));
    ck_ok(pt_remove(map_id, 0, &f, &order));
    ck_assert_uint_eq(frame_used(), 4); /* the second table was never used */
    ck_ok(pt_trim(map_id, 0, 512));
    ck_assert_uint_eq(frame_used(), 4); /* its own range, and no more */
    ck_ok(pt_trim(map_id, MIB2 + 4096, 1));
    ck_assert_uint_eq(frame_used(), 1);
    ck_ok(pt_prepare(map_id, 0, 2 * 512, 0));
    ck_ok(pt_insert(map_id, MIB2, (struct frame_id){ 1 }, 0, 0));
    ck_ok(pt_trim(map_id, 0, PT_VA_LIMIT / FRAME_SIZE));
    ck_assert_uint_eq(frame_used(), 4); /* one page stays */
    ck_ok(pt_remove(map_id, MIB2, &f, &order));
    pt_end(map_id);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(large_and_small_pages_respect_each_other)
{
    struct ukern *m = harness_make((uint64_t)RAM_FRAMES * FRAME_SIZE);
    struct frame_id f, big = { 1024 };
    uint32_t perm, order;
    ck_ok(pt_new(map_id, ROOT_CONTAINER));
    ck_ok(pt_insert(map_id, MIB2 + 0x3000, (struct frame_id){ 5 }, 0, 0));
    ck_status(pt_insert(map_id, MIB2, big, 0, 9), UKERN_EXISTS);
    ck_ok(pt_insert(map_id, 2 * MIB2, big, PERM_USER | PERM_EXEC, 9));
    ck_status(pt_insert(map_id, 2 * MIB2 + 0x3000, (struct frame_id){ 5 }, 0, 0), UKERN_EXISTS);
    ck_status(pt_insert(map_id, 2 * MIB2, (struct frame_id){ 5 }, 0, 0), UKERN_EXISTS);
    ck_status(pt_insert(map_id, 2 * MIB2, big, 0, 9), UKERN_EXISTS);
    ck_status(pt_remove(map_id, 2 * MIB2 + 4096, &f, &order), UKERN_NOTFOUND); /* only whole, from where it begins */
    ck_ok(pt_prepare(map_id, 2 * MIB2, 512, 0));
    ck_assert_uint_eq(frame_used(), 4); /* there is no table to be had below it */
    ck_ok(pt_read(map_id, 2 * MIB2 + 0x1ff123, &f, &perm));
    ck_assert(f.n == 1024 + 511 && perm == (PERM_USER | PERM_EXEC));
    ck_ok(pt_remove(map_id, 2 * MIB2, &f, &order));
    ck_assert(f.n == 1024 && order == 9);
    ck_ok(pt_prepare(map_id, 2 * MIB2, 512, 0));
    ck_assert_uint_eq(frame_used(), 5);
    tables_leave_free(0);
    uint32_t used = frame_used();
    ck_ok(pt_insert(map_id, 2 * MIB2, big, 0, 9)); /* takes the place of the empty table, and needs none */
    ck_assert_uint_eq(frame_used(), used - 1);
    harness_free(m);
}
END_TEST

START_TEST(a_full_table_counts_to_512)
{
    struct ukern *m = harness_make(1200 * FRAME_SIZE);
    struct frame_id f;
    uint32_t order;
    ck_ok(pt_new(map_id, ROOT_CONTAINER));
    for (uint64_t i = 0; i < 512; i++) /* at the lowest level, and at the one above */
        ck_ok(pt_insert(map_id, i * 4096, (struct frame_id){ (uint32_t)i }, PERM_ALL, 0));
    for (uint64_t i = 1; i < 512; i++)
        ck_ok(pt_insert(map_id, i << 21, (struct frame_id){ (uint32_t)i & ~511u }, PERM_ALL, i % 2 ? 0 : 9));
    ck_assert_uint_eq(frame_used(), 1 + 2 + 1 + 256);
    for (uint64_t i = 512; i-- > 1;)
        ck_ok(pt_remove(map_id, i << 21, &f, &order));
    ck_assert_uint_eq(frame_used(), 1 + 2 + 1);
    for (uint64_t i = 0; i < 512; i++) {
        ck_ok(pt_remove(map_id, i * 4096, &f, &order));
        ck_assert_uint_eq(f.n, i);
    }
    ck_assert_uint_eq(frame_used(), 1);
    harness_free(m);
}
END_TEST

START_TEST(maps_are_apart)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id f, page;
    uint32_t perm, order;
    uint64_t va;
    ck_ok(pt_new(map_id, ROOT_CONTAINER));
    ck_ok(pt_new(other_id, ROOT_CONTAINER));
    ck_ok(pt_insert(map_id, 0x7000, (struct frame_id){ 11 }, PERM_USER, 0));
    ck_status(pt_read(other_id, 0x7000, &f, &perm), UKERN_NOTFOUND);
    ck_status(pt_next(other_id, 0, &va, &f, &order), UKERN_NOTFOUND);
    ck_status(pt_read(no_map, 0x7000, &f, &perm), UKERN_NOTFOUND);
    ck_status(pt_next(no_map, 0, &va, &f, &order), UKERN_NOTFOUND);
    ck_status(pt_touch(no_map, 0x7000, false), UKERN_NOTFOUND);
    ck_status(pt_age(no_map, 0x7000, &perm), UKERN_NOTFOUND);
    ck_ok(container_alloc(ROOT_CONTAINER, &page));
    ck_ok(pt_insert(other_id, 0x7000, page, PERM_WRITE, 0));
    ck_ok(pt_remove(other_id, 0x7000, &f, &order));
    ck_assert(f.n == page.n && frame_refs(page) == 1); /* a page's references are the caller's affair */
    pt_end(other_id);
    ck_assert_uint_eq(frame_used(), 4 + 1); /* the first map's tables, and the page */
    ck_ok(container_free(page));
    ck_ok(pt_read(map_id, 0x7000, &f, &perm));
    ck_assert(f.n == 11 && perm == PERM_USER);
    tables_leave_free(0);
    ck_status(pt_new(other_id, ROOT_CONTAINER), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

START_TEST(tables_are_paid_by_the_maps_container)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct container_id who;
    struct container_info info;
    struct frame_id f;
    uint32_t order;
    ck_ok(container_split(ROOT_CONTAINER, 4, &who));
    ck_status(pt_new(map_id, (struct container_id){ 99 }), UKERN_BADARG);
    ck_ok(pt_new(map_id, who));
    ck_ok(pt_insert(map_id, 0x1000, (struct frame_id){ 5 }, PERM_ALL, 0));
    ck_ok(container_info(who, &info));
    ck_assert_uint_eq(info.usage, 4);
    ck_status(pt_insert(map_id, MIB2, (struct frame_id){ 5 }, PERM_ALL, 0), UKERN_NOMEM);
    ck_ok(pt_remove(map_id, 0x1000, &f, &order));
    pt_end(map_id);
    ck_ok(container_revoke(who)); /* BUSY, were anything still charged */
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt", random_calls_agree_with_the_model_and_the_processor, no_frame_for_a_table_changes_nothing,
              prepared_ranges_take_all_or_nothing, ranges_that_wrap_are_refused, prepared_tables_go_by_trim_or_a_removal,
              large_and_small_pages_respect_each_other, a_full_table_counts_to_512, maps_are_apart, tables_are_paid_by_the_maps_container)
