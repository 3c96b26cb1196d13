/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/tlb: random calls on several CPUs against a model of what was filled, generations that wrap, and a shoot-down
 * that waits: one thread uses what it finds, another takes it away and writes over it. */
#include "mm/tlb.h"
#ifdef UKERN_CHECK
#include "core/calculus.h"
#endif
#include "core/lock.h"
#include "harness.h"
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { CPUS = 3, MAPS = 3, PAGES = 40, MOST = 20 };

static struct ukern *machine(uint32_t cpus)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = cpus, .max_tasks = 16 };
    ck_ok(harness_boot(&p, 0, &m));
    return m;
}

static struct pt_id map(uint32_t n) { return (struct pt_id){ n }; }
/* Neighbours, pages that share a line, and the last one. */
static uint64_t page_va(uint32_t page)
{
    uint64_t number = page == PAGES - 1 ? (UINT64_C(1) << 35) - 1 : page % 8 + (uint64_t)(page / 8) * TLB_ENTRIES * 37;
    return number << FRAME_SHIFT | page;
}

/* Whether the layer's code runs. */
static bool tlb_is_code(void)
{
#ifdef UKERN_CHECK
    for (size_t i = 0; calculus_tower.layers[i]; i++)
        if (here->m->calculus && strcmp(calculus_tower.layers[i]->name, "tlb") == 0)
            return calculus_mode(here->m, calculus_tower.layers[i]) != MODE_SPEC;
#endif
    return true;
}

/* ---- the model ---- */

struct model {
    bool filled[MAPS][PAGES];                /* by anybody, since the last shoot-down */
    struct tlb_entry most[MAPS][PAGES];      /* the frame, and all permissions */
    struct tlb_entry mine[CPUS][MAPS][PAGES]; /* filled last by that CPU; permission above PERM_ALL: nothing */
    bool inside[CPUS][MAPS];
};

static uint32_t inside_count(const struct model *m, uint32_t cpu)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MAPS; i++)
        n += m->inside[cpu][i];
    return n;
}

static bool anybody_inside(const struct model *m, uint32_t map)
{
    for (uint32_t cpu = 0; cpu < CPUS; cpu++)
        if (m->inside[cpu][map])
            return true;
    return false;
}

static void step_find(struct model *m, uint32_t cpu, uint32_t id, uint32_t page)
{
    struct frame_id f = { 4711 };
    uint32_t perm = 4711;
    enum ukern_status st = tlb_find(map(id), page_va(page), &f, &perm);
    /* In mode spec no CPU forgets, and each finds what any of them has filled. */
    bool code = here->m->tlb;
    struct tlb_entry mine = code || !m->filled[id][page] ? m->mine[cpu][id][page] : m->most[id][page];
    ck_assert(st == UKERN_OK || st == UKERN_NOTFOUND);
    ck_assert(st == UKERN_OK || (f.n == 4711 && perm == 4711));
    if (!tlb_is_code()) { /* the specification alone is as one cache of all CPUs */
        ck_assert(st != UKERN_OK || (m->filled[id][page] && f.n == m->most[id][page].frame.n));
        return;
    }
    ck_assert_msg(st != UKERN_OK || (mine.perm <= PERM_ALL && f.n == mine.frame.n && perm == mine.perm),
                  "CPU %u finds frame %u, permission %u for page %u of map %u; it filled frame %u, permission %u", cpu, f.n, perm,
                  page, id, mine.frame.n, mine.perm);
}

static void step_fill(struct model *m, uint32_t cpu, uint32_t id, uint32_t page, struct harness_random *r)
{
    struct frame_id f = { 1 + id * 1000 + page * 7 + (uint32_t)harness_below(r, 5) }, found = { 0 };
    uint32_t perm = (uint32_t)harness_below(r, PERM_ALL + 1), got;
    if (m->filled[id][page])
        f = m->most[id][page].frame; /* another one would have to be shot first */
    else
        m->most[id][page] = (struct tlb_entry){ f, 0 };
    m->filled[id][page] = true;
    m->most[id][page].perm |= perm;
    m->mine[cpu][id][page] = (struct tlb_entry){ f, perm };
    tlb_fill(map(id), page_va(page), f, perm);
    ck_ok(tlb_find(map(id), page_va(page), &found, &got)); /* nobody is between: a cache that forgets at once is none */
    ck_assert(found.n == f.n && (got == perm || (!here->m->tlb && (got & perm) == perm)));
}

static void step_shoot(struct model *m, uint32_t id, uint32_t page, uint32_t pages)
{
    tlb_shoot(map(id), page_va(page) & ~UINT64_C(4095), pages);
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t away = (page_va(i) >> FRAME_SHIFT) - (page_va(page) >> FRAME_SHIFT);
        if (away >= pages)
            continue;
        m->filled[id][i] = false;
        for (uint32_t cpu = 0; cpu < CPUS; cpu++)
            m->mine[cpu][id][i].perm = UINT32_MAX;
    }
}

static void step(struct model *m, struct ukern *k, struct harness_random *r)
{
    uint32_t cpu = (uint32_t)harness_below(r, CPUS), id = (uint32_t)harness_below(r, MAPS), page = (uint32_t)harness_below(r, PAGES);
    here = &k->cpu[cpu];
    switch (harness_below(r, 8)) {
    case 0:
        if (m->inside[cpu][id] || inside_count(m, cpu) == 2)
            return;
        tlb_enter(map(id));
        m->inside[cpu][id] = true;
        return;
    case 1:
        if (!m->inside[cpu][id])
            return;
        tlb_leave(map(id));
        m->inside[cpu][id] = false;
        return;
    case 2:
        if (!anybody_inside(m, id)) /* one thread is all CPUs: nobody could leave while it waits */
            step_shoot(m, id, page, 1 + (uint32_t)harness_below(r, 10));
        return;
    case 3 ... 4:
        if (m->inside[cpu][id])
            step_fill(m, cpu, id, page, r);
        return;
    default:
        if (m->inside[cpu][id])
            step_find(m, cpu, id, page);
    }
}

START_TEST(random_calls_agree_with_the_model)
{
    static struct model m;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct ukern *k = machine(CPUS);
        struct harness_random r = { seed };
        memset(&m, 0, sizeof m);
        for (uint32_t i = 0; i < CPUS * MAPS * PAGES; i++)
            (&m.mine[0][0][0])[i].perm = UINT32_MAX;
        for (uint32_t i = 0, n = harness_rounds(30000); i < n; i++)
            step(&m, k, &r);
        here = &k->cpu[0];
        harness_free(k);
    }
}
END_TEST

/* ---- a hit is a hit ---- */

START_TEST(what_was_filled_is_found_until_it_is_shot)
{
    struct ukern *k = machine(2);
    struct frame_id f;
    uint32_t perm;
    tlb_enter(map(0));
    ck_status(tlb_find(map(0), 0, &f, &perm), UKERN_NOTFOUND); /* all zeroes are no entry */
    for (uint32_t i = 0; i < TLB_ENTRIES; i++)
        tlb_fill(map(0), (uint64_t)i << FRAME_SHIFT, (struct frame_id){ 1000 + i }, i % (PERM_ALL + 1));
    for (uint32_t i = 0; i < TLB_ENTRIES; i++) {
        ck_ok(tlb_find(map(0), (uint64_t)i << FRAME_SHIFT | 4095, &f, &perm));
        ck_assert(f.n == 1000 + i && perm == i % (PERM_ALL + 1));
    }
    tlb_enter(map(1)); /* another map, the same pages */
    for (uint32_t i = 0; i < TLB_ENTRIES; i++)
        ck_status(tlb_find(map(1), (uint64_t)i << FRAME_SHIFT, &f, &perm), UKERN_NOTFOUND);
    tlb_leave(map(0));
    tlb_fill(map(1), 0x5000, (struct frame_id){ 7 }, PERM_USER);
    tlb_shoot(map(0), 0, 1);
    tlb_enter(map(0));
    ck_status(tlb_find(map(0), 0, &f, &perm), UKERN_NOTFOUND);
    ck_ok(tlb_find(map(1), 0x5000, &f, &perm)); /* another map's entries stay */
    ck_assert_uint_eq(f.n, 7);
    tlb_leave(map(0));
    tlb_leave(map(1));
    tlb_enter(map(1));
    ck_ok(tlb_find(map(1), 0x5000, &f, &perm)); /* and outlive a leave */
    tlb_leave(map(1));
    harness_free(k);
}
END_TEST

/* Two tasks that speak to each other have their buffers at the same address: both are remembered. */
START_TEST(two_maps_with_the_same_addresses_do_not_fight)
{
    struct ukern *k = machine(1);
    struct frame_id f;
    uint32_t perm;
    for (uint32_t b = 1; b < MOST; b++)
        for (uint64_t va = 0xeffe0000; va < 0xf0000000; va += FRAME_SIZE) {
            tlb_enter(map(0));
            tlb_enter(map(b));
            tlb_fill(map(0), va, (struct frame_id){ 1 }, PERM_USER);
            tlb_fill(map(b), va, (struct frame_id){ 2 }, PERM_USER);
            ck_ok(tlb_find(map(0), va, &f, &perm));
            ck_ok(tlb_find(map(b), va, &f, &perm));
            tlb_leave(map(0));
            tlb_leave(map(b));
            tlb_shoot(map(b), va, 1);
        }
    harness_free(k);
}
END_TEST

START_TEST(maps_are_told_apart)
{
    struct ukern *k = machine(1);
    struct frame_id f;
    uint32_t perm;
    for (uint32_t a = 0; a < MOST; a++) {
        tlb_enter(map(a));
        tlb_fill(map(a), 0x7000, (struct frame_id){ 50 + a }, PERM_USER);
        for (uint32_t b = 0; b < MOST; b++) {
            if (b != a)
                tlb_enter(map(b));
            enum ukern_status st = tlb_find(map(b), 0x7000, &f, &perm);
            ck_assert(st == UKERN_OK ? b <= a && f.n == 50 + b : b != a); /* its own, or none */
            if (b != a)
                tlb_leave(map(b));
        }
        tlb_leave(map(a));
    }
    harness_free(k);
}
END_TEST

/* ---- generations ---- */

/* An entry that was filled after `before` shoot-downs is not found after `after` more, whether the CPU looked in between. */
static void wraps(uint32_t before, uint32_t after, uint32_t look_every)
{
    struct ukern *k = machine(1);
    struct frame_id f;
    uint32_t perm;
    for (uint32_t i = 0; i < before; i++)
        tlb_shoot(map(2), 0, 1);
    tlb_enter(map(2));
    tlb_fill(map(2), 0x3000, (struct frame_id){ 9 }, PERM_USER);
    tlb_leave(map(2));
    for (uint32_t i = 1; i <= after; i++) {
        tlb_shoot(map(2), 0x3000, 1);
        if (i == after || (look_every && i % look_every == 0)) {
            tlb_enter(map(2));
            ck_assert_msg(tlb_find(map(2), 0x3000, &f, &perm) == UKERN_NOTFOUND, "found again after %u + %u shoot-downs", before, i);
            tlb_leave(map(2));
        }
    }
    harness_free(k);
}

START_TEST(a_generation_that_wraps_brings_nothing_back)
{
    static const uint32_t befores[] = { 0, 1, 31, 32, 63 }, afters[] = { 1, 31, 32, 33, 63, 64, 65, 128 }; /* a turn of the check build is 64 */
    for (uint32_t i = 0; i < COUNT_OF(befores) * COUNT_OF(afters); i++) {
        wraps(befores[i % COUNT_OF(befores)], afters[i / COUNT_OF(befores)], 0);
        wraps(befores[i % COUNT_OF(befores)], afters[i / COUNT_OF(befores)], 31);
    }
    const uint32_t turn = 1 << 20; /* of the fast build */
#ifndef UKERN_CHECK
    static const uint32_t at[] = { 0, 1, (1 << 19) - 1, 1 << 19, (1 << 20) - 1 };
    for (uint32_t i = 0; !harness_on_valgrind() && i < COUNT_OF(at); i++)
        for (uint32_t d = 0; d < 3; d++)
            wraps(at[i], turn - 1 + d, 0);
#endif
    (void)turn;
}
END_TEST

/* ---- the view of the relation ---- */

/* For the relation: the check build writes it down. */
static void is_inside(uint64_t both)
{
#ifdef UKERN_CHECK
    ck_assert_uint_eq(tlb_peek_inside(0), both);
#endif
    (void)both;
}

START_TEST(peeks_see_what_could_be_found)
{
    struct ukern *k = machine(2);
    struct tlb_entry e;
    struct tlb_at at;
    uint32_t seen = 0;
    if (!k->tlb) /* mode spec: there is no code to look at */
        return;
    is_inside(0);
    tlb_enter(map(5));
    tlb_enter(map(2));
    is_inside(UINT64_C(3) << 32 | 6);
    tlb_fill(map(5), UINT64_C(0x7fffffffe000), (struct frame_id){ 3 }, PERM_WRITE);
    tlb_leave(map(5));
    is_inside(3);
    tlb_enter(map(4));
    is_inside(UINT64_C(5) << 32 | 3);
    tlb_leave(map(4));
    ck_assert(tlb_peek_at(0, map(5), UINT64_C(0x7fffffffe123), &e));
    ck_assert(e.frame.n == 3 && e.perm == PERM_WRITE);
    ck_assert(!tlb_peek_at(1, map(5), UINT64_C(0x7fffffffe123), &e));
    ck_assert(!tlb_peek_at(0, map(4), UINT64_C(0x7fffffffe123), &e));
    for (uint32_t slot = 0; slot < TLB_ENTRIES; slot++)
        if (tlb_peek(0, slot, &at, &e)) {
            seen++;
            ck_assert_uint_eq(at.key, UINT64_C(5) << 36 | UINT64_C(0x7fffffffe));
        }
    ck_assert_uint_eq(seen, 1);
    tlb_shoot(map(5), 0, 1);
    ck_assert(!tlb_peek_at(0, map(5), UINT64_C(0x7fffffffe123), &e));
    tlb_leave(map(2));
    harness_free(k);
}
END_TEST

/* ---- threads: who has found something may use it until it leaves ---- */

enum { FRAMES = 8 };
static struct lock owner; /* guards `shown` */
static uint32_t shown;    /* the frame behind the page */
static uint64_t memory[FRAMES]; /* not atomic: only the shoot-down orders its users and its next owner */
static _Atomic bool stop;

static bool use_once(void)
{
    struct frame_id f;
    uint32_t perm;
    bool good = true;
    tlb_enter(map(1));
    if (tlb_find(map(1), 0x9000, &f, &perm) != UKERN_OK) {
        if (!lock_try(&owner)) { /* it may be waiting for this CPU */
            tlb_leave(map(1));
            return true;
        }
        f = (struct frame_id){ shown };
        tlb_fill(map(1), 0x9000, f, PERM_USER);
        lock_give(&owner);
    }
    for (uint32_t i = 0; i < 20; i++)
        good = good && ((volatile uint64_t *)memory)[f.n] == 1000 + f.n;
    tlb_leave(map(1));
    return good;
}

static void *use(void *cpu)
{
    uintptr_t wrong = 0;
    here = cpu;
    while (!atomic_load(&stop))
        wrong += !use_once();
    here = NULL;
    return (void *)wrong;
}

START_TEST(a_shoot_down_waits_for_who_is_inside)
{
    struct ukern *k = machine(CPUS);
    pthread_t thread[CPUS - 1];
    lock_init(&owner, LAYER_mm_space);
    atomic_store(&stop, false);
    shown = 0;
    memory[0] = 1000;
    for (uint32_t i = 0; i + 1 < CPUS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, use, &k->cpu[i + 1]), 0);
    for (uint32_t i = 0, n = harness_rounds(3000); i < n; i++) {
        LOCK_SCOPE(&owner);
        uint32_t old = shown, new = (shown + 1) % FRAMES;
        tlb_shoot(map(1), 0x9000, 1);
        ((volatile uint64_t *)memory)[old] = 666; /* somebody else's now */
        ((volatile uint64_t *)memory)[new] = 1000 + new;
        shown = new;
    }
    atomic_store(&stop, true);
    for (uint32_t i = 0; i + 1 < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_msg(!wrong, "CPU %u used a stale translation %zu times", i + 1, (size_t)wrong);
    }
    harness_free(k);
}
END_TEST

/* The same, slowly: a shoot-down takes as long as somebody is inside. */
static _Atomic int stage;

static void *stay(void *cpu)
{
    here = cpu;
    tlb_enter(map(1));
    atomic_store(&stage, 1);
    usleep(30000);
    atomic_store(&stage, 2);
    tlb_leave(map(1));
    here = NULL;
    return NULL;
}

START_TEST(a_shoot_down_takes_as_long_as_somebody_is_inside)
{
    struct ukern *k = machine(CPUS);
    pthread_t thread;
    if (!k->tlb) /* mode spec waits by trying again, in its own way */
        return;
    atomic_store(&stage, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stay, &k->cpu[CPUS - 1]), 0);
    while (atomic_load(&stage) == 0)
        sched_yield();
    tlb_shoot(map(2), 0, 1); /* another map's: at once */
    ck_assert_int_eq(atomic_load(&stage), 1);
    tlb_shoot(map(1), 0, 1);
    ck_assert_int_eq(atomic_load(&stage), 2);
    pthread_join(thread, NULL);
    harness_free(k);
}
END_TEST

HARNESS_TESTS("mm/tlb", a_shoot_down_takes_as_long_as_somebody_is_inside, random_calls_agree_with_the_model, what_was_filled_is_found_until_it_is_shot, maps_are_told_apart,
              two_maps_with_the_same_addresses_do_not_fight,
              a_generation_that_wraps_brings_nothing_back, peeks_see_what_could_be_found, a_shoot_down_waits_for_who_is_inside)
