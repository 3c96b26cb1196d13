/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the specifications of mm/tlb to mm/ucopy: random calls, valid and not, at the interface of spaces, sharing and user
 * copies, on a small machine that runs out of everything; in many assignments of modes to layers, and what a program can see
 * (answers, bytes) must be the same in all. The fast build has the code only. */
#include "harness.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/share.h"
#include "mm/space.h"
#include "mm/ucopy.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <ukern/user.h>
#ifdef UKERN_CHECK
#include "core/calculus.h"
#endif

enum { SPACES = 4, CPUS = 2, CALLS = 4000, BUFFER = 12000, LAYERS_MAX = 64 };
#define LARGE (UINT64_C(1) << 21)

struct world {
    struct harness_random random;
    struct container_id payer[2];
    struct space_id space[SPACES]; /* NO_SPACE: none */
    uint64_t trace;
    uint8_t buffer[BUFFER];
    bool loud;
    uint64_t call;
};

/* ---- what a program sees ---- */

static void see(struct world *w, const char *what, uint64_t value)
{
    if (w->loud)
        fprintf(stderr, "%5llu %s %llu\n", (unsigned long long)w->call, what, (unsigned long long)value);
    w->trace = (w->trace ^ value) * UINT64_C(0x100000001b3);
    w->trace ^= w->trace >> 29;
}

static uint64_t below(struct world *w, uint64_t n) { return harness_below(&w->random, n); }
static struct space_id any_space(struct world *w) { return w->space[below(w, SPACES)]; }

/* An address near the few where things are: pages 0..7, around 2 MiB, at the end of the space; sometimes bad. */
static uint64_t any_page(struct world *w)
{
    uint64_t page = below(w, 8) << FRAME_SHIFT;
    switch (below(w, 16)) {
    case 0:
        return UKERN_WINDOW - (4 << FRAME_SHIFT) + page;
    case 1:
        return LARGE + page;
    case 2:
        return LARGE - (4 << FRAME_SHIFT) + page;
    case 3:
        return page + below(w, 2 * FRAME_SIZE);
    case 4:
        return LARGE * below(w, 3);
    case 5:
        return below(w, 20) ? page : UINT64_MAX - page;
    default:
        return page;
    }
}

static uint64_t any_address(struct world *w) { return any_page(w) + below(w, below(w, 3) ? 2 : FRAME_SIZE); }
static uint32_t any_perm(struct world *w) { return below(w, 3) ? PERM_USER | PERM_WRITE : (uint32_t)below(w, 9); }
static uint32_t few(struct world *w) { return below(w, 20) ? (uint32_t)below(w, 6) : (uint32_t)below(w, 600); }
static struct share_pair any_pair(struct world *w) { return (struct share_pair){ any_space(w), any_space(w) }; }

/* ---- calls ---- */

static void do_new(struct world *w)
{
    uint64_t i = below(w, SPACES);
    if (w->space[i].n != NO_ID)
        return;
    struct space_id id;
    struct container_id who = below(w, 12) ? w->payer[i & 1] : (struct container_id){ 999 };
    enum ukern_status st = space_new(who, &id);
    see(w, "new", st);
    if (st == UKERN_OK)
        w->space[i] = id;
}

static void do_destroy(struct world *w)
{
    uint64_t i = below(w, SPACES);
    if (below(w, 3))
        return;
    share_gone(w->space[i]);
    space_destroy(w->space[i]);
    w->space[i] = NO_SPACE;
}

static void do_map(struct world *w)
{
    if (below(w, 10))
        see(w, "map", space_map(any_space(w), any_page(w), few(w), any_perm(w)));
    else
        see(w, "large", space_map_large(any_space(w), any_page(w), any_perm(w)));
}

static void do_unmap(struct world *w)
{
    uint32_t pages = below(w, 10) ? few(w) : FRAME_LARGE;
    see(w, "unmap", space_unmap(any_space(w), any_page(w), pages));
}

static void do_share(struct world *w)
{
    if (below(w, 2))
        see(w, "share", space_share(any_space(w), any_page(w), any_space(w), any_page(w), any_perm(w)));
    else
        see(w, "resv2", space_resv2(any_space(w), any_page(w), any_space(w), any_page(w), any_perm(w)));
}

static void do_fault(struct world *w)
{
    if (below(w, 2))
        see(w, "demand", space_demand(any_space(w), any_page(w), few(w), any_perm(w)));
    else
        see(w, "fault", space_fault(any_space(w), any_address(w), any_perm(w)));
}

/* The window shows what the map says (I3), as Linux sees it. */
static void do_read(struct world *w)
{
    struct frame_id f;
    uint32_t perm = 0;
    struct space_id id = any_space(w);
    uint64_t va = any_address(w);
    enum ukern_status st = space_read(id, va, &f, &perm);
    see(w, "read", st);
    see(w, "perm", st == UKERN_OK ? perm : 0);
    see(w, "is", space_is(id));
    if (!space_is(id) || va >= UKERN_WINDOW)
        return;
    bool shown = st == UKERN_OK && perm & PERM_USER;
    ck_assert_msg(harness_readable(space_base(id) + va) == shown, "call %llu: 0x%llx of space %u is%s shown",
                  (unsigned long long)w->call, (unsigned long long)va, id.n, shown ? " not" : "");
    if (shown)
        ck_assert(harness_writable(space_base(id) + va) == ((perm & PERM_WRITE) != 0));
}

static void do_access(struct world *w)
{
    struct frame_id f;
    struct space_id id = any_space(w);
    enum ukern_status st = space_enter(id);
    see(w, "enter", st);
    for (uint64_t n = below(w, 4); st == UKERN_OK && n > 0; n--)
        see(w, "access", space_access(id, any_address(w), any_perm(w), &f));
    if (st == UKERN_OK)
        space_leave(id);
}

static void do_copy(struct world *w)
{
    uint64_t done = 0, n = below(w, 2) ? below(w, 40) : below(w, BUFFER);
    for (uint64_t i = 0; i < 32; i++)
        w->buffer[i * n / 32] = (uint8_t)below(w, 256);
    enum ukern_status st = UKERN_OK;
    switch (below(w, 4)) {
    case 0:
        st = ucopy_in(any_space(w), any_address(w), (struct kernel_bytes){ w->buffer }, n, &done);
        see(w, "in", harness_hash(w->buffer, n));
        break;
    case 1:
        st = ucopy_out(any_space(w), any_address(w), (struct kernel_bytes){ w->buffer }, n, &done);
        break;
    case 2:
        st = ucopy_move(any_space(w), any_address(w), any_space(w), any_address(w), n, &done);
        break;
    default:
        st = ucopy_check(any_space(w), any_address(w), n, any_perm(w));
    }
    see(w, "copy", st);
    see(w, "done", done);
}

static void do_handshake(struct world *w)
{
    uint32_t state = 9;
    struct share_pair p = any_pair(w);
    switch (below(w, 5)) {
    case 0:
        see(w, "status", share_status(p, &state));
        break;
    case 1:
        see(w, "revoke", share_revoke(p));
        break;
    default:
        see(w, "offer", share_offer(p, any_page(w), &state));
    }
    see(w, "state", state);
}

static void do_usage(struct world *w)
{
    struct container_info info;
    ck_ok(container_info(w->payer[below(w, 2)], &info));
    see(w, "usage", info.usage);
}

static void do_call(struct ukern *m, struct world *w)
{
    static void (*const calls[])(struct world *) = { do_new,  do_new,    do_destroy, do_map,  do_map,       do_unmap,     do_share, do_share,
                                                     do_fault, do_fault, do_read,    do_access, do_access, do_copy, do_copy, do_handshake, do_handshake, do_usage };
    here = &m->cpu[below(w, CPUS)];
    calls[below(w, COUNT_OF(calls))](w);
    here = &m->cpu[0];
}

/* ---- runs ---- */

static uint64_t run(uint64_t seed, struct ukern_params p)
{
    static struct world w;
    struct ukern *m;
    p.ram = UINT64_C(6) << 20;
    p.cpus = CPUS;
    p.engine = UKERN_SIM;
    p.frame_policy = UKERN_FRAMES_LOWEST; /* else it is a choice when a large page has no place */
    p.max_containers = 8;
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    w = (struct world){ .random = { seed }, .loud = getenv("UKERN_TEST_LOUD") };
    for (int i = 0; i < SPACES; i++)
        w.space[i] = NO_SPACE;
    ck_ok(container_split(ROOT_CONTAINER, 40, &w.payer[0]));
    ck_ok(container_split(ROOT_CONTAINER, 700, &w.payer[1]));
    for (w.call = 0; w.call < harness_rounds(CALLS); w.call++)
        do_call(m, &w);
    for (int i = 0; i < SPACES; i++) {
        share_gone(w.space[i]);
        space_destroy(w.space[i]);
    }
    for (int i = 0; i < 2; i++) { /* all comes home */
        struct container_info info;
        ck_ok(container_info(w.payer[i], &info));
        ck_assert_uint_eq(info.usage, 0);
    }
#ifdef UKERN_CHECK
    ck_assert(!m->calculus || calculus_check_all(m));
#endif
    harness_free(m);
    return w.trace;
}

/* ---- two CPUs at once, on two spaces that stay ---- */

struct worker {
    struct ukern *m;
    uint32_t cpu;
    struct world w;
};

static void *work(void *arg)
{
    struct worker *me = arg;
    static void (*const calls[])(struct world *) = { do_map, do_map, do_unmap, do_share, do_fault, do_access, do_access,
                                                     do_copy, do_copy, do_copy, do_handshake };
    here = &me->m->cpu[me->cpu];
    for (me->w.call = 0; me->w.call < harness_rounds(CALLS); me->w.call++)
        calls[below(&me->w, COUNT_OF(calls))](&me->w);
    return NULL;
}

static void run_two(uint64_t seed, struct ukern_params p)
{
    static struct worker worker[CPUS];
    struct ukern *m;
    pthread_t thread[CPUS];
    p.ram = UINT64_C(8) << 20;
    p.cpus = CPUS;
    p.max_containers = 8;
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    struct space_id a, b;
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    for (uint32_t i = 0; i < CPUS; i++) {
        worker[i] = (struct worker){ m, i, { .random = { seed * CPUS + i }, .space = { a, b, a, b } } };
        ck_assert(pthread_create(&thread[i], NULL, work, &worker[i]) == 0);
    }
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(thread[i], NULL);
    here = &m->cpu[0];
    share_gone(a);
    space_destroy(a);
    space_destroy(b);
    struct container_info info;
    ck_ok(container_info(ROOT_CONTAINER, &info));
    ck_assert_uint_eq(info.usage, 0);
#ifdef UKERN_CHECK
    ck_assert(!m->calculus || calculus_check_all(m));
#endif
    harness_free(m);
}

START_TEST(two_cpus_at_once)
{
    for (uint64_t seed = 1; seed <= 5; seed++)
        run_two(seed, (struct ukern_params){ 0 });
}
END_TEST

START_TEST(calls_end_with_everything_home)
{
    uint64_t traces = 0;
    for (uint64_t seed = 1; seed <= 10; seed++)
        traces |= run(seed, (struct ukern_params){ 0 });
    ck_assert(traces != 0);
}
END_TEST

#ifdef UKERN_CHECK
static struct ukern_layer_mode modes[LAYERS_MAX];

static struct ukern_params in_modes(void)
{
    size_t n = 0;
    while (calculus_tower.layers[n])
        n++;
    return (struct ukern_params){ .layers = modes, .layer_count = n, .check_every = 500 };
}

static void set_all(enum ukern_mode mode)
{
    for (size_t i = 0; calculus_tower.layers[i]; i++)
        modes[i] = (struct ukern_layer_mode){ calculus_tower.layers[i]->name, mode };
}

static uint64_t run_in(uint64_t seed) { return run(seed, in_modes()); }

START_TEST(all_layers_in_one_mode_give_one_trace)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t trace = run(seed, (struct ukern_params){ 0 });
        set_all(UKERN_MODE_BOTH);
        ck_assert_msg(run_in(seed) == trace, "all layers in both, seed %u: another trace", (unsigned)seed);
        set_all(UKERN_MODE_SPEC);
        ck_assert_msg(run_in(seed) == trace, "all layers in spec, seed %u: another trace", (unsigned)seed);
    }
}
END_TEST

START_TEST(each_layer_alone_gives_the_same_trace)
{
    for (size_t i = 0; calculus_tower.layers[i]; i++) {
        uint64_t trace = run(6 + i, (struct ukern_params){ 0 });
        for (enum ukern_mode mode = UKERN_MODE_BOTH; mode <= UKERN_MODE_SPEC; mode++) {
            set_all(UKERN_MODE_IMPL);
            modes[i].mode = mode;
            ck_assert_msg(run_in(6 + i) == trace, "%s alone in %s: another trace", modes[i].layer, mode == UKERN_MODE_BOTH ? "both" : "spec");
        }
    }
}
END_TEST

START_TEST(random_modes_give_the_same_trace)
{
    struct harness_random r = { 77 };
    uint64_t trace = run(99, (struct ukern_params){ 0 });
    for (int round = 0; round < 20; round++) {
        set_all(UKERN_MODE_IMPL);
        for (size_t i = 0; calculus_tower.layers[i]; i++)
            modes[i].mode = (enum ukern_mode)(UKERN_MODE_IMPL + harness_below(&r, 3));
        ck_assert_msg(run_in(99) == trace, "round %d: another trace", round);
    }
}
END_TEST

START_TEST(two_cpus_at_once_in_random_modes)
{
    struct harness_random r = { 78 };
    for (int round = 0; round < 10; round++) {
        set_all(round == 0 ? UKERN_MODE_BOTH : UKERN_MODE_SPEC);
        for (size_t i = 0; round > 1 && calculus_tower.layers[i]; i++)
            modes[i].mode = (enum ukern_mode)(UKERN_MODE_IMPL + harness_below(&r, 3));
        run_two(100 + (uint64_t)round, in_modes());
    }
}
END_TEST

HARNESS_TESTS("mm/spec_spaces", calls_end_with_everything_home, two_cpus_at_once, all_layers_in_one_mode_give_one_trace,
              each_layer_alone_gives_the_same_trace, random_modes_give_the_same_trace, two_cpus_at_once_in_random_modes)
#else
HARNESS_TESTS("mm/spec_spaces", calls_end_with_everything_home, two_cpus_at_once)
#endif
