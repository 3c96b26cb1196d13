/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/memmap: good and bad maps, and random ones against a search through all regions. */
#include "mm/memmap.h"
#include "harness.h"

enum { FRAMES = 1024, OWN = 64, SPARE = 512, SPARES = 16 }; /* the maps are of the first OWN frames; a boot needs some more */

static enum ukern_status boot_exactly(const struct ukern_region *regions, size_t n, struct ukern **ret_machine)
{
    struct ukern_params p = { .ram = FRAMES * FRAME_SIZE, .regions = regions, .region_count = n };
    return harness_boot(&p, 0, ret_machine);
}

static enum ukern_status boot(const struct ukern_region *regions, size_t n, struct ukern **ret_machine)
{
    struct ukern_region all[MEMMAP_REGIONS + 2] = { { SPARE * FRAME_SIZE, SPARES * FRAME_SIZE, true } };
    memcpy(all + 1, regions, n * sizeof *regions);
    return boot_exactly(all, n + 1, ret_machine);
}

static void refused(const struct ukern_region *regions, size_t n, const char *text)
{
    struct ukern *m = NULL;
    ck_status(boot_exactly(regions, n, &m), UKERN_BADARG);
    ck_assert_ptr_null(m);
    ck_assert_msg(!harness_all_code() || strstr(harness_error(), text), "the message is \"%s\", expected in it: \"%s\"", harness_error(), text);
}

START_TEST(without_regions_all_is_usable)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct memmap_region r;
    ck_assert_uint_eq(memmap_count(), 1);
    ck_ok(memmap_region(0, &r));
    ck_assert(r.start == 0 && r.length == 64 * FRAME_SIZE && r.usable == 1);
    r.start = 4711;
    ck_status(memmap_region(1, &r), UKERN_NOTFOUND);
    ck_status(memmap_region(UINT32_MAX, &r), UKERN_NOTFOUND);
    ck_assert_uint_eq(r.start, 4711);
    for (uint32_t n = 0; n < 64; n++)
        ck_assert(memmap_usable((struct frame_id){ n }));
    ck_assert(!memmap_usable((struct frame_id){ 64 }) && !memmap_usable(NO_FRAME));
    harness_free(m);
}
END_TEST

START_TEST(a_frame_must_lie_in_one_usable_region_whole)
{
    /* given out of order: 0 reserved; 1 ends one byte early; 4..5 are cut at both sides; 8 lies in two regions */
    const struct ukern_region regions[] = {
        { 8 * 4096, 2048, true },      { 4 * 4096 + 1, 3 * 4096 - 2, true }, { 8 * 4096 + 2048, 2048 + 4096, true },
        { 0, 4096, false },            { 4096, 4095, true },                  { 2 * 4096, 4096, true },
    };
    struct ukern *m;
    ck_ok(boot(regions, COUNT_OF(regions), &m));
    ck_assert_uint_eq(memmap_count(), COUNT_OF(regions) + 1);
    for (uint32_t n = 0; n < FRAMES; n++) {
        bool expected = n == 2 || n == 5 || n == 9 || (n >= SPARE && n < SPARE + SPARES);
        ck_assert_msg(memmap_usable((struct frame_id){ n }) == expected, "frame %u", n);
    }
    uint64_t from = 0;
    for (uint32_t i = 0; i < memmap_count(); i++) { /* in order of address, as they were given */
        struct memmap_region r;
        ck_ok(memmap_region(i, &r));
        ck_assert_uint_ge(r.start, from);
        from = r.start + r.length;
    }
    harness_free(m);
}
END_TEST

START_TEST(bad_maps_are_refused_with_a_text)
{
    struct ukern_region many[MEMMAP_REGIONS + 1];
    for (uint32_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct ukern_region){ i * 16, 16, true };
    refused(many, COUNT_OF(many), "at most 64 memory regions");
    refused((struct ukern_region[]){ { 4096, 0, true } }, 1, "is empty");
    refused((struct ukern_region[]){ { 0, FRAMES * 4096 + 1, true } }, 1, "leaves the memory");
    refused((struct ukern_region[]){ { FRAMES * 4096, 1, true } }, 1, "leaves the memory");
    refused((struct ukern_region[]){ { UINT64_MAX - 10, 100, false } }, 1, "leaves the memory");
    refused((struct ukern_region[]){ { 4096, UINT64_MAX, true } }, 1, "leaves the memory");
    refused((struct ukern_region[]){ { 0, 4097, true }, { 4096, 8192, true } }, 2, "regions 0x1000..0x3000 and 0..0x1001 overlap");
    refused((struct ukern_region[]){ { 0, 4096, true }, { 8192, 4096, true }, { 4096, 4097, true } }, 3,
            "regions 0x1000..0x2001 and 0x2000..0x3000 overlap");
    refused((struct ukern_region[]){ { 4096, 4096, true }, { 0, 4097, false } }, 2, "overlap");
    refused((struct ukern_region[]){ { 0, 40960, true }, { 4096, 4096, false } }, 2, "overlap");
    refused((struct ukern_region[]){ { 4096, 4096, true }, { 4096, 4096, true } }, 2, "overlap");
    struct ukern *m;
    ck_ok(boot(many, MEMMAP_REGIONS - 1, &m));
    ck_assert_uint_eq(memmap_count(), MEMMAP_REGIONS);
    harness_free(m);
}
END_TEST

static bool model_usable(const struct ukern_region *regions, size_t n, uint64_t start)
{
    for (size_t i = 0; i < n; i++)
        if (regions[i].usable && regions[i].start <= start && start + 4096 <= regions[i].start + regions[i].length)
            return true;
    return false;
}

START_TEST(random_maps_agree_with_a_plain_search)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct harness_random r = { seed };
        struct ukern_region regions[MEMMAP_REGIONS];
        size_t n = 0;
        for (uint64_t at = harness_below(&r, 3) * 1000; n < MEMMAP_REGIONS - 1 && at < 63 * 4096; n++) {
            uint64_t length = 1 + harness_below(&r, harness_below(&r, 2) ? 300 : 30000);
            if (length > 64 * 4096 - at)
                length = 64 * 4096 - at;
            regions[n] = (struct ukern_region){ at, length, harness_below(&r, 4) != 0 };
            at += length + (harness_below(&r, 2) ? harness_below(&r, 9000) : 0);
        }
        for (size_t i = n; i > 1; i--) { /* in any order */
            size_t k = harness_below(&r, i);
            struct ukern_region swap = regions[k];
            regions[k] = regions[i - 1];
            regions[i - 1] = swap;
        }
        struct ukern *m;
        ck_ok(boot(regions, n, &m));
        for (uint32_t f = 0; f < 64; f++) {
            bool expected = model_usable(regions, n, f * UINT64_C(4096));
            ck_assert_msg(memmap_usable((struct frame_id){ f }) == expected, "seed %lu frame %u", (unsigned long)seed, f);
        }
        harness_free(m);
    }
}
END_TEST

HARNESS_TESTS("mm/memmap",
    without_regions_all_is_usable, a_frame_must_lie_in_one_usable_region_whole, bad_maps_are_refused_with_a_text,
    random_maps_agree_with_a_plain_search)
