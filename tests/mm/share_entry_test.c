/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/share_entry: the hash table against an array of all pairs, and what happens when it is full. */
#include "mm/share_entry.h"
#include "harness.h"

enum { MAPS = 20, ENTRIES = 64 * MAPS };

static struct share_pair pair(uint32_t i, uint32_t j) { return (struct share_pair){ { i }, { j } }; }
static bool same(struct share_entry a, struct share_entry b) { return a.state == b.state && a.seen == b.seen && a.va == b.va; }

static uint32_t model_next(struct share_entry (*m)[MAPS], uint32_t i, uint32_t from)
{
    for (uint32_t j = from; j < MAPS; j++)
        if (j != i && (!same(m[i][j], SHARE_BOOT) || !same(m[j][i], SHARE_BOOT)))
            return j;
    return NO_ID;
}

static void agrees(struct share_entry (*m)[MAPS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MAPS; i++)
        for (uint32_t j = 0; j < MAPS; j++) {
            if (i == j)
                continue;
            struct share_entry e = share_entry_get(pair(i, j));
            ck_assert_msg(same(e, m[i][j]), "(%u, %u) is (%u, %u, %llx), expected (%u, %u, %llx)", i, j, e.state, e.seen,
                          (unsigned long long)e.va, m[i][j].state, m[i][j].seen, (unsigned long long)m[i][j].va);
            count += !same(e, SHARE_BOOT);
        }
    for (uint32_t i = 0; i < MAPS; i++)
        for (uint32_t from = 0; from <= MAPS; from++) {
            struct space_id j = { 4711 };
            uint32_t next = model_next(m, i, from);
            ck_status(share_entry_next((struct space_id){ i }, from, &j), next == NO_ID ? UKERN_NOTFOUND : UKERN_OK);
            ck_assert_uint_eq(j.n, next == NO_ID ? 4711 : next);
        }
    if (here->m->share_entry)
        ck_assert_uint_eq(share_entry_peek_count(), count);
}

START_TEST(random_calls_agree_with_the_model)
{
    static struct share_entry m[MAPS][MAPS];
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct ukern *k = harness_make(1 << 20);
        struct harness_random r = { seed };
        for (uint32_t i = 0; i < MAPS * MAPS; i++)
            (&m[0][0])[i] = SHARE_BOOT;
        for (uint32_t n = 0, rounds = harness_rounds(4000); n < rounds; n++) {
            uint32_t i = (uint32_t)harness_below(&r, MAPS), j = (i + 1 + (uint32_t)harness_below(&r, MAPS - 1)) % MAPS;
            struct share_entry e = { (uint32_t)harness_below(&r, 3), (uint32_t)harness_below(&r, 2), harness_below(&r, 4) << 12 };
            if (harness_below(&r, 3) == 0)
                e = SHARE_BOOT;
            ck_ok(share_entry_set(pair(i, j), e));
            m[i][j] = e;
            if (n % 100 == 0)
                agrees(m);
        }
        agrees(m);
        harness_free(k);
    }
}
END_TEST

/* Ids up to the limit of maps, so that more pairs exist than entries: with 20 maps of 64 entries each there are only 380. */
START_TEST(a_full_table_refuses_what_is_new)
{
    struct ukern *k;
    struct ukern_params p = { .max_tasks = 76, .max_vms = 4 }; /* 80 maps, 6320 pairs, 5120 entries */
    ck_ok(harness_boot(&p, 0, &k));
    const struct share_entry e = { SHARE_PENDING, 1, 0x5000 };
    uint32_t put = 0;
    for (uint32_t i = 0; i < 80; i++)
        for (uint32_t j = 0; j < 80; j++)
            if (i != j) {
                ck_status(share_entry_set(pair(i, j), e), put < 5120 ? UKERN_OK : UKERN_NOMEM);
                ck_assert(same(share_entry_get(pair(i, j)), put < 5120 ? e : SHARE_BOOT));
                put += put < 5120;
            }
    ck_assert_uint_eq(put, 5120);
    ck_ok(share_entry_set(pair(79, 78), SHARE_BOOT));       /* nothing, where nothing was */
    ck_ok(share_entry_set(pair(0, 1), (struct share_entry){ SHARE_READY, 0, 0 })); /* there is one already */
    ck_status(share_entry_set(pair(79, 78), e), UKERN_NOMEM);
    ck_ok(share_entry_set(pair(5, 6), SHARE_BOOT));
    ck_ok(share_entry_set(pair(79, 78), e));
    ck_status(share_entry_set(pair(5, 6), e), UKERN_NOMEM);
    for (uint32_t i = 0; i < 80; i++)
        for (uint32_t j = 0; j < 80; j++)
            if (i != j)
                ck_ok(share_entry_set(pair(i, j), SHARE_BOOT));
    struct space_id j;
    ck_status(share_entry_next((struct space_id){ 3 }, 0, &j), UKERN_NOTFOUND);
    ck_ok(share_entry_set(pair(5, 6), e));
    harness_free(k);
}
END_TEST

START_TEST(every_pair_of_mcertikos_fits)
{
    struct ukern *k;
    struct ukern_params p = { .limits = UKERN_LIMITS_MCERTIKOS, .ram = 1 << 20 };
    if (harness_boot(&p, 0, &k) != UKERN_OK) /* its kernel frames begin below 1 GiB: no NORMAL frame in so little memory */
        return;
    for (uint32_t i = 0; i < 64; i++)
        for (uint32_t j = 0; j < 64; j++)
            if (i != j)
                ck_ok(share_entry_set(pair(i, j), (struct share_entry){ SHARE_DEAD, 0, 0 }));
    harness_free(k);
}
END_TEST

HARNESS_TESTS("mm/share_entry", random_calls_agree_with_the_model, a_full_table_refuses_what_is_new, every_pair_of_mcertikos_fits)
