/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/bits, and of what core/maths asks it: against a search through all numbers. */
#include "harness.h"
#ifdef UKERN_CHECK
#include "core/maths.h"
#include <stdlib.h>

static struct ukern *m;
static struct maths all;

static __attribute__((noreturn)) void full(struct check_heap *h, size_t wanted)
{
    ck_abort_msg("%zu bytes of %zu are used, %zu were wanted", h->used, h->size, wanted);
    abort();
}

static void setup(void)
{
    struct ukern_params p = { .ram = 1 << 20 };
    ck_ok(harness_boot(&p, 64 << 20, &m));
    ck_ok(check_heap_make(&all.heap, &m->arena, 16 << 20, false, full));
    all.first = NULL;
    all.last = &all.first;
}

static void compare(const struct bits *b, const uint8_t *member, uint64_t numbers, uint64_t from)
{
    uint64_t expected = from, got = bits_next(b, from);
    while (expected < numbers && !member[expected])
        expected++;
    if (expected == numbers) /* the rest has members or has none */
        ck_assert_msg(b->rest ? got >= numbers && got != UINT64_MAX : got == UINT64_MAX, "from %lu: %lu", (long)from, (long)got);
    else
        ck_assert_msg(got == expected, "from %lu: expected %lu, got %lu", (long)from, (long)expected, (long)got);
}

static void against_search(uint64_t numbers, bool rest)
{
    struct bits b = { .rest = rest };
    struct harness_random r = { numbers };
    uint8_t *member = malloc(numbers);
    memset(member, rest, numbers);
    for (uint32_t step = 0; step < harness_rounds(3000); step++) {
        uint64_t at = harness_below(&r, numbers), n = harness_below(&r, 20) == 0 ? harness_below(&r, 300) : 1;
        bool put = harness_below(&r, 2);
        for (uint64_t i = at; i < at + n && i < numbers; i++) {
            member[i] = put;
            bits_put(&b, &all.heap, i, put);
        }
        compare(&b, member, numbers, harness_below(&r, numbers));
        compare(&b, member, numbers, at);
    }
    free(member);
}

START_TEST(the_next_member_is_found)
{
    setup();
    static const uint64_t numbers[] = { 1, 63, 64, 65, 4096, 5000, 262144, 300000 };
    for (size_t i = 0; i < 2 * COUNT_OF(numbers); i++)
        against_search(numbers[i / 2], i % 2);
    harness_free(m);
}
END_TEST

START_TEST(nothing_was_put)
{
    struct bits none = { .rest = false }, every = { .rest = true };
    ck_assert_uint_eq(bits_next(&none, 0), UINT64_MAX);
    ck_assert_uint_eq(bits_next(&every, 77), 77);
}
END_TEST

START_TEST(a_map_knows_its_next_key)
{
    setup();
    struct journal j = { 0 };
    struct maths *before = m->maths;
    struct journal *journal = here->journal;
    m->maths = &all;
    here->journal = &j;
    struct map map;
    uint32_t v = 7;
    map_init(&map, "test.map", 4, sizeof v, false);
    ck_assert_uint_eq(map_next_absent(&map, 3), 3);
    for (uint64_t k = 10; k < 5000; k++) /* half of them before the first question of this map, half after */
        map_put(&map, k, &v);
    ck_assert_uint_eq(map_next(&map, 0), 10);
    ck_assert_uint_eq(map_next_absent(&map, 10), 5000);
    map_put(&map, 4000, NULL);
    ck_assert_uint_eq(map_next_absent(&map, 10), 4000);
    ck_assert_uint_eq(map_next(&map, 4000), 4001);
    ck_assert(change_undo(&j.at[j.n - 1]));
    ck_assert_uint_eq(map_next_absent(&map, 10), 5000);
    change_redo(&j.at[j.n - 1]);
    ck_assert_uint_eq(map_next_absent(&map, 10), 4000);
    ck_assert_uint_eq(map_next(&map, 5000), UINT64_MAX);
    struct map late;
    map_init(&late, "test.late", 4, sizeof v, false);
    map_put(&late, 5, &v);
    map_put(&late, 70, &v);
    map_put(&late, 5, NULL);
    ck_assert_uint_eq(map_next(&late, 0), 70);
    ck_assert_uint_eq(map_next_absent(&late, 70), 71);
    m->maths = before;
    here->journal = journal;
    harness_free(m);
}
END_TEST

HARNESS_TESTS("bits", the_next_member_is_found, nothing_was_put, a_map_knows_its_next_key)
#else
START_TEST(the_fast_build_has_none)
{
}
END_TEST
HARNESS_TESTS("bits", the_fast_build_has_none)
#endif
