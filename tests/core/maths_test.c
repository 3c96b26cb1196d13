/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/maths and of the words of core/spec.h: maps against an array, the journal, undo and redo, texts. */
#include "core/calculus.h"
#include "core/spec.h"
#include "harness.h"

enum { KEYS = 200 };
struct pair { uint32_t a, b; };
struct key { uint32_t high, low; };
static struct {
    MAP(uint32_t, struct pair) pair;
    MAP(struct key, uint64_t) wide;
    MAP(uint8_t, uint8_t) small;
    VAR(uint32_t) one;
    MAP(uint32_t, uint32_t) to;
} s;

static struct ukern *make(void)
{
    static const struct ukern_layer_mode both = { "all", UKERN_MODE_BOTH };
    struct ukern_params p = { .layers = &both, .layer_count = 1 };
    struct ukern *m;
    ck_ok(harness_boot(&p, 0, &m));
    INIT(s.pair, "pair");
    INIT(s.wide, "wide");
    INIT(s.small, "small");
    INIT(s.one, "one");
    INIT(s.to, "to");
    here->journal->n = 0;
    return m;
}

static void same(const bool *there, const struct pair *want)
{
    uint64_t n = 0, seen = 0;
    uint32_t wrong = KEYS;
    for (uint32_t k = 0; k < KEYS; k++) {
        struct pair got = get(s.pair, k);
        n += there[k];
        if (has(s.pair, k) != there[k] || got.a != (there[k] ? want[k].a : 0) || got.b != (there[k] ? want[k].b : 0))
            wrong = k;
    }
    ck_assert_uint_eq(wrong, KEYS);
    ck_assert_uint_eq(size(s.pair), n);
    EACH(s.pair, k) {
        ck_assert(k < KEYS && there[k]);
        seen++;
    }
    ck_assert_uint_eq(seen, n);
    uint32_t lowest = 0, absent = 0;
    while (lowest < KEYS && !there[lowest])
        lowest++;
    while (absent < KEYS && there[absent])
        absent++;
    if (n)
        ck_assert_uint_eq(first(s.pair), lowest);
    ck_assert_uint_eq(first_absent(s.pair, 0), absent);
}

START_TEST(a_map_is_what_was_put_into_it)
{
    struct ukern *m = make();
    bool there[KEYS] = { false };
    struct pair want[KEYS] = { { 0 } };
    struct harness_random r = { 3 };
    same(there, want);
    for (uint32_t turn = 0; turn < harness_rounds(60000); turn++) {
        /* phases of growing and of shrinking, so that chains of every length are deleted from */
        uint32_t k = (uint32_t)harness_below(&r, KEYS);
        bool put = harness_below(&r, 4) < (turn / 1000 % 2 ? 3u : 1u);
        there[k] = put;
        want[k] = (struct pair){ turn, k };
        if (put)
            set(s.pair, k, want[k]);
        else
            del(s.pair, k);
        if (turn % 64 == 0)
            same(there, want);
        here->journal->n = 0;
    }
    same(there, want);
    harness_free(m);
}
END_TEST

START_TEST(far_keys_collide_and_part)
{
    struct ukern *m = make();
    for (uint32_t n = 0; n < 3000; n++)
        set(s.wide, ((struct key){ n << 20, ~n }), (uint64_t)n);
    for (uint32_t n = 0; n < 3000; n += 3)
        del(s.wide, ((struct key){ n << 20, ~n }));
    for (uint32_t n = 0; n < 3000; n++) {
        ck_assert_int_eq(has(s.wide, ((struct key){ n << 20, ~n })), n % 3 != 0);
        ck_assert_uint_eq(get(s.wide, ((struct key){ n << 20, ~n })), n % 3 ? n : 0);
    }
    ck_assert_uint_eq(size(s.wide), 2000);
    for (uint32_t n = 0; n < 256; n++)
        set(s.small, (uint8_t)n, (uint8_t)~n);
    for (uint32_t n = 0; n < 256; n++)
        ck_assert_uint_eq(get(s.small, (uint8_t)n), (uint8_t)~n);
    harness_free(m);
}
END_TEST

START_TEST(words_nest_and_variables_are_maps)
{
    struct ukern *m = make();
    ck_assert_uint_eq(val(s.one), 0);
    let(s.one, 7);
    ck_assert_uint_eq(val(s.one), 7);
    set(s.to, 7, 8);
    set(s.to, 8, 9);
    ck_assert_uint_eq(get(s.to, get(s.to, val(s.one))), 9);
    set(s.to, get(s.to, 7), get(s.to, 8) + get(s.to, get(s.to, 7)));
    ck_assert_uint_eq(get(s.to, 8), 18);
    ck_assert(IS(s.to, &s.to.m) && !IS(s.to, &s.one.m));
    ck_assert_uint_eq(first(s.to), 7);
    ck_assert_uint_eq(first_absent(s.to, 7), 9);
    uint32_t n = 0;
    EACH(s.to, k) {
        if (k == 0)
            continue;
        n++;
        break;
    }
    ck_assert_uint_eq(n, 1);
    harness_free(m);
}
END_TEST

START_TEST(the_journal_has_each_change_once)
{
    struct ukern *m = make();
    struct journal *j = here->journal;
    set(s.to, 1, 5);
    set(s.to, 1, 5); /* no change */
    del(s.to, 2);    /* no change */
    set(s.to, 1, 6);
    del(s.to, 1);
    ck_assert_uint_eq(j->n, 3);
    ck_assert(!j->at[0].had && j->at[0].has && j->at[1].had && j->at[1].has && j->at[2].had && !j->at[2].has);
    char text[100];
    change_text(&j->at[0], text, sizeof text);
    ck_assert_str_eq(text, "to[1] : - -> 5");
    change_text(&j->at[2], text, sizeof text);
    ck_assert_str_eq(text, "to[1] : 6 -> -");
    set(s.pair, 3, ((struct pair){ 1, 2 }));
    change_text(&j->at[3], text, sizeof text);
    ck_assert_str_eq(text, "pair[3] : - -> 1,2");
    set(s.wide, ((struct key){ 4, 5 }), UINT64_C(0x123456789a));
    change_text(&j->at[4], text, sizeof text);
    ck_assert_str_eq(text, "wide[4,5] : - -> 0x123456789a");
    harness_free(m);
}
END_TEST

START_TEST(undo_and_redo_go_both_ways)
{
    struct ukern *m = make();
    struct journal *j = here->journal;
    struct harness_random r = { 11 };
    for (uint32_t k = 0; k < 40; k++)
        set(s.to, k, k + 1);
    for (uint32_t turn = 0; turn < harness_rounds(300); turn++) {
        uint64_t before = map_hash(&s.to.m);
        j->n = 0;
        for (uint32_t i = 0; i < 20; i++) {
            uint32_t k = (uint32_t)harness_below(&r, 60);
            if (harness_below(&r, 2))
                set(s.to, k, (uint32_t)harness_below(&r, 5));
            else
                del(s.to, k);
        }
        uint64_t after = map_hash(&s.to.m);
        struct change done[20];
        size_t n = j->n;
        memcpy(done, j->at, n * sizeof *done);
        for (size_t i = n; i-- > 0;)
            ck_assert(change_undo(&done[i]));
        ck_assert_uint_eq(map_hash(&s.to.m), before);
        j->n = 0;
        for (size_t i = 0; i < n; i++)
            change_redo(&done[i]);
        ck_assert_uint_eq(map_hash(&s.to.m), after);
        ck_assert_uint_eq(j->n, n);
    }
    j->n = 0;
    set(s.to, 1, 100);
    struct change c = j->at[0];
    set(s.to, 1, 101); /* somebody has been there since */
    ck_assert(!change_undo(&c));
    ck_assert_uint_eq(get(s.to, 1), 101);
    harness_free(m);
}
END_TEST

START_TEST(the_hash_is_of_the_content)
{
    struct ukern *m = make();
    for (uint32_t k = 0; k < 50; k++)
        set(s.to, k, k);
    uint64_t up = map_hash(&s.to.m);
    for (uint32_t k = 0; k < 50; k++)
        del(s.to, k);
    ck_assert_uint_eq(map_hash(&s.to.m), 0);
    for (uint32_t k = 50; k-- > 0;)
        set(s.to, k, k);
    ck_assert_uint_eq(map_hash(&s.to.m), up);
    set(s.to, 7, 8);
    ck_assert_uint_ne(map_hash(&s.to.m), up);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("maths", a_map_is_what_was_put_into_it, far_keys_collide_and_part, words_nest_and_variables_are_maps,
              the_journal_has_each_change_once, undo_and_redo_go_both_ways, the_hash_is_of_the_content)
