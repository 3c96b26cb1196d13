/* SPDX-License-Identifier: BSD-2-Clause */
/* measure: calibration, blocks in turn, medians, ratios, verdicts. See bench.h. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OPERATIONS (UINT64_C(1) << 40)
enum { MOST_RUNS = 100 };

struct running { /* a side while its figure is measured */
    const struct bench_side *side;
    struct bench_sample *sample;
    void *state;
    bool opened;
};

uint32_t bench_floor_count(const struct bench_figure *f)
{
    uint32_t n = 0;
    while (n < BENCH_MAX_FLOORS && f->floor[n].side)
        n++;
    return n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, uint32_t n)
{
    double sorted[BENCH_MAX_BLOCKS];
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

struct spread {
    double median, min, max, mad;
};

/* The median absolute deviation tells how far a typical block is from the median; min and max show the worst. */
static struct spread spread_of(const double *values, uint32_t n)
{
    struct spread s = { bench_median(values, n), values[0], values[0], 0 };
    double off[BENCH_MAX_BLOCKS];
    for (uint32_t i = 0; i < n; i++) {
        s.min = values[i] < s.min ? values[i] : s.min;
        s.max = values[i] > s.max ? values[i] : s.max;
        off[i] = values[i] < s.median ? s.median - values[i] : values[i] - s.median;
    }
    s.mad = bench_median(off, n);
    return s;
}

static void side_open(struct running *r, const struct bench_place *place)
{
    bool skip = false;
    r->sample->outcome = BENCH_MEASURED;
    r->opened = !r->side->open || r->side->open(place, r->side->arg, &r->state, &skip, r->sample->why);
    if (!r->opened)
        r->sample->outcome = skip ? BENCH_SKIPPED : BENCH_FAILED;
}

static void side_close(struct running *r)
{
    if (r->opened && r->side->close)
        r->side->close(r->state);
}

static bool side_time(struct running *r, uint64_t *ret_ns)
{
    if (r->side->run(r->state, r->sample->n, ret_ns, r->sample->why))
        return true;
    r->sample->outcome = BENCH_FAILED;
    return false;
}

static uint64_t scaled(uint64_t n, double by)
{
    double to = (double)n * by + 1;
    return to < (double)MOST_OPERATIONS ? (uint64_t)to : MOST_OPERATIONS;
}

/* Finds how many operations fill a block, a tenth to spare. The runs that this takes warm the side. */
static void side_calibrate(struct running *r, uint64_t block_ns)
{
    uint64_t ns = 0;
    r->sample->n = 1;
    while (side_time(r, &ns) && ns < block_ns / 4) {
        if (r->sample->n == MOST_OPERATIONS) {
            snprintf(r->sample->why, BENCH_WHY, "the clock stood still for 2^40 operations");
            r->sample->outcome = BENCH_FAILED;
            return;
        }
        r->sample->n = scaled(r->sample->n, ns < block_ns / 64 ? 8 : 2);
    }
    if (r->sample->outcome == BENCH_MEASURED && ns)
        r->sample->n = scaled(r->sample->n, (double)block_ns * 1.1 / (double)ns);
}

/* Runs until the block is long enough. A run that was far too short or too long changes the length of the next one, by a
 * factor of two at most when it grows: two threads that take turns are quick as long as neither sleeps, a hundred times
 * slower once one does, and go from one to the other within a run. The block counts both as they came. */
static void side_block(struct running *r, uint64_t block_ns, uint32_t i)
{
    uint64_t sum = 0, done = 0;
    for (int runs = 0; sum < block_ns; runs++) {
        uint64_t ns = 0;
        if (!side_time(r, &ns))
            return;
        if (runs == MOST_RUNS) {
            snprintf(r->sample->why, BENCH_WHY, "%d runs did not fill a block", MOST_RUNS);
            r->sample->outcome = BENCH_FAILED;
            return;
        }
        sum += ns;
        done += r->sample->n;
        if (ns < block_ns / 4)
            r->sample->n = scaled(r->sample->n, 2);
        else if (ns > 2 * block_ns)
            r->sample->n = scaled(r->sample->n, (double)block_ns * 1.1 / (double)ns);
    }
    r->sample->block[i] = (double)sum / (double)done;
    r->sample->operations += done;
}

static void sample_finish(struct bench_sample *s, uint32_t blocks)
{
    if (s->outcome != BENCH_MEASURED)
        return;
    struct spread d = spread_of(s->block, blocks);
    s->median = d.median;
    s->min = d.min;
    s->max = d.max;
    s->mad = d.mad;
    s->spread = (d.max - d.min) / d.median;
}

static enum bench_verdict verdict(const struct bench_floor *f, const struct bench_sample *floor, double ratio,
                                  const struct bench_setting *s)
{
    if (f->gate <= 0 || !s->judged)
        return BENCH_NONE;
    if (s->blocks < BENCH_MIN_BLOCKS || s->block_ns < BENCH_MIN_NS)
        return BENCH_SHORT;
    if (floor->spread > BENCH_QUIET)
        return BENCH_UNQUIET;
    return ratio <= f->gate ? BENCH_PASS : BENCH_FAIL;
}

static struct bench_ratio ratio_of(const struct bench_sample *subject, const struct bench_sample *floor,
                                   const struct bench_floor *f, const struct bench_setting *s)
{
    struct bench_ratio r = { .verdict = BENCH_NONE };
    if (subject->outcome != BENCH_MEASURED || floor->outcome != BENCH_MEASURED)
        return r;
    double each[BENCH_MAX_BLOCKS];
    for (uint32_t i = 0; i < s->blocks; i++)
        each[i] = subject->block[i] / floor->block[i];
    struct spread d = spread_of(each, s->blocks);
    r.ratio = subject->median / floor->median;
    r.min = d.min;
    r.max = d.max;
    r.mad = d.mad;
    r.verdict = verdict(f, floor, r.ratio, s);
    r.aim_met = r.verdict == BENCH_PASS && r.ratio <= f->aim;
    return r;
}

void bench_measure(const struct bench_figure *f, const struct bench_place *place, const struct bench_setting *s,
                   struct bench_result *ret_result)
{
    struct bench_result *res = ret_result;
    *res = (struct bench_result){ .figure = f, .place = *place, .floors = bench_floor_count(f), .blocks = s->blocks };
    struct running side[BENCH_MAX_SIDES] = { { .side = f->subject, .sample = &res->subject } };
    for (uint32_t i = 0; i < res->floors; i++)
        side[i + 1] = (struct running){ .side = f->floor[i].side, .sample = &res->floor[i] };
    uint32_t sides = res->floors + 1;
    for (uint32_t i = 0; i < sides; i++) {
        side_open(&side[i], place);
        if (side[i].sample->outcome == BENCH_MEASURED)
            side_calibrate(&side[i], s->block_ns);
    }
    for (uint32_t b = 0; b < s->blocks; b++)
        for (uint32_t i = 0; i < sides; i++)
            if (side[i].sample->outcome == BENCH_MEASURED)
                side_block(&side[i], s->block_ns, b);
    for (uint32_t i = 0; i < sides; i++) {
        side_close(&side[i]);
        sample_finish(side[i].sample, s->blocks);
    }
    for (uint32_t i = 0; i < res->floors; i++)
        res->ratio[i] = ratio_of(&res->subject, &res->floor[i], &f->floor[i], s);
}

const char *bench_verdict_name(enum bench_verdict v)
{
    static const char *const names[] = { "pass", "fail", "unquiet", "short", "none" };
    return names[v];
}
