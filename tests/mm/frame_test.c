/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/frame: random calls against a model (references by frame), exhaustion, wrong frames, runs,
 * and CPUs that race for frames. */
#include "mm/frame.h"
#include "core/sanitize.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/frame_table.h"
#include "mm/frame_type.h"
#include <pthread.h>
#include <stdlib.h>

static bool is_filled(struct frame_id f, uint8_t with)
{
    const uint8_t *p = frame_bytes(f);
    return p[0] == with && memcmp(p, p + 1, FRAME_SIZE - 1) == 0;
}

static enum ukern_status drop(struct frame_id f)
{
    bool last;
    return frame_drop(f, &last);
}

/* Gives back runs of frames. */
static void drop_run(struct frame_id first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ck_ok(drop((struct frame_id){ first.n + i }));
}

/* ---- the model ---- */

struct model {
    uint32_t frames, usable, used, peak;
    uint32_t *refs;  /* [frames] */
    uint8_t *stamp;  /* [frames], what its owner filled it with */
    bool *normal;    /* [frames] */
};

static const struct container_id who = { 3 }; /* any: frames do not ask */

static struct model model_make(const struct ukern_region *regions, size_t count, uint32_t frames)
{
    struct model m = { .frames = frames };
    m.refs = calloc(frames, sizeof *m.refs);
    m.stamp = calloc(frames, 1);
    m.normal = calloc(frames, sizeof *m.normal);
    for (size_t i = 0; i < count; i++)
        for (uint32_t n = 0; n < frames; n++)
            m.normal[n] |= regions[i].usable && regions[i].start <= n * UINT64_C(4096) &&
                           (n + 1) * UINT64_C(4096) <= regions[i].start + regions[i].length;
    for (uint32_t n = 0, kernels = frame_type_kernels(); kernels > 0; n++) {
        kernels -= m.normal[n];
        m.normal[n] = false;
    }
    for (uint32_t n = 0; n < frames; n++)
        m.usable += m.normal[n];
    return m;
}

static void model_free(struct model *m)
{
    free(m->refs);
    free(m->stamp);
    free(m->normal);
}

static void model_given(struct model *m, uint32_t first, uint32_t count, struct harness_random *r)
{
    for (uint32_t n = first; n < first + count; n++) {
        ck_assert_msg(n < m->frames && m->normal[n], "frame %u is not usable and was given out", n);
        ck_assert_msg(m->refs[n] == 0, "frame %u is in use and was given out again", n);
        ck_assert_uint_eq(frame_refs((struct frame_id){ n }), 1);
        ck_assert_uint_eq(frame_owner((struct frame_id){ n }).n, who.n);
        m->refs[n] = 1;
        m->stamp[n] = (uint8_t)(1 + harness_below(r, 255));
        memset(frame_bytes((struct frame_id){ n }), m->stamp[n], FRAME_SIZE);
        if (harness_below(r, 8) == 0) {
            frame_clear((struct frame_id){ n }, 1);
            m->stamp[n] = 0;
        }
    }
    m->used += count;
    m->peak = m->used > m->peak ? m->used : m->peak;
}

static void model_agrees(const struct model *m)
{
    ck_assert_uint_eq(frame_used(), m->used);
    ck_assert_uint_eq(frame_peak(), m->peak);
    ck_assert_uint_eq(frame_usable(), m->usable);
}

static void model_agrees_whole(const struct model *m)
{
    model_agrees(m);
    for (uint32_t n = 0; n < m->frames; n++) {
        struct frame_id f = { n };
        ck_assert(m->normal[n] == (frame_type_of(f) == FRAME_NORMAL));
        ck_assert_uint_eq(frame_refs(f), m->refs[n]);
        ck_assert_msg(m->refs[n] == 0 || is_filled(f, m->stamp[n]), "frame %u changed under its owner", n);
    }
}

static void model_step(struct model *m, struct harness_random *r)
{
    struct frame_id f = { (uint32_t)harness_below(r, m->frames + 2) };
    bool in_use = f.n < m->frames && m->refs[f.n] > 0;
    uint32_t count, want;
    bool last;
    switch (harness_below(r, 6)) {
    case 0:
        if (m->used == m->usable)
            ck_status(frame_alloc(who, &f), UKERN_NOMEM);
        else {
            ck_ok(frame_alloc(who, &f));
            model_given(m, f.n, 1, r);
        }
        break;
    case 1:
        want = 1 + (uint32_t)harness_below(r, harness_below(r, 2) ? 4 : 40);
        if (m->used == m->usable)
            ck_status(frame_alloc_run(who, want, &f, &count), UKERN_NOMEM);
        else {
            ck_ok(frame_alloc_run(who, want, &f, &count));
            ck_assert(count >= 1 && count <= want);
            model_given(m, f.n, count, r);
        }
        break;
    case 2:
        ck_status(frame_ref(f), in_use ? UKERN_OK : UKERN_BADARG);
        if (in_use)
            m->refs[f.n]++;
        break;
    default:
        last = f.n & 1;
        ck_status(frame_drop(f, &last), in_use ? UKERN_OK : UKERN_BADARG);
        if (in_use && --m->refs[f.n] == 0)
            m->used--;
        ck_assert(last == (in_use ? m->refs[f.n] == 0 : f.n & 1));
    }
}

static const struct ukern_region all_regions[] = { { 0, 200 * 4096, true } };
static const struct ukern_region odd_regions[] = {
    { 3 * 4096, 5 * 4096, true }, { 8 * 4096, 4096, false }, { 9 * 4096 + 1, 70 * 4096, true }, { 100 * 4096, 91 * 4096, true },
};

static void random_sequence(uint64_t seed, const struct ukern_region *regions, size_t count)
{
    struct ukern_params p = { .ram = 200 * FRAME_SIZE, .regions = regions, .region_count = count };
    struct ukern *machine;
    struct harness_random r = { seed };
    ck_ok(harness_boot(&p, 0, &machine));
    struct model m = model_make(regions, count, 200);
    for (uint32_t i = 0, n = harness_rounds(3000); i < n; i++) {
        model_step(&m, &r);
        model_agrees(&m);
        if (i % 250 == 0)
            model_agrees_whole(&m);
    }
    model_agrees_whole(&m);
    for (uint32_t n = 0; n < m.frames; n++)
        for (; m.refs[n] > 0; m.refs[n]--)
            ck_ok(drop((struct frame_id){ n }));
    m.used = 0;
    model_agrees_whole(&m);
    model_free(&m);
    harness_free(machine);
}

START_TEST(random_calls_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        random_sequence(seed, all_regions, COUNT_OF(all_regions));
        random_sequence(seed + 100, odd_regions, COUNT_OF(odd_regions));
    }
}
END_TEST

/* ---- runs ---- */

START_TEST(fresh_memory_comes_in_long_runs_and_untouched)
{
    struct ukern *m = harness_make(UINT64_C(768) << 20);
    struct frame_id first;
    uint32_t count;
    ck_ok(frame_alloc_run(who, 131072, &first, &count)); /* a guest of 512 MiB */
    ck_assert_uint_eq(count, 131072);
    ck_assert_uint_eq(frame_used(), 131072);
    ck_ok(frame_alloc_run(who, UINT32_MAX, &first, &count));
    ck_assert_uint_eq(count, 65534); /* two are the kernel's */
    ck_status(frame_alloc_run(who, 1, &first, &count), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

START_TEST(memory_may_be_larger_than_the_largest_block)
{
    if (harness_is_slow()) /* two million table entries */
        return;
    struct ukern *m = harness_make(UINT64_C(9) << 30); /* sparse: nobody touches it */
    uint32_t runs = 0, total = 0, count;
    for (struct frame_id first; runs < 10 && frame_alloc_run(who, UINT32_MAX, &first, &count) == UKERN_OK; total += count)
        runs++;
    ck_assert_uint_eq(total, (9u << 18) - frame_type_kernels());
    ck_assert_uint_le(runs, 2);
    harness_free(m);
}
END_TEST

START_TEST(freed_frames_join_again)
{
    struct ukern *m = harness_make(1000 * FRAME_SIZE);
    struct frame_id f[997]; /* three are the kernel's */
    for (uint32_t i = 0; i < 997; i++)
        ck_ok(frame_alloc(who, &f[i]));
    struct harness_random r = { 7 };
    for (uint32_t i = 997; i > 0; i--) {
        uint32_t k = (uint32_t)harness_below(&r, i);
        ck_ok(drop(f[k]));
        f[k] = f[i - 1];
    }
    /* Blocks and what lies beside them: one run. */
    uint32_t runs = 0, total = 0, count;
    for (struct frame_id first; runs < 2000 && frame_alloc_run(who, 1000, &first, &count) == UKERN_OK; total += count)
        runs++;
    ck_assert_uint_eq(total, 997);
    ck_assert_uint_eq(runs, 1);
    harness_free(m);
}
END_TEST

START_TEST(a_run_goes_on_over_block_boundaries)
{
    const struct ukern_region regions[] = { { 61 * 4096, 195 * 4096, true } }; /* the kernel's 3, then blocks of 64 and 128 */
    struct ukern_params p = { .ram = 256 * FRAME_SIZE, .regions = regions, .region_count = 1 };
    struct ukern *m;
    struct frame_id first;
    uint32_t total = 0, count, runs = 0;
    ck_ok(harness_boot(&p, 0, &m));
    for (; runs < 300 && frame_alloc_run(who, 192, &first, &count) == UKERN_OK; runs++)
        total += count;
    ck_assert_uint_eq(total, 192);
    ck_assert_uint_le(runs, 2);
    harness_free(m);
}
END_TEST

START_TEST(a_run_takes_no_more_than_was_wanted)
{
    struct ukern *m = harness_make(67 * FRAME_SIZE);
    for (uint32_t want = 1; want <= 64; want++) {
        struct frame_id first;
        uint32_t count;
        ck_ok(frame_alloc_run(who, want, &first, &count));
        ck_assert_uint_eq(count, want);
        ck_assert_uint_eq(frame_used(), want);
        drop_run(first, count);
        ck_assert_uint_eq(frame_used(), 0);
    }
    ck_assert_uint_eq(frame_peak(), 64);
    harness_free(m);
}
END_TEST

/* ---- errors ---- */

START_TEST(exhaustion_is_an_answer_and_outputs_stay)
{
    struct ukern *m = harness_make(67 * FRAME_SIZE); /* three are the kernel's */
    struct frame_id f = { 0 };
    uint32_t count = 77, given = 0;
    while (given < 100 && frame_alloc(who, &f) == UKERN_OK)
        given++;
    ck_assert_uint_eq(given, 64);
    f.n = 4711;
    ck_status(frame_alloc(who, &f), UKERN_NOMEM);
    ck_status(frame_alloc_run(who, 5, &f, &count), UKERN_NOMEM);
    ck_status(frame_alloc_run(who, 0, &f, &count), UKERN_BADARG);
    ck_assert(f.n == 4711 && count == 77);
    ck_ok(drop((struct frame_id){ 33 }));
    ck_ok(frame_alloc_run(who, 5, &f, &count));
    ck_assert(f.n == 33 && count == 1);
    harness_free(m);
}
END_TEST

START_TEST(wrong_frames_are_refused)
{
    struct ukern *m;
    struct ukern_params p = { .ram = 200 * FRAME_SIZE, .regions = odd_regions, .region_count = COUNT_OF(odd_regions) };
    ck_ok(harness_boot(&p, 0, &m));
    const uint32_t wrong[] = { 0, 2, 8, 9, 79, 191, 199, 200, 201, 0x7fffffff, UINT32_MAX - 1, UINT32_MAX };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(drop((struct frame_id){ wrong[i] }), UKERN_BADARG);
        ck_status(frame_ref((struct frame_id){ wrong[i] }), UKERN_BADARG);
    }
    struct frame_id f;
    ck_ok(frame_alloc(who, &f));
    ck_ok(frame_ref(f));
    ck_ok(drop(f));
    ck_ok(drop(f));
    ck_status(drop(f), UKERN_BADARG);
    ck_status(frame_ref(f), UKERN_BADARG);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(references_do_not_wrap)
{
    if (getenv("UKERN_LAYERS")) /* an entry is changed behind the layer's back */
        return;
    struct ukern *m = harness_make(16 * FRAME_SIZE);
    struct frame_id f;
    ck_ok(frame_alloc(who, &f));
    frame_table_set(f, (struct frame_entry){ .refs = UINT32_MAX - 1 });
    ck_ok(frame_ref(f));
    ck_status(frame_ref(f), UKERN_NOMEM);
    ck_assert_uint_eq(frame_refs(f), UINT32_MAX);
    ck_ok(drop(f));
    ck_assert_uint_eq(frame_refs(f), UINT32_MAX - 1);
    harness_free(m);
}
END_TEST

START_TEST(large_runs_are_zero_again)
{
    struct ukern *m = harness_make((UINT64_C(4) << 20) + 4 * FRAME_SIZE);
    for (uint32_t round = 0; round < 3; round++) { /* 1024 frames: given back to the host, not zeroed one by one */
        struct frame_id first;
        uint32_t count;
        ck_ok(frame_alloc_run(who, 1024, &first, &count));
        ck_assert_uint_eq(count, 1024);
        for (uint32_t i = 0; i < count; i++) {
            frame_clear((struct frame_id){ first.n + i }, round == 2 ? 1 : 1024 - i);
            ck_assert(is_filled((struct frame_id){ first.n + i }, 0));
            memset(frame_bytes((struct frame_id){ first.n + i }), 0x5a, FRAME_SIZE);
        }
        for (uint32_t i = 0; i < count; i++)
            ck_ok(drop((struct frame_id){ first.n + i }));
    }
    harness_free(m);
}
END_TEST

START_TEST(every_allocation_of_the_boot_is_refused_in_turn)
{
    static const char *const site[] = { "machine itself", "host/ram", "mm/memmap", "mm/frame_table", "mm/frame_type", "mm/frame (", "mm/container", "mm/space" };
    uint32_t seen[COUNT_OF(site)] = { 0 };
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = 1 << 20 };
    for (size_t arena = 64;; arena += 64) {
        enum ukern_status st = harness_boot(&p, arena, &m);
        if (st == UKERN_OK)
            break;
        ck_status(st, UKERN_NOMEM);
        ck_assert_ptr_null(m);
        ck_assert_ptr_null(here);
        for (uint32_t i = 0; i < COUNT_OF(site); i++)
            seen[i] += strstr(harness_error(), site[i]) != NULL;
    }
    for (uint32_t i = 0; i < COUNT_OF(site); i++)
        ck_assert_msg(seen[i] > 0, "no failure of %s was seen", site[i]);
    /* Layers with tables fail as long as these do not fit: 8 bytes for each of 256 frames. */
    ck_assert_uint_ge(seen[3], 256 * 8 / 64);
    ck_assert_uint_ge(seen[5], 21); /* a bitmap per order */
    ck_assert_uint_ge(seen[6], 64); /* 64 containers, a cache line each */
    ck_assert_uint_ge(seen[7], 16 * 12 / 64); /* 16 spaces */
    harness_free(m);
}
END_TEST

START_TEST(absurd_memory_sizes_are_refused)
{
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = 4097 };
    ck_status(harness_boot(&p, 0, &m), UKERN_BADARG);
    ck_assert_ptr_nonnull(strstr(harness_error(), "4097"));
    p.ram = RAM_MAX_BYTES + FRAME_SIZE;
    ck_status(harness_boot(&p, 1 << 20, &m), UKERN_BADARG);
    p.ram = UINT64_MAX - FRAME_SIZE + 1;
    ck_status(harness_boot(&p, 1 << 20, &m), UKERN_BADARG);
    ck_assert_ptr_null(m);
}
END_TEST

/* ---- caches, and who stops them ---- */

static void be(struct ukern *m, uint32_t cpu) { here = &m->cpu[cpu]; }

/* Every frame is in one place: used, or one piece of the free memory. */
static void nothing_is_lost(struct ukern *m)
{
    uint8_t *seen = calloc(m->frames, 1);
    if (!m->frame) { /* the specification has no places */
        free(seen);
        return;
    }
    uint32_t total = 0;
    for (struct frame_piece at = { 0 }; frame_peek_piece(&at); total += at.count)
        for (uint32_t n = at.first.n; n < at.first.n + at.count; n++) {
            ck_assert_msg(n < m->frames && !seen[n]++, "frame %u is free twice", n);
            ck_assert_msg(frame_refs((struct frame_id){ n }) == 0, "frame %u is used and free", n);
            ck_assert_int_eq(frame_type_of((struct frame_id){ n }), FRAME_NORMAL);
        }
    for (uint32_t n = 0; n < m->frames; n++)
        ck_assert_msg(seen[n] == (frame_type_of((struct frame_id){ n }) == FRAME_NORMAL && frame_refs((struct frame_id){ n }) == 0),
                      "frame %u is lost", n);
    ck_assert_uint_eq(total, frame_usable() - frame_used());
    free(seen);
}

static _Atomic uint32_t barriers;
static struct engine_ops counting;
static bool (*real_barrier)(struct ukern *m);
static bool count_barrier(struct ukern *m)
{
    atomic_fetch_add(&barriers, 1);
    return real_barrier(m);
}

START_TEST(who_takes_from_other_caches_stops_them_first)
{
    struct ukern_params p = { .cpus = 2, .ram = 515 * FRAME_SIZE };
    struct ukern *m;
    struct frame_id f;
    ck_ok(harness_boot(&p, 0, &m));
    if (m->frame) {
        counting = *m->ops;
        real_barrier = counting.barrier;
        counting.barrier = count_barrier;
        m->ops = &counting;
        while (frame_alloc(who, &f) == UKERN_OK)
            ;
        ck_assert_uint_eq(barriers, 1); /* at the end: there was nothing */
        ck_ok(drop(f));
        be(m, 1);
        ck_ok(frame_alloc(who, &f));
        ck_assert_uint_eq(barriers, 2);
    }
    harness_free(m);
}
END_TEST

/* Where Linux refuses the barrier after all, other caches are left alone. */
static bool no_barrier(struct ukern *m)
{
    (void)m;
    return false;
}

START_TEST(without_the_barrier_other_caches_stay)
{
    struct ukern_params p = { .cpus = 2, .ram = 515 * FRAME_SIZE };
    struct ukern *m;
    struct frame_id f, g;
    ck_ok(harness_boot(&p, 0, &m));
    if (!getenv("UKERN_LAYERS")) { /* no specification knows of such a host */
        counting = *m->ops;
        counting.barrier = no_barrier;
        m->ops = &counting;
        while (frame_alloc(who, &f) == UKERN_OK)
            ;
        ck_ok(drop(f));
        be(m, 1);
        ck_status(frame_alloc(who, &g), UKERN_NOMEM);
        be(m, 0);
        ck_ok(frame_alloc(who, &g));
        ck_assert_uint_eq(g.n, f.n);
        nothing_is_lost(m);
    }
    harness_free(m);
}
END_TEST

START_TEST(frames_in_other_caches_are_found)
{
    for (uint32_t how = 0; how < 6; how++) {
        harness_fences = how & 1;
        struct ukern_params p = { .cpus = 4, .ram = 515 * FRAME_SIZE };
        struct ukern *m;
        struct frame_id f[512], g;
        uint32_t n = 0, count;
        ck_ok(harness_boot(&p, 0, &m));
        while (frame_alloc(who, &f[n]) == UKERN_OK) /* all of memory, by turns */
            be(m, ++n % 4);
        ck_assert_uint_eq(n, frame_usable());
        ck_status(frame_alloc_run(who, 3, &g, &count), UKERN_NOMEM);
        for (uint32_t i = 0; i < n; i++) { /* the caches take what they can */
            be(m, i % 3);
            ck_ok(drop(f[i]));
        }
        nothing_is_lost(m);
        be(m, 3);
        if (how / 2 == 0) { /* one by one */
            for (uint32_t i = 0; i < n; i++)
                ck_ok(frame_alloc(who, &f[i]));
            ck_status(frame_alloc(who, &g), UKERN_NOMEM);
        } else if (how / 2 == 1) { /* in runs */
            for (uint32_t got = 0; got < n; got += count)
                ck_ok(frame_alloc_run(who, n, &g, &count));
            ck_status(frame_alloc_run(who, 1, &g, &count), UKERN_NOMEM);
        } else
            ck_status(frame_alloc_large(who, &g), UKERN_NOMEM); /* no 512 at a multiple of 512 */
        nothing_is_lost(m);
        harness_free(m);
    }
    harness_fences = false;
}
END_TEST

START_TEST(a_large_run_is_gathered_from_all_caches)
{
    struct ukern_params p = { .cpus = 3, .ram = 1536 * FRAME_SIZE };
    struct ukern *m;
    struct frame_id f[1536], large[2], none = { 4711 };
    uint32_t n = 0;
    ck_ok(harness_boot(&p, 0, &m));
    while (frame_alloc(who, &f[n]) == UKERN_OK)
        n++;
    ck_status(frame_alloc_large(who, &none), UKERN_NOMEM);
    for (uint32_t i = 0; i < n; i++) {
        be(m, i % 3);
        ck_ok(drop(f[i]));
    }
    for (uint32_t i = 0; i < 2; i++) { /* 512..1023 and 1024..1535; the kernel has some of the first 512 */
        be(m, i);
        ck_ok(frame_alloc_large(who, &large[i]));
        ck_assert(large[i].n % 512 == 0 && large[i].n >= 512);
        for (uint32_t k = 0; k < 512; k++)
            ck_assert(frame_refs((struct frame_id){ large[i].n + k }) == 1 && frame_owner((struct frame_id){ large[i].n + k }).n == who.n);
    }
    ck_assert(large[0].n != large[1].n);
    ck_status(frame_alloc_large(who, &none), UKERN_NOMEM);
    ck_assert_uint_eq(none.n, 4711);
    ck_assert_uint_eq(frame_used(), 1024);
    drop_run(large[0], 512);
    drop_run(large[1], 512);
    nothing_is_lost(m);
    harness_free(m);
}
END_TEST

START_TEST(the_lowest_policy_gives_the_lowest)
{
    struct ukern_params p = { .cpus = 2, .ram = 3000 * FRAME_SIZE, .frame_policy = UKERN_FRAMES_LOWEST };
    struct ukern *m;
    struct harness_random r = { 9 };
    bool *used = calloc(3000, sizeof *used);
    ck_ok(harness_boot(&p, 0, &m));
    for (uint32_t n = 0; n < 3000; n++)
        used[n] = frame_type_of((struct frame_id){ n }) != FRAME_NORMAL || frame_refs((struct frame_id){ n }) > 0;
    for (uint32_t i = 0; i < harness_rounds(6000); i++) {
        struct frame_id f = { (uint32_t)harness_below(&r, 3000) };
        uint32_t want = 1 + (uint32_t)harness_below(&r, 30), lowest = 0, count = 1, large = 0;
        be(m, i % 2);
        while (lowest < 3000 && used[lowest])
            lowest++;
        for (uint32_t run = 0; large < 3000 && run < 512; large += run < 512 ? 512 : 0)
            for (run = 0; run < 512 && large + run < 3000 && !used[large + run]; run++)
                ;
        switch (harness_below(&r, 12)) {
        case 0: case 1: case 2:
            ck_status(frame_alloc(who, &f), lowest < 3000 ? UKERN_OK : UKERN_NOMEM);
            ck_assert(lowest == 3000 || f.n == lowest);
            break;
        case 3:
            while (count < want && lowest + count < 3000 && !used[lowest + count])
                count++;
            uint32_t got = 0;
            ck_status(frame_alloc_run(who, want, &f, &got), lowest < 3000 ? UKERN_OK : UKERN_NOMEM);
            ck_assert(lowest == 3000 || (f.n == lowest && got == count));
            break;
        case 4:
            count = 512;
            lowest = large < 3000 ? large : 3000;
            ck_status(frame_alloc_large(who, &f), lowest < 3000 ? UKERN_OK : UKERN_NOMEM);
            ck_assert(lowest == 3000 || f.n == lowest);
            break;
        default:
            if (frame_refs(f) > 0) {
                ck_ok(drop(f));
                used[f.n] = false;
            }
            continue;
        }
        for (uint32_t k = 0; lowest < 3000 && k < count; k++)
            used[lowest + k] = true;
    }
    nothing_is_lost(m);
    free(used);
    harness_free(m);
}
END_TEST

START_TEST(clear_makes_zeroes_whatever_was_there)
{
    struct ukern *m = harness_make(UINT64_C(8) << 20);
    struct harness_random r = { 3 };
    for (uint32_t i = 0; i < 60; i++) {
        struct frame_id first;
        uint32_t count, want = 1 + (uint32_t)harness_below(&r, harness_below(&r, 3) ? 12 : 700);
        ck_ok(frame_alloc_run(who, want, &first, &count));
        for (uint32_t k = 0; k < count; k++) /* some stay as they come: fresh, or as another left them */
            if (harness_below(&r, 2))
                memset(frame_bytes((struct frame_id){ first.n + k }), 0x77, FRAME_SIZE);
        frame_clear(first, count);
        for (uint32_t k = 0; k < count; k++)
            ck_assert_msg(is_filled((struct frame_id){ first.n + k }, 0), "frame %u of %u", k, count);
        frame_clear(first, 0);
        memset(frame_bytes(first), 0x78, FRAME_SIZE);
        frame_clear(first, 1); /* a second time, and only that one */
        ck_assert(is_filled(first, 0));
        drop_run(first, count);
    }
    harness_free(m);
}
END_TEST

START_TEST(peak_is_the_most_that_was_used)
{
    struct ukern *m = harness_make(1 << 20);
    struct frame_id f[100];
    ck_assert_uint_eq(frame_peak(), frame_used());
    for (uint32_t i = 0; i < 100; i++) {
        ck_ok(frame_alloc(who, &f[i]));
        ck_assert_uint_eq(frame_used(), i + 1);
    }
    for (uint32_t i = 0; i < 100; i++)
        ck_ok(drop(f[i]));
    ck_assert_uint_eq(frame_peak(), 100);
    harness_free(m);
}
END_TEST

/* ---- check build ---- */

#ifdef UKERN_CHECK
__attribute__((no_sanitize("address"))) static void poke(struct frame_id f)
{
    volatile uint8_t *p = frame_bytes(f);
    for (uint32_t i = 0; i < FRAME_SIZE; i++)
        ck_assert_uint_eq(p[i], FRAME_POISON);
    p[4000] = 1;
}

static void write_after_free(void *arg)
{
    (void)arg;
    struct frame_id f, again;
    ck_ok(frame_alloc(who, &f));
    ck_ok(drop(f));
    poke(f);
    while (frame_alloc(who, &again) == UKERN_OK)
        ;
}

START_TEST(a_write_after_free_is_found)
{
    if (!harness_all_code()) /* it is the code that looks */
        return;
    struct ukern *m = harness_make(16 * FRAME_SIZE);
    ck_assert(harness_breaks(write_after_free, NULL));
    ck_assert_ptr_nonnull(strstr(m->error, "after it was freed"));
    harness_free(m);
}
END_TEST
#endif

#if SANITIZE_ADDRESS
START_TEST(the_sanitizer_knows_free_frames)
{
    struct ukern *m = harness_make(16 * FRAME_SIZE);
    struct frame_id f;
    ck_ok(frame_alloc(who, &f));
    uint8_t *p = frame_bytes(f);
    ck_assert(!__asan_region_is_poisoned(p, FRAME_SIZE));
    ck_ok(frame_ref(f));
    ck_ok(drop(f));
    ck_assert(!__asan_region_is_poisoned(p, FRAME_SIZE));
    ck_ok(drop(f));
    ck_assert(__asan_address_is_poisoned(p) && __asan_address_is_poisoned(p + FRAME_SIZE - 1));
    harness_free(m);
    ck_assert(!__asan_region_is_poisoned(p, FRAME_SIZE));
}
END_TEST
#endif

/* ---- several CPUs ---- */

enum { CPUS = 4, TURNS = 6000, HOLD = 24, SHARED_FIRST = 40 };

static struct container_id here_as_container(void) { return (struct container_id){ here->id }; }
static uint8_t mark_of(struct frame_id f) { return (uint8_t)(here->id * 50 + f.n % 50 + 1); }

/* Gives a frame back; nobody else has written what was ours. */
static uintptr_t race_give(struct frame_id f)
{
    bool last;
    uint8_t *p = frame_bytes(f);
    uintptr_t wrong = p[0] != mark_of(f) || p[4095] != mark_of(f) || frame_owner(f).n != here->id;
    p[0] = 0;
    return wrong + (frame_drop(f, &last) != UKERN_OK || !last);
}

static void race_mark(struct frame_id f)
{
    uint8_t *p = frame_bytes(f);
    p[0] = p[4095] = mark_of(f);
}

/* Single frames and short runs of a memory that is too small for all: caches are filled, drained and stopped all the time. */
static void *race(void *arg)
{
    struct cpu *cpu = arg;
    struct harness_random r = { cpu->id };
    struct { struct frame_id first; uint32_t count; } held[HOLD] = { 0 };
    here = cpu;
    uintptr_t wrong = 0;
    for (uint32_t i = 0, n = harness_rounds(TURNS); i < n; i++) {
        uint32_t k = (uint32_t)harness_below(&r, HOLD), want = 1 + (uint32_t)harness_below(&r, 5);
        for (uint32_t j = 0; j < held[k].count; j++)
            wrong += race_give((struct frame_id){ held[k].first.n + j });
        held[k].count = 1;
        enum ukern_status st = i / 500 % 2 ? frame_alloc(here_as_container(), &held[k].first)
                                           : frame_alloc_run(here_as_container(), want, &held[k].first, &held[k].count);
        if (st != UKERN_OK)
            held[k].count = 0;
        for (uint32_t j = 0; j < held[k].count; j++)
            race_mark((struct frame_id){ held[k].first.n + j });
    }
    for (uint32_t k = 0; k < HOLD; k++)
        for (uint32_t n = 0; n < held[k].count; n++)
            wrong += race_give((struct frame_id){ held[k].first.n + n });
    here = NULL;
    return (void *)wrong;
}

static void race_all(uint32_t frames, void *(*racer)(void *))
{
    struct ukern *m;
    struct ukern_params p = { .cpus = CPUS, .ram = frames * FRAME_SIZE };
    ck_ok(harness_boot(&p, 0, &m));
    pthread_t thread[CPUS];
    for (uint32_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, racer, &m->cpu[i]), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(frame_used(), 0);
    ck_assert_uint_le(frame_peak(), frame_usable());
    nothing_is_lost(m);
    harness_free(m);
}

START_TEST(cpus_race_for_frames)
{
    race_all(100, race); /* fewer than they want: NOMEM happens */
    race_all(20, race);  /* mostly */
    race_all(1000, race);
}
END_TEST

START_TEST(cpus_race_for_frames_without_membarrier)
{
    harness_fences = true;
    race_all(100, race);
    race_all(20, race);
    harness_fences = false;
}
END_TEST

/* All CPUs hold references to the same frames and add and drop them; the last one out frees the frame. */
static void *race_refs(void *arg)
{
    struct cpu *cpu = arg;
    uintptr_t wrong = 0;
    here = cpu;
    struct harness_random r = { cpu->id + 9 };
    for (uint32_t i = 0, n = harness_rounds(TURNS); i < n; i++) {
        struct frame_id f = { SHARED_FIRST + (uint32_t)harness_below(&r, 8) };
        bool last = true;
        wrong += frame_ref(f) != UKERN_OK || frame_refs(f) < 2;
        wrong += frame_drop(f, &last) != UKERN_OK || last; /* the test holds one */
    }
    here = NULL;
    return (void *)wrong;
}

START_TEST(references_are_counted_by_all)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = CPUS, .ram = 100 * FRAME_SIZE, .frame_policy = UKERN_FRAMES_LOWEST };
    ck_ok(harness_boot(&p, 0, &m));
    struct frame_id first;
    uint32_t count;
    ck_ok(frame_alloc_run(who, 97, &first, &count)); /* all there are: SHARED_FIRST.. are among them */
    ck_assert(first.n <= SHARED_FIRST && first.n + count >= SHARED_FIRST + 8);
    pthread_t thread[CPUS];
    for (uint32_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, race_refs, &m->cpu[i]), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(frame_refs((struct frame_id){ first.n + i }), 1);
        ck_ok(drop((struct frame_id){ first.n + i }));
    }
    nothing_is_lost(m);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/frame", random_calls_agree_with_the_model, fresh_memory_comes_in_long_runs_and_untouched,
              memory_may_be_larger_than_the_largest_block, freed_frames_join_again, a_run_goes_on_over_block_boundaries, a_run_takes_no_more_than_was_wanted,
              exhaustion_is_an_answer_and_outputs_stay, wrong_frames_are_refused, references_do_not_wrap,
              large_runs_are_zero_again, every_allocation_of_the_boot_is_refused_in_turn,
              absurd_memory_sizes_are_refused, who_takes_from_other_caches_stops_them_first, without_the_barrier_other_caches_stay,
              frames_in_other_caches_are_found, a_large_run_is_gathered_from_all_caches,
              the_lowest_policy_gives_the_lowest, clear_makes_zeroes_whatever_was_there, peak_is_the_most_that_was_used,
              references_are_counted_by_all, cpus_race_for_frames_without_membarrier,
#ifdef UKERN_CHECK
              a_write_after_free_is_found,
#endif
#if SANITIZE_ADDRESS
              the_sanitizer_knows_free_frames,
#endif
              cpus_race_for_frames)
