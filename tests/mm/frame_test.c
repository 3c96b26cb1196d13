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
    ck_assert(frame_peak() >= m->peak && frame_peak() <= m->peak + 1); /* the frame that came last counts as used */
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
    if (harness_on_valgrind()) /* two million table entries */
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

enum { CPUS = 4, TURNS = 3000, HOLD = 24 };

static void *race(void *arg)
{
    struct cpu *cpu = arg;
    struct harness_random r = { cpu->id };
    struct { struct frame_id first; uint32_t count; } held[HOLD] = { 0 };
    here = cpu;
    uintptr_t wrong = 0;
    for (uint32_t i = 0, n = harness_rounds(TURNS); i < n; i++) {
        uint32_t k = (uint32_t)harness_below(&r, HOLD);
        for (uint32_t j = 0; j < held[k].count; j++) { /* nobody else wrote what is ours */
            struct frame_id f = { held[k].first.n + j };
            wrong += !is_filled(f, (uint8_t)(cpu->id + 1));
            wrong += drop(f) != UKERN_OK;
        }
        held[k].count = 0;
        if (frame_alloc_run(who, 1 + (uint32_t)harness_below(&r, 5), &held[k].first, &held[k].count) == UKERN_OK)
            for (uint32_t j = 0; j < held[k].count; j++)
                memset(frame_bytes((struct frame_id){ held[k].first.n + j }), (int)cpu->id + 1, FRAME_SIZE);
    }
    for (uint32_t k = 0; k < HOLD; k++)
        for (uint32_t n = 0; n < held[k].count; n++)
            wrong += drop((struct frame_id){ held[k].first.n + n }) != UKERN_OK;
    here = NULL;
    return (void *)wrong;
}

START_TEST(cpus_race_for_frames)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = CPUS, .ram = 100 * FRAME_SIZE }; /* fewer than they want: NOMEM happens */
    ck_ok(harness_boot(&p, 0, &m));
    pthread_t thread[CPUS];
    for (uint32_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, race, &m->cpu[i]), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(frame_used(), 0);
    ck_assert(frame_peak() > 60 && frame_peak() <= 97);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/frame", random_calls_agree_with_the_model, fresh_memory_comes_in_long_runs_and_untouched,
              memory_may_be_larger_than_the_largest_block, freed_frames_join_again, a_run_goes_on_over_block_boundaries, a_run_takes_no_more_than_was_wanted,
              exhaustion_is_an_answer_and_outputs_stay, wrong_frames_are_refused, references_do_not_wrap,
              large_runs_are_zero_again, every_allocation_of_the_boot_is_refused_in_turn,
              absurd_memory_sizes_are_refused,
#ifdef UKERN_CHECK
              a_write_after_free_is_found,
#endif
#if SANITIZE_ADDRESS
              the_sanitizer_knows_free_frames,
#endif
              cpus_race_for_frames)
