/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance of mm/frame_type, mm/frame and mm/container to mCertiKOS, under limits = mcertikos: what its layers MALOp, MALT and
 * MContainer say of each call, value for value, frame numbers and ids, too. The model here is written from those layers. */
#include "harness.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/frame_type.h"

enum { KERN_LOW = 262144, KERN_HIGH = 983040, NUM_ID = 64, MAX_CHILDREN = 3 };

static const struct container_id root = { 0 };

static struct ukern *boot(uint64_t frames, const struct ukern_region *regions, size_t n)
{
    struct ukern_params p = { .ram = frames * FRAME_SIZE, .regions = regions, .region_count = n, .limits = UKERN_LIMITS_MCERTIKOS };
    struct ukern *m = NULL;
    ck_ok(harness_boot(&p, 0, &m));
    return m;
}

static void is(struct container_id id, uint32_t quota, uint32_t usage, uint32_t parent, uint32_t children)
{
    struct container_info i;
    ck_ok(container_info(id, &i));
    ck_assert_msg(i.quota == quota && i.usage == usage && i.parent.n == parent && i.children == children,
                  "container %u: quota %u usage %u parent %u children %u, expected %u %u %u %u", id.n, i.quota, i.usage, i.parent.n,
                  i.children, quota, usage, parent, children);
}

/* The machine of mCertiKOS's closed proof: one region of 1 GiB and one page. */
START_TEST(the_sample_machine_has_one_normal_page)
{
    static const struct ukern_region one[] = { { 0, 1073745920, true } };
    struct ukern *m = boot(KERN_LOW + 1, one, 1);
    struct frame_id f = { 4711 };
    struct container_id child;
    ck_assert_uint_eq(frame_type_normals(), 1);
    ck_assert_int_eq(frame_type_of((struct frame_id){ 0 }), FRAME_KERNEL);
    ck_assert_int_eq(frame_type_of((struct frame_id){ KERN_LOW - 1 }), FRAME_KERNEL);
    ck_assert_int_eq(frame_type_of((struct frame_id){ KERN_LOW }), FRAME_NORMAL);
    ck_assert_int_eq(frame_type_of((struct frame_id){ KERN_LOW + 1 }), FRAME_RESERVED);
    is(root, 1, 0, 0, 0);
    ck_ok(container_alloc(root, &f));
    ck_assert_uint_eq(f.n, KERN_LOW);
    is(root, 1, 1, 0, 0);
    ck_status(container_alloc(root, &f), UKERN_NOMEM);
    ck_status(container_split(root, 1, &child), UKERN_NOMEM);
    ck_ok(container_split(root, 0, &child));
    ck_assert_uint_eq(child.n, 1);
    harness_free(m);
}
END_TEST

START_TEST(the_type_of_a_page_follows_from_its_address)
{
    static const struct ukern_region regions[] = {
        { 0, UINT64_C(100) << 12, true },                         /* what the kernel's tables need */
        { UINT64_C(261000) << 12, UINT64_C(2000) << 12, true },   /* over the lower border */
        { UINT64_C(300000) << 12, UINT64_C(10) << 12, false },
        { (UINT64_C(400000) << 12) + 1, UINT64_C(3) << 12, true }, /* whole pages only: 400001, 400002 */
        { UINT64_C(982000) << 12, UINT64_C(3000) << 12, true },   /* over the upper border */
    };
    const struct { uint32_t page; enum frame_type type; } of[] = {
        { 0, FRAME_KERNEL }, { 200, FRAME_KERNEL }, { KERN_LOW - 1, FRAME_KERNEL }, { KERN_LOW, FRAME_NORMAL }, { 262999, FRAME_NORMAL },
        { 263000, FRAME_RESERVED }, { 300005, FRAME_RESERVED }, { 400000, FRAME_RESERVED }, { 400001, FRAME_NORMAL }, { 400002, FRAME_NORMAL },
        { 400003, FRAME_RESERVED }, { 982000, FRAME_NORMAL }, { KERN_HIGH - 1, FRAME_NORMAL }, { KERN_HIGH, FRAME_KERNEL },
        { 999999, FRAME_KERNEL }, { 1000000, FRAME_RESERVED },
    };
    struct ukern *m = boot(1000000, regions, COUNT_OF(regions));
    for (uint32_t i = 0; i < COUNT_OF(of); i++)
        ck_assert_msg(frame_type_of((struct frame_id){ of[i].page }) == of[i].type, "page %u is not of type %d", of[i].page, of[i].type);
    uint32_t normals = 263000 - KERN_LOW + 2 + KERN_HIGH - 982000;
    ck_assert_uint_eq(frame_type_normals(), normals);
    is(root, normals, 0, 0, 0); /* root's quota: the free Norm pages */
    harness_free(m);
}
END_TEST

START_TEST(without_normal_pages_there_is_no_machine)
{
    struct ukern_params p = { .ram = UINT64_C(1) << 30, .limits = UKERN_LIMITS_MCERTIKOS };
    struct ukern *m = NULL;
    ck_status(harness_boot(&p, 0, &m), UKERN_NOMEM); /* all of it is the kernel's */
    static const struct ukern_region high[] = { { UINT64_C(300000) << 12, 4096 * 100, true } };
    p = (struct ukern_params){ .ram = UINT64_C(2) << 30, .limits = UKERN_LIMITS_MCERTIKOS, .regions = high, .region_count = 1 };
    ck_status(harness_boot(&p, 0, &m), UKERN_NOMEM); /* nothing of it is */
    ck_assert_ptr_null(m);
}
END_TEST

START_TEST(a_child_is_three_times_its_parent_and_one_more)
{
    struct ukern *m = boot(KERN_LOW + 1000, NULL, 0);
    struct container_id child;
    for (uint32_t id = 0; id < NUM_ID; id++) /* in this order each parent is there before its children */
        for (uint32_t n = 0; n <= MAX_CHILDREN; n++) {
            uint32_t expected = 3 * id + 1 + n;
            child.n = 4711;
            enum ukern_status st = container_split((struct container_id){ id }, 0, &child);
            ck_status(st, n < MAX_CHILDREN && expected < NUM_ID ? UKERN_OK : UKERN_NOMEM);
            ck_assert_uint_eq(child.n, st == UKERN_OK ? expected : 4711);
        }
    for (uint32_t id = 1; id < NUM_ID; id++)
        is((struct container_id){ id }, 0, 0, (id - 1) / 3, id < 21 ? 3 : 0); /* 21 would have 64 */
    ck_status(container_split((struct container_id){ NUM_ID }, 0, &child), UKERN_BADARG);
    /* What CertiKOS lacks: after a revoke, the lowest free number. */
    ck_ok(container_revoke((struct container_id){ 62 }));
    ck_ok(container_split((struct container_id){ 20 }, 0, &child));
    ck_assert_uint_eq(child.n, 62);
    harness_free(m);
}
END_TEST

/* ---- random calls against AT and AC ---- */

enum { PAGES = 90 };

struct at_ac {
    bool allocated[PAGES];
    uint32_t payer[PAGES];
    struct { bool used; uint32_t quota, usage, parent, children; } ac[NUM_ID];
};

static void model_alloc(struct at_ac *m, uint32_t id)
{
    struct frame_id f = { 4711 };
    bool used = id < NUM_ID && m->ac[id].used;
    uint32_t page = 0;
    while (page < PAGES && m->allocated[page])
        page++;
    if (!used || m->ac[id].usage >= m->ac[id].quota) {
        ck_status(container_alloc((struct container_id){ id }, &f), used ? UKERN_NOMEM : UKERN_BADARG);
        ck_assert_uint_eq(f.n, 4711);
        return;
    }
    ck_assert_uint_lt(page, PAGES); /* CertiKOS's invariant: within a quota there is a page */
    ck_ok(container_alloc((struct container_id){ id }, &f));
    ck_assert_uint_eq(f.n, KERN_LOW + page);
    m->allocated[page] = true;
    m->payer[page] = id;
    m->ac[id].usage++;
}

static void model_free(struct at_ac *m, uint32_t page)
{
    ck_status(container_free((struct frame_id){ KERN_LOW + page }), m->allocated[page] ? UKERN_OK : UKERN_BADARG);
    if (m->allocated[page])
        m->ac[m->payer[page]].usage--;
    m->allocated[page] = false;
}

static void model_split(struct at_ac *m, uint32_t id, uint32_t quota)
{
    struct container_id child;
    bool used = id < NUM_ID && m->ac[id].used;
    uint32_t next = used ? 3 * id + 1 + m->ac[id].children : 0;
    bool can = used && m->ac[id].children < MAX_CHILDREN && next < NUM_ID && quota <= m->ac[id].quota - m->ac[id].usage;
    ck_assert(container_can_consume((struct container_id){ id }, quota) == (used && quota <= m->ac[id].quota - m->ac[id].usage));
    ck_status(container_split((struct container_id){ id }, quota, &child), can ? UKERN_OK : used ? UKERN_NOMEM : UKERN_BADARG);
    if (!can)
        return;
    ck_assert_uint_eq(child.n, next);
    m->ac[id].usage += quota;
    m->ac[id].children++;
    m->ac[next].used = true;
    m->ac[next].quota = quota;
    m->ac[next].parent = id;
}

START_TEST(random_calls_are_mcertikos)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct harness_random r = { seed };
        struct at_ac m = { 0 };
        struct ukern *machine = boot(KERN_LOW + PAGES, NULL, 0);
        m.ac[0].used = true;
        m.ac[0].quota = PAGES;
        is(root, PAGES, 0, 0, 0);
        for (uint32_t i = 0, n = harness_rounds(3000); i < n; i++) {
            uint32_t id = (uint32_t)harness_below(&r, harness_below(&r, 2) ? 6 : NUM_ID + 2);
            switch (harness_below(&r, 8)) {
            case 0: model_split(&m, id, (uint32_t)harness_below(&r, 12)); break;
            case 1: case 2: case 3: model_alloc(&m, id); break;
            default: model_free(&m, (uint32_t)harness_below(&r, PAGES));
            }
        }
        for (uint32_t id = 0; id < NUM_ID; id++)
            if (m.ac[id].used)
                is((struct container_id){ id }, m.ac[id].quota, m.ac[id].usage, m.ac[id].parent, m.ac[id].children);
        harness_free(machine);
    }
}
END_TEST

HARNESS_TESTS("mm/mcertikos_frames", the_sample_machine_has_one_normal_page, the_type_of_a_page_follows_from_its_address,
              without_normal_pages_there_is_no_machine, a_child_is_three_times_its_parent_and_one_more, random_calls_are_mcertikos)
