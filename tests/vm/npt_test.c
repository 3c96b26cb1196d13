/* SPDX-License-Identifier: BSD-2-Clause */
/* The nested page table against a model, and KVM's slots against both: KVM itself is asked whether a page has a slot. */
#include "host/kvm.h"
#include "host/ram.h"
#include "mm/frame.h"
#include "mm/container.h"
#include "mm/space.h"
#include "vm/guests.h"
#include "vm/npt.h"

enum { PAGES = 48, STEPS = 150, PROBE = 500 };
#define VA UINT64_C(0x40000000)

static struct kvm_host host;
static struct kvm_guest guest;
static struct npt npt;
static struct space_id space;
static bool model[PAGES + 1];

static struct ukern *set_up(void)
{
    struct ukern *m = harness_make(4 << 20);
    kvm_open(m, &host);
    ck_assert_msg(host.fd >= 0, "%s", host.why);
    ck_ok(kvm_guest_make(&host, false, &guest));
    ck_ok(space_new(ROOT_CONTAINER, &space));
    ck_ok(space_map(space, VA, PAGES, PERM_USER | PERM_WRITE));
    ck_ok(npt_new(&guest, host.slots, &npt));
    memset(model, 0, sizeof model);
    return m;
}

static void tear_down(struct ukern *m)
{
    kvm_guest_free(&guest);
    npt_destroy(&npt);
    space_destroy(space);
    ck_assert_uint_eq(frame_used(), 0);
    kvm_close(&host);
    harness_free(m);
}

/* KVM refuses a slot that overlaps another. */
static bool has_slot(uint64_t page)
{
    if (kvm_guest_slot(&guest, PROBE, page << FRAME_SHIFT, window_base(npt.id), FRAME_SIZE) != UKERN_OK)
        return true;
    ck_ok(kvm_guest_slot(&guest, PROBE, 0, NULL, 0));
    return false;
}

static void compare(void)
{
    uint32_t runs = 0;
    for (uint32_t i = 0; i < PAGES; i++) {
        struct frame_id f = NO_FRAME, own;
        uint32_t perm;
        enum ukern_status st = npt_read(&npt, (uint64_t)i << FRAME_SHIFT, &f);
        ck_status(st, model[i] ? UKERN_OK : UKERN_NOTFOUND);
        ck_assert_msg(has_slot(i) == model[i], "page %u: KVM %s a slot for it", i, model[i] ? "lacks" : "has");
        runs += model[i] && !model[i + 1];
        if (!model[i])
            continue;
        ck_ok(space_read(space, VA + ((uint64_t)i << FRAME_SHIFT), &own, &perm));
        ck_assert(own.n == f.n && frame_refs(f) == 2);
        frame_bytes(f)[i] = (uint8_t)(i + 1);
        ck_assert_uint_eq(window_base(npt.id)[((uint64_t)i << FRAME_SHIFT) + i], i + 1);
    }
    ck_assert_uint_eq(npt.runs, runs);
}

static bool all(uint32_t first, uint32_t n, bool what)
{
    for (uint32_t i = first; i < first + n; i++)
        if (model[i] != what)
            return false;
    return true;
}

START_TEST(random_maps_and_unmaps)
{
    struct harness_random random = { 5 };
    struct ukern *m = set_up();
    for (int step = 0; step < STEPS; step++) {
        uint32_t first = (uint32_t)harness_below(&random, PAGES), n = (uint32_t)harness_below(&random, PAGES - first < 9 ? PAGES - first : 9) + 1;
        uint64_t gpa = (uint64_t)first << FRAME_SHIFT, bytes = (uint64_t)n << FRAME_SHIFT;
        bool map = harness_below(&random, 5) < 3, fits = all(first, n, !map);
        if (map)
            ck_status(npt_map(&npt, gpa, space, VA + gpa, bytes), fits ? UKERN_OK : UKERN_EXISTS);
        else
            ck_status(npt_unmap(&npt, gpa, bytes), fits ? UKERN_OK : UKERN_NOTFOUND);
        for (uint32_t i = first; fits && i < first + n; i++)
            model[i] = map;
        if (step % 5 == 0)
            compare();
    }
    compare();
    tear_down(m);
}
END_TEST

/* Every shape of cut and of growth, by hand. */
START_TEST(splits_and_merges)
{
    static const struct { bool map; uint32_t first, n, runs; } rows[] = {
        { true, 10, 10, 1 }, { false, 14, 2, 2 },  { true, 14, 1, 2 }, { true, 15, 1, 1 }, { false, 10, 1, 1 }, { false, 19, 1, 1 },
        { true, 5, 5, 1 + 1 }, { true, 10, 1, 1 }, { true, 30, 2, 2 }, { true, 19, 11, 1 }, { false, 5, 27, 0 },
    };
    struct ukern *m = set_up();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t gpa = (uint64_t)rows[i].first << FRAME_SHIFT, bytes = (uint64_t)rows[i].n << FRAME_SHIFT;
        ck_ok(rows[i].map ? npt_map(&npt, gpa, space, VA + gpa, bytes) : npt_unmap(&npt, gpa, bytes));
        memset(model + rows[i].first, rows[i].map, rows[i].n);
        ck_assert_uint_eq(npt.runs, rows[i].runs);
        compare();
    }
    tear_down(m);
}
END_TEST

/* Without frames for its tables a map fails, and nothing has changed. */
START_TEST(out_of_frames)
{
    struct ukern *m = set_up();
    struct frame_id taken[4096];
    uint32_t n = 0, used = frame_used();
    while (container_alloc(ROOT_CONTAINER, &taken[n]) == UKERN_OK)
        n++;
    for (uint32_t spare = 0; spare < 3; spare++) { /* three tables are missing below the root */
        ck_status(npt_map(&npt, 0x1000, space, VA, 0x2000), UKERN_NOMEM);
        compare();
        ck_assert_uint_eq(frame_used(), used + n);
        container_free(taken[--n]);
    }
    ck_ok(npt_map(&npt, 0x1000, space, VA + 0x1000, 0x2000));
    model[1] = model[2] = true;
    compare();
    while (n)
        container_free(taken[--n]);
    tear_down(m);
}
END_TEST

int main(void)
{
    guests_require();
    return harness_main("npt", (const TTest *const[]){ random_maps_and_unmaps, splits_and_merges, out_of_frames, NULL });
}
