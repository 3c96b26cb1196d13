/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt: random calls against a model (a set of pages), a walk as the processor does it, written here a second
 * time, and every shortage of frames. */
#include "mm/pt.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"

enum { PAGES = 600, RAM_FRAMES = 1500 };

/* ---- the model: a list of mapped pages ---- */

struct page {
    uint64_t va;
    uint32_t frame, perm;
};
struct model {
    struct page page[PAGES];
    uint32_t count;
};

static struct page *model_find(struct model *m, uint64_t va)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->page[i].va == va)
            return &m->page[i];
    return NULL;
}

static struct page *model_next(struct model *m, uint64_t from)
{
    struct page *best = NULL;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->page[i].va >= from && (!best || m->page[i].va < best->va))
            best = &m->page[i];
    return best;
}

/* How many different tables the mapped pages need, the root included. */
static uint32_t model_tables(const struct model *m)
{
    uint32_t tables = 1;
    for (uint32_t shift = 21; shift <= 39; shift += 9)
        for (uint32_t i = 0; i < m->count; i++) {
            uint32_t k = 0;
            while (m->page[k].va >> shift != m->page[i].va >> shift)
                k++;
            tables += k == i; /* the first of its table */
        }
    return tables;
}

/* ---- the processor's view, from Intel's manual volume 3, 4.5 ---- */

/* False: page fault. Reserved bits must be zero; W and U need all levels, NX any. */
static bool processor_walk(struct frame_id root, uint64_t va, uint32_t *ret_frame, uint32_t *ret_perm)
{
    uint64_t address = (uint64_t)root.n * 4096, entry = 0, both = 6, no_exec = 0;
    const uint32_t from[] = { 39, 30, 21, 12 };
    for (uint32_t i = 0; i < 4; i++) {
        memcpy(&entry, here->m->ram + address + ((va >> from[i]) % 512) * 8, 8);
        if (!(entry & 1))
            return false;
        ck_assert_msg(!(entry & UINT64_C(0x000fff0000000f80)) || i == 3, "level %u: reserved or page-size bits: %#lx", i, (unsigned long)entry);
        both &= entry;
        no_exec |= entry >> 63;
        address = entry & UINT64_C(0x000ffffffffff000);
    }
    *ret_frame = (uint32_t)(address / 4096);
    *ret_perm = (both & 2 ? PERM_WRITE : 0u) | (both & 4 ? PERM_USER : 0u) | (no_exec ? 0u : PERM_EXEC);
    return true;
}

static void agrees_at(struct model *m, struct frame_id root, uint64_t va)
{
    struct page *p = va < PT_VA_LIMIT ? model_find(m, va & ~UINT64_C(4095)) : NULL;
    struct frame_id f = { 1234567 };
    uint32_t perm = 99, frame = 0;
    ck_status(pt_read(root, va, &f, &perm), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(f.n, p ? p->frame : 1234567);
    ck_assert_uint_eq(perm, p ? p->perm : 99);
    if (va >= PT_VA_LIMIT)
        return;
    ck_assert_int_eq(processor_walk(root, va, &frame, &perm), p != NULL);
    ck_assert(!p || (frame == p->frame && perm == p->perm));
}

static void agrees_whole(struct model *m, struct frame_id root)
{
    struct frame_id f;
    uint64_t from = 0, va;
    for (uint32_t i = 0; i < m->count; i++) {
        struct page *p = model_next(m, from);
        ck_ok(pt_next(root, from, &va, &f));
        ck_assert(p && va == p->va && f.n == p->frame);
        agrees_at(m, root, va);
        from = va + 1;
    }
    ck_status(pt_next(root, from, &va, &f), UKERN_NOTFOUND);
    ck_assert_uint_eq(frame_used(), model_tables(m));
}

/* ---- random calls ---- */

/* Addresses that share tables often, at the ends of tables and of the address space as well. */
static uint64_t some_va(struct harness_random *r)
{
    static const uint64_t index[] = { 0, 1, 2, 255, 510, 511 };
    uint64_t va = 0;
    for (uint32_t shift = 12; shift <= 39; shift += 9)
        va |= (harness_below(r, 3) ? index[harness_below(r, COUNT_OF(index))] : harness_below(r, 8)) << shift;
    return va & (PT_VA_LIMIT - 1);
}

static uint64_t wrong_va(struct harness_random *r)
{
    static const uint64_t wrong[] = { PT_VA_LIMIT, PT_VA_LIMIT | 4096, UINT64_C(0xffff800000000000), UINT64_MAX - 4095, UINT64_C(1) << 48,
                                      UINT64_C(1) << 63, 1, 4095, 0x1001, PT_VA_LIMIT - 1, UINT64_MAX };
    return wrong[harness_below(r, COUNT_OF(wrong))];
}

static void step_insert(struct model *m, struct frame_id root, uint64_t va, struct harness_random *r)
{
    struct frame_id f = { (uint32_t)harness_below(r, RAM_FRAMES) };
    uint32_t perm = (uint32_t)harness_below(r, PERM_ALL + 1);
    ck_status(pt_insert(root, va, (struct frame_id){ RAM_FRAMES }, perm), UKERN_BADARG);
    ck_status(pt_insert(root, va, NO_FRAME, perm), UKERN_BADARG);
    ck_status(pt_insert(root, va, f, PERM_ALL + 1), UKERN_BADARG);
    if (model_find(m, va)) {
        ck_status(pt_insert(root, va, f, perm), UKERN_EXISTS);
        return;
    }
    if (m->count == PAGES)
        return;
    ck_ok(pt_insert(root, va, f, perm));
    m->page[m->count++] = (struct page){ va, f.n, perm };
}

static void step_remove(struct model *m, struct frame_id root, uint64_t va)
{
    struct page *p = model_find(m, va);
    struct frame_id f = { 1234567 };
    ck_status(pt_remove(root, va, &f), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(f.n, p ? p->frame : 1234567);
    if (p)
        *p = m->page[--m->count];
}

static void step_next(struct model *m, struct frame_id root, uint64_t from)
{
    struct page *p = model_next(m, from);
    struct frame_id f = { 1234567 };
    uint64_t va = 42;
    ck_status(pt_next(root, from, &va, &f), p ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert_uint_eq(va, p ? p->va : 42);
    ck_assert_uint_eq(f.n, p ? p->frame : 1234567);
}

static void step_wrong(struct frame_id root, uint64_t va)
{
    struct frame_id f = { 1234567 };
    ck_status(pt_insert(root, va, (struct frame_id){ 3 }, PERM_ALL), UKERN_BADARG);
    ck_status(pt_remove(root, va, &f), UKERN_BADARG);
    ck_status(pt_prepare(root, va, 1), UKERN_BADARG);
    ck_assert_uint_eq(f.n, 1234567);
}

START_TEST(random_calls_agree_with_the_model_and_the_processor)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct ukern *machine = harness_make(RAM_FRAMES * FRAME_SIZE);
        struct harness_random r = { seed };
        static struct model m;
        struct frame_id root;
        m.count = 0;
        ck_ok(pt_new(&root));
        for (uint32_t i = 0, n = harness_rounds(4000); i < n; i++) {
            uint64_t va = m.count && harness_below(&r, 2) ? m.page[harness_below(&r, m.count)].va : some_va(&r);
            uint64_t wrong = wrong_va(&r);
            switch (harness_below(&r, 8)) {
            case 0 ... 2: step_insert(&m, root, va, &r); break;
            case 3 ... 5: step_remove(&m, root, va); break;
            case 6: step_next(&m, root, harness_below(&r, 2) ? va : va + harness_below(&r, 4097)); break;
            default: step_wrong(root, wrong);
            }
            agrees_at(&m, root, va);
            agrees_at(&m, root, va + harness_below(&r, 4096));
            agrees_at(&m, root, wrong);
            if (i % 200 == 0)
                agrees_whole(&m, root);
        }
        agrees_whole(&m, root);
        if (seed % 2) {
            while (m.count)
                step_remove(&m, root, m.page[0].va);
            agrees_whole(&m, root);
        }
        pt_destroy(root);
        ck_assert_uint_eq(frame_used(), 0);
        harness_free(machine);
    }
}
END_TEST

/* ---- shortage ---- */

/* Takes frames until k are left. */
static void leave_free(uint32_t k)
{
    struct frame_id f;
    while (frame_usable() - frame_used() > k) {
        ck_ok(container_alloc(ROOT_CONTAINER, &f));
        frame_clear(f, 1);
    }
}

START_TEST(no_frame_for_a_table_changes_nothing)
{
    /* One page is mapped; the other needs 0 to 3 more tables. */
    static const struct { uint64_t va; uint32_t tables; } other[] = {
        { 0x5000, 0 }, { 1 << 21, 1 }, { 1 << 30, 2 }, { UINT64_C(1) << 39, 3 },
    };
    for (uint32_t i = 0; i < COUNT_OF(other); i++)
        for (uint32_t k = 0; k <= other[i].tables; k++) {
            struct ukern *m = harness_make(64 * FRAME_SIZE);
            struct frame_id root, f;
            uint32_t perm;
            ck_ok(pt_new(&root));
            ck_ok(pt_insert(root, 0, (struct frame_id){ 9 }, PERM_WRITE));
            leave_free(k);
            uint64_t table = harness_hash(frame_bytes(root), FRAME_SIZE);
            bool enough = k == other[i].tables;
            ck_status(pt_insert(root, other[i].va, (struct frame_id){ 10 }, PERM_ALL), enough ? UKERN_OK : UKERN_NOMEM);
            ck_assert_uint_eq(frame_usable() - frame_used(), enough ? 0 : k);
            ck_status(pt_read(root, other[i].va, &f, &perm), enough ? UKERN_OK : UKERN_NOTFOUND);
            ck_assert(enough || table == harness_hash(frame_bytes(root), FRAME_SIZE));
            ck_status(pt_new(&f), !enough && k ? UKERN_OK : UKERN_NOMEM);
            harness_free(m);
        }
}
END_TEST

/* pt_prepare of a range around an edge, with k free frames for every k up to enough: afterwards no insertion may fail. */
static void prepare_with(uint64_t va, uint64_t pages, uint64_t there, uint32_t tables)
{
    for (uint32_t k = 0; k <= tables; k++) {
        struct ukern *m = harness_make(64 * FRAME_SIZE);
        struct frame_id root, f;
        ck_ok(pt_new(&root));
        ck_ok(pt_insert(root, there, (struct frame_id){ 9 }, 0));
        leave_free(k);
        uint64_t memory = harness_hash(m->ram, (size_t)m->frames * FRAME_SIZE);
        if (k < tables) {
            ck_status(pt_prepare(root, va, pages), UKERN_NOMEM);
            ck_assert_uint_eq(frame_usable() - frame_used(), k);
            leave_free(0); /* what was tried on the free frames goes with it: they are zeroed */
            ck_assert(memory == harness_hash(m->ram, (size_t)m->frames * FRAME_SIZE));
        } else {
            ck_ok(pt_prepare(root, va, pages));
            ck_assert_uint_eq(frame_usable() - frame_used(), 0);
            ck_ok(pt_prepare(root, va, pages)); /* nothing is missing any more */
            for (uint64_t i = 0; i < pages; i++)
                ck_status(pt_insert(root, va + i * FRAME_SIZE, (struct frame_id){ 7 }, PERM_USER),
                          va + i * FRAME_SIZE == there ? UKERN_EXISTS : UKERN_OK);
            for (uint64_t i = 0; i < pages; i++)
                ck_ok(pt_remove(root, va + i * FRAME_SIZE, &f));
            uint32_t perm;
            ck_status(pt_read(root, there, &f, &perm), there >= va && there < va + pages * FRAME_SIZE ? UKERN_NOTFOUND : UKERN_OK);
        }
        harness_free(m);
    }
}

START_TEST(prepared_ranges_take_all_or_nothing)
{
    const uint64_t gib = UINT64_C(1) << 30, mib2 = 1 << 21, far = UINT64_C(200) << 39;
    prepare_with(0x1000, 1, 0, 0);                          /* all there */
    prepare_with(mib2 - 4096, 2, 0, 1);                     /* over the edge of a table */
    prepare_with(mib2 - 4096, 3 * 512 + 2, far, 3 + 4);     /* five tables below two new levels */
    prepare_with(gib - 4096, 2, 0, 3);                      /* over the edge of a directory: 1 + (1 + 1) */
    prepare_with((gib << 9) - 4096, 2, 0, 2 + 3);           /* over the edge of a directory of directories */
    prepare_with(gib - mib2, 1024, gib + 4096, 2);          /* the upper half is there */
    prepare_with(PT_VA_LIMIT - 4096, 1, 0, 3);              /* the last page of all */
    prepare_with(far, 512 * 5, far + 512 * 4096 * 2, 4);    /* the third of five tables is there */
}
END_TEST

START_TEST(ranges_that_wrap_are_refused)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id root;
    ck_ok(pt_new(&root));
    ck_status(pt_prepare(root, 0, 0), UKERN_BADARG);
    ck_status(pt_prepare(root, 4096, PT_VA_LIMIT / 4096), UKERN_BADARG);
    ck_status(pt_prepare(root, PT_VA_LIMIT - 4096, 2), UKERN_BADARG);
    ck_status(pt_prepare(root, 0, UINT64_MAX), UKERN_BADARG);
    ck_status(pt_prepare(root, 4096, UINT64_MAX / 4096), UKERN_BADARG);
    ck_status(pt_prepare(root, 0, PT_VA_LIMIT / 4096), UKERN_NOMEM); /* legal, and far too much */
    ck_assert_uint_eq(frame_used(), 1);
    harness_free(m);
}
END_TEST

START_TEST(prepared_tables_go_with_the_root_or_a_removal)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id root, f;
    ck_ok(pt_new(&root));
    ck_ok(pt_prepare(root, 0, 2 * 512));
    ck_assert_uint_eq(frame_used(), 5);
    ck_ok(pt_insert(root, 0, (struct frame_id){ 1 }, 0));
    ck_ok(pt_remove(root, 0, &f));
    ck_assert_uint_eq(frame_used(), 4); /* the second table was never used */
    ck_ok(pt_insert(root, 1 << 21, (struct frame_id){ 1 }, 0));
    ck_ok(pt_remove(root, 1 << 21, &f));
    ck_assert_uint_eq(frame_used(), 1);
    ck_ok(pt_prepare(root, 0, 2 * 512));
    pt_destroy(root);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(a_full_table_counts_to_512)
{
    struct ukern *m = harness_make(600 * FRAME_SIZE);
    struct frame_id root, f;
    ck_ok(pt_new(&root));
    for (uint64_t i = 0; i < 512; i++) /* at the lowest level, and at the one above */
        ck_ok(pt_insert(root, i * 4096, (struct frame_id){ (uint32_t)i }, PERM_ALL));
    for (uint64_t i = 1; i < 512; i++)
        ck_ok(pt_insert(root, i << 21, (struct frame_id){ (uint32_t)i }, PERM_ALL));
    ck_assert_uint_eq(frame_used(), 1 + 2 + 512);
    for (uint64_t i = 512; i-- > 1;)
        ck_ok(pt_remove(root, i << 21, &f));
    ck_assert_uint_eq(frame_used(), 1 + 2 + 1);
    for (uint64_t i = 0; i < 512; i++) {
        ck_ok(pt_remove(root, i * 4096, &f));
        ck_assert_uint_eq(f.n, i);
    }
    ck_assert_uint_eq(frame_used(), 1);
    harness_free(m);
}
END_TEST

START_TEST(roots_are_apart)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct frame_id a, b, f, page;
    uint32_t perm;
    ck_ok(pt_new(&a));
    ck_ok(pt_new(&b));
    ck_ok(pt_insert(a, 0x7000, (struct frame_id){ 11 }, PERM_USER));
    ck_status(pt_read(b, 0x7000, &f, &perm), UKERN_NOTFOUND);
    ck_ok(container_alloc(ROOT_CONTAINER, &page));
    ck_ok(pt_insert(b, 0x7000, page, PERM_WRITE));
    pt_destroy(b);
    ck_assert_uint_eq(frame_used(), 4 + 1); /* a's tables, and the page: it is the caller's */
    ck_ok(container_free(page));
    ck_ok(pt_read(a, 0x7000, &f, &perm));
    ck_assert(f.n == 11 && perm == PERM_USER);
    leave_free(0);
    ck_status(pt_new(&b), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt", random_calls_agree_with_the_model_and_the_processor, no_frame_for_a_table_changes_nothing,
              prepared_ranges_take_all_or_nothing, ranges_that_wrap_are_refused, prepared_tables_go_with_the_root_or_a_removal,
              a_full_table_counts_to_512, roots_are_apart)
