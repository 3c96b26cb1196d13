/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/frame_type: how many frames the kernel takes, runs over the holes of memory maps, random maps against a plain count. */
#include "mm/frame_type.h"
#include "harness.h"
#include "mm/memmap.h"

static enum ukern_status boot(uint64_t frames, const struct ukern_region *regions, size_t n, struct ukern **ret_machine)
{
    struct ukern_params p = { .ram = frames * FRAME_SIZE, .regions = regions, .region_count = n };
    return harness_boot(&p, 0, ret_machine);
}

/* Every frame's type, the runs and the kernel's frames agree with the memory map. */
static void agrees(uint32_t frames)
{
    uint32_t kernels = 0, normals = 0, run = 0, before = UINT32_MAX;
    struct frame_run r = { 0 };
    for (uint32_t n = 0; n < frames; n++) {
        enum frame_type expected = !memmap_usable((struct frame_id){ n })   ? FRAME_RESERVED
                                   : kernels < frame_type_kernels() ? FRAME_KERNEL
                                                                    : FRAME_NORMAL;
        ck_assert_msg(frame_type_of((struct frame_id){ n }) == expected, "frame %u is not of type %d", n, expected);
        if (expected == FRAME_KERNEL)
            ck_assert_uint_eq(frame_type_kernel(kernels++).n, n);
        if (expected != FRAME_NORMAL)
            continue;
        normals++;
        if (n != before + 1 || normals == 1) { /* a run begins; the one before was as long as it could be */
            ck_ok(frame_type_run(run++, &r));
            ck_assert_uint_eq(r.first.n, n);
        }
        ck_assert(n - r.first.n < r.count);
        before = n;
    }
    uint32_t in_runs = 0;
    for (uint32_t i = 0; i < run; i++) {
        ck_ok(frame_type_run(i, &r));
        in_runs += r.count;
    }
    ck_assert_uint_eq(frame_type_kernels(), kernels);
    ck_assert_uint_eq(frame_type_normals(), normals);
    ck_assert_uint_eq(in_runs, normals);
    r.count = 4711;
    ck_status(frame_type_run(run, &r), UKERN_NOTFOUND);
    ck_status(frame_type_run(UINT32_MAX, &r), UKERN_NOTFOUND);
    ck_assert_uint_eq(r.count, 4711);
    ck_assert_int_eq(frame_type_of((struct frame_id){ frames }), FRAME_RESERVED);
    ck_assert_int_eq(frame_type_of(NO_FRAME), FRAME_RESERVED);
}

START_TEST(the_kernel_takes_what_its_tables_need)
{
    /* ceil(n / 2^27) + ceil(n / 2^18) + (n % 512 ? 1 : 0), written out */
    static const struct { uint64_t frames; uint32_t kernels; } of[] = {
        { 512, 2 }, { 513, 3 }, { 1000, 3 }, { 1 << 18, 2 }, { (1 << 18) + 1, 4 }, { (1 << 18) + 512, 3 }, { 1 << 20, 5 },
    };
    for (uint32_t i = 0; i < COUNT_OF(of); i++) {
        struct ukern *m;
        ck_ok(boot(of[i].frames, NULL, 0, &m));
        ck_assert_uint_eq(frame_type_kernels(), of[i].kernels);
        ck_assert_uint_eq(frame_type_normals(), (uint32_t)of[i].frames - of[i].kernels);
        for (uint32_t k = 0; k < of[i].kernels; k++)
            ck_assert_uint_eq(frame_type_kernel(k).n, k);
        harness_free(m);
    }
}
END_TEST

START_TEST(too_little_memory_is_refused)
{
    static const struct ukern_region reserved[] = { { 0, 1000 * 4096, false } }, three[] = { { 40960, 3 * 4096, true } },
                                     cut[] = { { 1, 5 * 4096 - 2, true } }, four[] = { { 40960, 4 * 4096, true } };
    struct ukern *m = NULL;
    ck_status(boot(1, NULL, 0, &m), UKERN_NOMEM);
    ck_assert(!harness_all_code() || strstr(harness_error(), "needs 3 usable frames"));
    ck_status(boot(3, NULL, 0, &m), UKERN_NOMEM);
    ck_status(boot(1000, reserved, 1, &m), UKERN_NOMEM);
    ck_status(boot(1000, three, 1, &m), UKERN_NOMEM);
    ck_status(boot(1000, cut, 1, &m), UKERN_NOMEM);
    ck_assert_ptr_null(m);
    ck_ok(boot(4, NULL, 0, &m));
    agrees(4);
    harness_free(m);
    ck_ok(boot(1000, four, 1, &m));
    agrees(1000);
    harness_free(m);
}
END_TEST

START_TEST(the_kernels_frames_may_lie_in_several_regions)
{
    static const struct ukern_region regions[] = {
        { 700 * 4096, 10 * 4096, true }, { 5 * 4096, 4096, true }, { 9 * 4096, 4096, true }, { 20 * 4096, 8 * 4096, true }, { 28 * 4096, 4096, true },
        { 29 * 4096, 100, true }, { 40 * 4096 + 1, 4096, true }, { 50 * 4096, 4096, false },
    };
    struct ukern *m;
    struct frame_run r;
    ck_ok(boot(1000, regions, COUNT_OF(regions), &m)); /* 5, 9, 20 are the kernel's */
    ck_assert_uint_eq(frame_type_kernel(0).n, 5);
    ck_assert_uint_eq(frame_type_kernel(1).n, 9);
    ck_assert_uint_eq(frame_type_kernel(2).n, 20);
    ck_ok(frame_type_run(0, &r));
    ck_assert(r.first.n == 21 && r.count == 8); /* over the border of two regions */
    ck_ok(frame_type_run(1, &r));
    ck_assert(r.first.n == 700 && r.count == 10);
    agrees(1000);
    harness_free(m);
}
END_TEST

START_TEST(random_maps_agree_with_a_plain_count)
{
    uint32_t booted = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct harness_random r = { seed };
        struct ukern_region regions[MEMMAP_REGIONS];
        uint32_t frames = 300 + (uint32_t)harness_below(&r, 400);
        size_t n = 0;
        for (uint64_t at = harness_below(&r, 3) * 5000; n < MEMMAP_REGIONS && at < (frames - 1) * UINT64_C(4096); n++) {
            uint64_t length = 1 + harness_below(&r, harness_below(&r, 2) ? 9000 : 200000), left = frames * UINT64_C(4096) - at;
            length = harness_below(&r, 2) ? round_up(length, 4096) : length;
            regions[n] = (struct ukern_region){ at, length < left ? length : left, harness_below(&r, 5) != 0 };
            at += regions[n].length + (harness_below(&r, 2) ? harness_below(&r, 20000) : 0);
        }
        struct ukern *m;
        if (boot(frames, regions, n, &m) != UKERN_OK)
            continue;
        agrees(frames);
        harness_free(m);
        booted++;
    }
    ck_assert_uint_ge(booted, 100);
}
END_TEST

HARNESS_TESTS("mm/frame_type", the_kernel_takes_what_its_tables_need, too_little_memory_is_refused,
              the_kernels_frames_may_lie_in_several_regions, random_maps_agree_with_a_plain_count)
