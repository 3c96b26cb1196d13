/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt_bit: a set of ids against a model, up to its limit. */
#include "mm/pt_bit.h"
#include "harness.h"

enum { MOST = 200 };

static struct ukern *machine_with(uint32_t tasks, uint32_t vms, enum ukern_limits limits)
{
    struct ukern *m = NULL;
    bool normal = limits == UKERN_LIMITS_MCERTIKOS; /* its normal frames begin at 1 GiB */
    struct ukern_params p = { .max_tasks = tasks, .max_vms = vms, .limits = limits, .ram = normal ? (1 << 30) + (4 << 20) : 0 };
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    return m;
}

START_TEST(the_lowest_free_id_up_to_the_limit)
{
    static const struct { uint32_t tasks, vms; } sizes[] = { { 1, 1 }, { 60, 3 }, { 60, 4 }, { 60, 5 }, { 128, 1 }, { 100, 100 } };
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ukern *m = machine_with(sizes[i].tasks, sizes[i].vms, UKERN_LIMITS_OWN);
        uint32_t limit = sizes[i].tasks + sizes[i].vms;
        struct pt_id id = { 1234567 };
        for (uint32_t n = 0; n < limit; n++) {
            ck_assert(!pt_bit_is((struct pt_id){ n }));
            ck_ok(pt_bit_take(&id));
            ck_assert_uint_eq(id.n, n);
            ck_assert(pt_bit_is(id));
        }
        ck_status(pt_bit_take(&id), UKERN_NOMEM);
        ck_assert_uint_eq(id.n, limit - 1);
        const uint32_t none[] = { limit, limit + 1, (limit | 63) + 1, UINT32_MAX };
        for (uint32_t k = 0; k < COUNT_OF(none); k++) {
            ck_assert(!pt_bit_is((struct pt_id){ none[k] }));
            ck_status(pt_bit_give((struct pt_id){ none[k] }), UKERN_BADARG);
        }
        ck_ok(pt_bit_give((struct pt_id){ limit / 2 }));
        ck_status(pt_bit_give((struct pt_id){ limit / 2 }), UKERN_BADARG);
        ck_ok(pt_bit_take(&id));
        ck_assert_uint_eq(id.n, limit / 2);
        harness_free(m);
    }
}
END_TEST

START_TEST(random_calls_agree_with_a_set)
{
    struct ukern *m = machine_with(150, 23, UKERN_LIMITS_OWN);
    struct harness_random r = { 3 };
    bool taken[MOST] = { false };
    uint32_t limit = 173;
    for (uint32_t n = harness_rounds(20000); n; n--) {
        struct pt_id id = { (uint32_t)harness_below(&r, MOST) };
        /* long stretches in which it fills up, and others in which it empties */
        if (harness_below(&r, 10) < (n / 1000 % 2 ? 6 : 4)) {
            uint32_t lowest = 0;
            while (lowest < limit && taken[lowest])
                lowest++;
            ck_status(pt_bit_take(&id), lowest < limit ? UKERN_OK : UKERN_NOMEM);
            if (lowest < limit) {
                ck_assert_uint_eq(id.n, lowest);
                taken[lowest] = true;
            }
        } else {
            ck_status(pt_bit_give(id), taken[id.n] ? UKERN_OK : UKERN_BADARG);
            taken[id.n] = false;
        }
        ck_assert_int_eq(pt_bit_is(id), taken[id.n]);
    }
    for (uint32_t n = 0; n < MOST; n++)
        ck_assert_int_eq(pt_bit_is((struct pt_id){ n }), taken[n]);
    harness_free(m);
}
END_TEST

START_TEST(mcertikos_has_64_and_the_kernels_own)
{
    struct ukern *m = machine_with(1000, 8, UKERN_LIMITS_MCERTIKOS);
    struct pt_id id;
    ck_assert(pt_bit_is((struct pt_id){ 0 }));
    for (uint32_t n = 1; n < 64; n++) {
        ck_ok(pt_bit_take(&id));
        ck_assert_uint_eq(id.n, n);
    }
    ck_status(pt_bit_take(&id), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt_bit", the_lowest_free_id_up_to_the_limit, random_calls_agree_with_a_set, mcertikos_has_64_and_the_kernels_own)
