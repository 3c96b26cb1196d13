/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile programs: tasks on several CPUs that make every kernel call with arguments from a hat, while other threads type,
 * open and close consoles, and ask. Whatever they do: no crash, no failed check, no hang, and every frame comes home. */
#include "world.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CPUS = 4, TASKS = 20, CALLS = 300, SEEDS = 6, CHANNELS = 3 };

/* What a task draws from, and where it may point. */
struct hat {
    struct harness_random random;
    uint64_t stack; /* user address of its buffer */
    uint64_t wild;  /* of 1000 addresses, how many are nowhere: each of them ends the task */
};

static uint64_t below(struct hat *h, uint64_t n) { return harness_below(&h->random, n); }

static uint64_t odd_number(struct hat *h)
{
    static const uint64_t odd[] = { 0, 1, 4095, 4096, 4097, 65535, 65536, 65537, UINT32_MAX - 1, UINT32_MAX, UINT64_C(1) << 32,
                                    (UINT64_C(1) << 32) + 1, UINT64_C(1) << 47, UINT64_C(1) << 52, UINT64_C(1) << 63,
                                    UINT64_MAX - 4095, UINT64_MAX - 1, UINT64_MAX };
    return below(h, 4) ? odd[below(h, COUNT_OF(odd))] : harness_random(&h->random) >> below(h, 64);
}

static uint64_t size(struct hat *h) { return below(h, 3) ? below(h, 3000) : odd_number(h); }
static uint64_t pages(struct hat *h) { return below(h, 8) ? (1 + below(h, 40)) * UKERN_PAGE : odd_number(h); }
static uint64_t place(struct hat *h) { return below(h, 8) ? UKERN_MAP_LOW + below(h, 64) * UKERN_PAGE : odd_number(h); }
static uint64_t soon(struct hat *h) { return 1 + below(h, 50000); }
static uint64_t some(struct hat *h, uint64_t n) { return below(h, 8) ? below(h, n) : odd_number(h); }

/* Its own buffer of 4096 bytes, or a place where nothing, or something read-only, may be. */
static uint64_t buffer(struct hat *h, uint64_t *n)
{
    if (below(h, 1000) < h->wild)
        return below(h, 2) ? place(h) : odd_number(h);
    if (*n > 65536) /* refused, wherever it is */
        return h->stack;
    uint64_t offset = below(h, 1000);
    *n %= 4096 - offset + 1;
    return h->stack + offset;
}

static void one_call(struct hat *h)
{
    uint64_t n = size(h), va = buffer(h, &n);
    switch (below(h, 16)) {
    case 0: ukern_trap(UKERN_CALL_yield, odd_number(h), 0, 0, 0); break;
    case 1: ukern_trap(UKERN_CALL_sleep, soon(h), 0, 0, 0); break;
    case 2: ukern_trap(UKERN_CALL_wait, soon(h), 0, 0, 0); break;
    case 3: ukern_trap(UKERN_CALL_wake, some(h, TASKS), 0, 0, 0); break;
    case 4: ukern_trap(UKERN_CALL_console_write, some(h, 4), va, n, 0); break;
    case 5: ukern_trap(UKERN_CALL_console_read, some(h, 4), va, n, 0); break;
    case 6: case 7: ukern_trap(UKERN_CALL_mem_map, place(h), pages(h), some(h, 2), 0); break;
    case 8: ukern_trap(UKERN_CALL_mem_unmap, place(h), pages(h), 0, 0); break;
    case 9: case 10: ukern_trap(UKERN_CALL_chan_send, some(h, CHANNELS), va, n, soon(h)); break;
    case 11: case 12: ukern_trap(UKERN_CALL_chan_recv, some(h, CHANNELS), va, n, soon(h)); break;
    case 13: ukern_trap(UKERN_CALL_time, 0, 0, 0, 0); break;
    case 14: ukern_trap(UKERN_CALL_vm_create + below(h, 7), some(h, 3), va, va, pages(h)); break;
    default: ukern_trap(UKERN_CALL_COUNT + odd_number(h) % (UINT64_MAX - UKERN_CALL_COUNT), 0, 0, 0, 0); break;
    }
}

static int hostile(const struct ukern_start *start)
{
    char bytes[4096];
    memset(bytes, (int)start->task, sizeof bytes);
    struct hat h = { .random = { strtoull(start->argv[1], NULL, 0) * 1000 + start->task }, .stack = ukern_user_address(bytes),
                     .wild = start->task % 4 ? 0 : 20 };
    for (int i = 0; i < CALLS; i++)
        one_call(&h);
    return 0;
}

/* Another thread: types, opens and closes, asks; async-signal-safe or not, all of it is allowed from any thread. */
struct pest {
    pthread_t thread;
    struct ukern *m;
    _Atomic bool enough;
};

static void *pesters(void *arg)
{
    struct pest *p = arg;
    struct hat h = { .random = { 99 } };
    while (!p->enough) {
        struct ukern_stats stats = { .size = sizeof stats };
        struct ukern_task_info info = { .size = sizeof info };
        ukern_console_input(p->m, (uint32_t)some(&h, 4), "what they read", below(&h, 15));
        ukern_console_open(p->m, (uint32_t)some(&h, 4), below(&h, 2));
        ukern_stats(p->m, &stats);
        if (ukern_task_info(p->m, (uint32_t)some(&h, TASKS), &info) == UKERN_OK && info.reason[sizeof info.reason - 1])
            abort();
        sched_yield();
    }
    for (uint32_t i = 0; i < 64; i++)
        ukern_console_open(p->m, i, false);
    return NULL;
}

static void hostile_world(enum ukern_engine engine, uint64_t seed)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    world_make_seeded(engine, CPUS, seed);
    for (uint32_t i = 0; i < TASKS; i++)
        world_spawn((struct world_task){ .name = "hostile", .program = hostile, .cpu = i % CPUS, .argument = text });
}

static uint64_t hostile_run(enum ukern_engine engine, uint64_t seed, bool pestered)
{
    struct ukern_stats stats = { .size = sizeof stats };
    hostile_world(engine, seed);
    struct pest pest = { .m = world->m };
    if (pestered)
        ck_assert_int_eq(pthread_create(&pest.thread, NULL, pesters, &pest), 0);
    enum ukern_status st = world_run(); /* every frame has come home */
    pest.enough = true;
    if (pestered)
        pthread_join(pest.thread, NULL);
    ck_assert_msg(st == UKERN_FAILED || st == UKERN_OK, "seed %llu: %s: %s", (unsigned long long)seed, ukern_status_name(st),
                  ukern_error(world->m));
    ukern_stats(world->m, &stats);
    ck_assert_uint_gt(stats.calls, TASKS * CALLS / 2);
    ck_assert_uint_gt(stats.messages, 0);
    ck_assert_uint_gt(stats.faults, 0);
    uint64_t trace = world->trace_hash;
    world_end();
    return trace;
}

START_TEST(every_call_smp)
{
    for (uint64_t seed = 1; seed <= harness_rounds(SEEDS); seed++)
        hostile_run(UKERN_SMP, seed, false);
}
END_TEST

START_TEST(every_call_smp_pestered)
{
    for (uint64_t seed = 1; seed <= harness_rounds(SEEDS); seed++)
        hostile_run(UKERN_SMP, seed, true);
}
END_TEST

START_TEST(every_call_sim)
{
    for (uint64_t seed = 1; seed <= harness_rounds(SEEDS); seed++)
        ck_assert_uint_eq(hostile_run(UKERN_SIM, seed, false), hostile_run(UKERN_SIM, seed, false));
    hostile_run(UKERN_SIM, 1, true);
}
END_TEST

/* Stopped and freed at any moment. */
START_TEST(freed_at_any_moment)
{
    for (uint64_t i = 0; i < 40; i++) {
        hostile_world(UKERN_SMP, i);
        ck_ok(ukern_start(world->m));
        for (uint64_t k = 0; k < i * 10; k++)
            sched_yield();
        world_end();
        struct ukern_step step = { .size = sizeof step };
        hostile_world(UKERN_SIM, i);
        enum ukern_status st = ukern_step(world->m, i * i * 3, &step);
        ck_assert(st == UKERN_OK || st == UKERN_FAILED);
        world_end();
    }
}
END_TEST

HARNESS_TESTS("hostile", every_call_smp, every_call_smp_pestered, every_call_sim, freed_at_any_moment)
