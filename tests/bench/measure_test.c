/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_test: the bench harness on a clock of its own, so that nothing depends on how fast or busy the host is.
 *
 * A side here has a price per operation and a noise that is a fixed sequence; what the harness makes of it is known. */
#include "../../bench/measure.c"
#include "harness.h"

struct fake { /* a side's behaviour, found through arg */
    double price;         /* ns per operation */
    double noise;         /* the price swings by this part of itself, either way */
    uint64_t stall_every; /* each so many runs, one takes ten times as long */
    uint64_t fail_after;  /* runs; 0: never */
    bool skip, refuse, frozen;
    uint64_t runs, open, closed;
    struct harness_random random;
};

static bool fake_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    struct fake *f = (struct fake *)(uintptr_t)arg;
    (void)place;
    if (f->skip || f->refuse) {
        *ret_skip = f->skip;
        snprintf(ret_why, BENCH_WHY, "not here");
        return false;
    }
    f->open++;
    *ret_state = f;
    return true;
}

static bool fake_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct fake *f = state;
    if (f->fail_after && f->runs >= f->fail_after) {
        snprintf(ret_why, BENCH_WHY, "run %llu failed", (unsigned long long)f->runs);
        return false;
    }
    f->runs++;
    double swing = f->noise * ((double)harness_below(&f->random, 2001) / 1000 - 1);
    double ns = f->frozen ? 0 : f->price * (double)n * (1 + swing);
    *ret_ns = (uint64_t)(f->stall_every && f->runs % f->stall_every == 0 ? 10 * ns : ns);
    return true;
}

static void fake_close(void *state)
{
    ((struct fake *)state)->closed++;
}

static struct bench_setting setting = { .block_ns = BENCH_MIN_NS, .blocks = 11, .judged = true };

/* The ratio of a subject to one floor with gate 1.1 and aim 1.02. */
static struct bench_result compared(struct fake *subject, struct fake *floor)
{
    const struct bench_side a = { "subject", "", 0, NULL, fake_open, fake_run, fake_close, (uint64_t)(uintptr_t)subject };
    const struct bench_side b = { "floor", "", 0, NULL, fake_open, fake_run, fake_close, (uint64_t)(uintptr_t)floor };
    const struct bench_figure figure = { .name = "t", .what = "", .cpus = BENCH_ONE_CPU, .subject = &a,
                                         .floor = { { &b, "P", 1.1, 1.02 } } };
    const struct bench_place place = { .cpus = BENCH_ONE_CPU };
    struct bench_result r;
    bench_measure(&figure, &place, &setting, &r);
    ck_assert_uint_eq(r.floors, 1);
    return r;
}

START_TEST(floor_against_itself_is_one)
{
    struct fake a = { .price = 3.4, .noise = 0.03, .random = { 1 } }, b = { .price = 3.4, .noise = 0.03, .random = { 2 } };
    struct bench_result r = compared(&a, &b);
    ck_assert(r.ratio[0].min <= 1 && 1 <= r.ratio[0].max);
    ck_assert_double_eq_tol(r.ratio[0].ratio, 1.0, 0.02);
    ck_assert_int_eq(r.ratio[0].verdict, BENCH_PASS);
}
END_TEST

START_TEST(a_fifth_more_work_is_one_point_two)
{
    struct fake a = { .price = 3.4 * 1.2, .noise = 0.03, .random = { 1 } }, b = { .price = 3.4, .noise = 0.03, .random = { 2 } };
    struct bench_result r = compared(&a, &b);
    ck_assert_double_eq_tol(r.ratio[0].ratio, 1.2, 0.03);
    ck_assert_int_eq(r.ratio[0].verdict, BENCH_FAIL);
    ck_assert(!r.ratio[0].aim_met);
}
END_TEST

START_TEST(price_is_found_over_nine_orders)
{
    for (double price = 0.25; price < 1e9; price *= 10) {
        struct fake a = { .price = price }, b = { .price = price };
        struct bench_result r = compared(&a, &b);
        ck_assert_msg(r.subject.median > 0.99 * price && r.subject.median < 1.01 * price, "price %g measured as %g", price,
                      r.subject.median);
        ck_assert(r.ratio[0].aim_met);
    }
}
END_TEST

/* One stalled run in so many moves neither median nor ratio. */
START_TEST(stalls_do_not_move_the_median)
{
    struct fake a = { .price = 50, .stall_every = 7 }, b = { .price = 50 };
    struct bench_result r = compared(&a, &b);
    ck_assert_double_eq_tol(r.ratio[0].ratio, 1.0, 0.02);
    ck_assert_msg(r.subject.max > 1.5 * r.subject.median, "the stalls were not even seen: max %g", r.subject.max);
}
END_TEST

START_TEST(an_unquiet_floor_gives_no_verdict)
{
    struct fake slow = { .price = 500 }, quick = { .price = 5 };
    struct fake noisy = { .price = 50, .noise = 0.3, .random = { 3 } }, also_noisy = noisy;
    struct bench_result over = compared(&slow, &noisy), under = compared(&quick, &also_noisy);
    ck_assert(over.floor[0].spread > BENCH_QUIET);
    ck_assert_int_eq(over.ratio[0].verdict, BENCH_UNQUIET);
    ck_assert_int_eq(under.ratio[0].verdict, BENCH_UNQUIET);
    ck_assert(!under.ratio[0].aim_met);
}
END_TEST

START_TEST(too_little_gives_no_verdict)
{
    struct bench_setting kept = setting;
    struct fake a = { .price = 5 }, b = { .price = 5 };
    setting.blocks = BENCH_MIN_BLOCKS - 1;
    ck_assert_int_eq(compared(&a, &b).ratio[0].verdict, BENCH_SHORT);
    setting = kept;
    setting.block_ns = BENCH_MIN_NS / 2;
    ck_assert_int_eq(compared(&a, &b).ratio[0].verdict, BENCH_SHORT);
    setting = kept;
    setting.judged = false;
    ck_assert_int_eq(compared(&a, &b).ratio[0].verdict, BENCH_NONE);
    setting = kept;
}
END_TEST

START_TEST(a_side_that_cannot_run_is_named)
{
    struct fake good = { .price = 5 }, skips = { .skip = true }, refuses = { .refuse = true }, frozen = { .frozen = true };
    struct fake breaks = { .price = 5, .fail_after = 20 };
    struct bench_result r = compared(&good, &skips);
    ck_assert_int_eq(r.subject.outcome, BENCH_MEASURED);
    ck_assert_int_eq(r.floor[0].outcome, BENCH_SKIPPED);
    ck_assert_str_eq(r.floor[0].why, "not here");
    ck_assert_int_eq(r.ratio[0].verdict, BENCH_NONE);
    ck_assert_int_eq(compared(&good, &refuses).floor[0].outcome, BENCH_FAILED);
    ck_assert_int_eq(compared(&frozen, &good).subject.outcome, BENCH_FAILED);
    r = compared(&breaks, &good);
    ck_assert_int_eq(r.subject.outcome, BENCH_FAILED);
    ck_assert_str_eq(r.subject.why, "run 20 failed");
    ck_assert_uint_eq(good.open, good.closed);
    ck_assert_uint_eq(breaks.open, breaks.closed);
}
END_TEST

/* Two threads that take turns are quick in short runs and slow in long ones: a block must not become a hundred. */
static bool moody_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct fake *f = state;
    (void)ret_why;
    *ret_ns = n < 2000 ? 400 * n : 40000 * n;
    f->price += (double)*ret_ns;
    return true;
}

START_TEST(a_side_with_two_speeds_stays_bounded)
{
    struct fake f = { 0 };
    const struct bench_side side = { "moody", "", 0, NULL, fake_open, moody_run, fake_close, (uint64_t)(uintptr_t)&f };
    const struct bench_figure figure = { .name = "t", .what = "", .cpus = BENCH_ONE_CPU, .subject = &side };
    const struct bench_place place = { .cpus = BENCH_ONE_CPU };
    struct bench_result r;
    bench_measure(&figure, &place, &setting, &r);
    ck_assert_int_eq(r.subject.outcome, BENCH_MEASURED);
    ck_assert_msg(f.price < 11 * 200e6, "11 blocks of 10 ms took %.0f ms", f.price / 1e6);
}
END_TEST

START_TEST(medians)
{
    ck_assert_double_eq(bench_median((double[]){ 3 }, 1), 3);
    ck_assert_double_eq(bench_median((double[]){ 3, 1, 2 }, 3), 2);
    ck_assert_double_eq(bench_median((double[]){ 4, 1, 3, 2 }, 4), 2.5);
}
END_TEST

HARNESS_TESTS("bench/measure", floor_against_itself_is_one, a_fifth_more_work_is_one_point_two, price_is_found_over_nine_orders,
              stalls_do_not_move_the_median, an_unquiet_floor_gives_no_verdict, too_little_gives_no_verdict,
              a_side_that_cannot_run_is_named, a_side_with_two_speeds_stays_bounded, medians)
