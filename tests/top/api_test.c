/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of <ukern/ukern.h>: machines in every state, input, stepping, several machines at once, absurd parameters. */
#include "programs.h"
#include "world.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#define RUNNING_ON_VALGRIND 0
#endif

static int yields_for_ever(const struct ukern_start *start)
{
    while (start)
        ukern_yield();
    return 0;
}

static void spawn_players(const char *rounds)
{
    world_spawn((struct world_task){ .name = "ping", .program = programs_find("ping")->run, .argument = rounds });
    world_spawn((struct world_task){ .name = "pong", .program = programs_find("pong")->run, .cpu = 1, .argument = rounds });
}

static void *stops_soon(void *machine)
{
    usleep(20000);
    ukern_stop(machine);
    return NULL;
}

WORLD_TEST(stop_from_another_thread, 2)
{
    pthread_t stopper;
    world_spawn((struct world_task){ .name = "busy", .program = yields_for_ever });
    world_spawn((struct world_task){ .name = "busier", .program = yields_for_ever, .cpu = 1 });
    ck_assert_int_eq(pthread_create(&stopper, NULL, stops_soon, world->m), 0);
    ck_status(world_run(), UKERN_STOPPED);
    pthread_join(stopper, NULL);
}

/* A machine can be freed in any state. */
START_TEST(free_in_every_state)
{
    ukern_free(NULL);
    for (int started = 0; started < 2; started++) {
        world_make(UKERN_SMP, 2);
        spawn_players("100000000");
        if (started)
            ck_ok(ukern_start(world->m));
        world_end();
    }
    for (uint64_t points = 0; points < 300; points += 7) {
        struct ukern_step step = { .size = sizeof step };
        world_make(UKERN_SIM, 2);
        spawn_players("100");
        ck_ok(ukern_step(world->m, points, &step));
        ck_assert_uint_le(step.points, points + 1);
        world_end();
    }
}
END_TEST

/* Steps of any size make the same run. */
START_TEST(steps_make_the_run)
{
    uint64_t trace = 0, lines = 0;
    for (uint64_t size = 1; size < 20000; size = size * 5 + 1) {
        struct ukern_step step = { .size = sizeof step };
        world_make(UKERN_SIM, 2);
        spawn_players("50");
        while (!step.ended)
            ck_ok(ukern_step(world->m, size, &step));
        ck_assert_msg(lines == 0 || (world->trace_lines == lines && world->trace_hash == trace), "steps of %llu points differ",
                      (unsigned long long)size);
        lines = world->trace_lines;
        trace = world->trace_hash;
        ck_assert_uint_gt(lines, 500);
        world_end();
    }
}
END_TEST

/* Two machines stepped in turn give the traces that each gives alone; other seeds give other traces. */
static uint64_t alone(uint64_t seed)
{
    struct ukern_step step = { .size = sizeof step };
    world_make_seeded(UKERN_SIM, 2, seed);
    spawn_players("50");
    while (!step.ended)
        ck_ok(ukern_step(world->m, 1000, &step));
    uint64_t trace = world->trace_hash;
    world_end();
    return trace;
}

START_TEST(two_machines_in_turn)
{
    struct world *pair[2];
    uint64_t expected = alone(7);
    ck_assert_uint_ne(alone(8), expected);
    for (int i = 0; i < 2; i++) {
        world_make(UKERN_SIM, 2);
        spawn_players("50");
        pair[i] = world;
    }
    struct ukern_step step[2] = { { .size = sizeof step[0] }, { .size = sizeof step[0] } };
    for (uint64_t i = 0; !step[0].ended || !step[1].ended; i++)
        if (!step[i % 2].ended)
            ck_ok(ukern_step(pair[i % 2]->m, 1 + i % 13, &step[i % 2]));
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(pair[i]->trace_hash, expected);
        world = pair[i];
        world_end();
    }
}
END_TEST

static void *types(void *machine)
{
    static const char text[] = "one\ntwo\nquit\n";
    usleep(10000);
    for (size_t i = 0; i < sizeof text - 1;) {
        i += ukern_console_input(machine, 0, text + i, 1);
        usleep(500);
    }
    return NULL;
}

WORLD_TEST(input_wakes_the_reader, 2)
{
    pthread_t typist;
    ukern_console_open(world->m, 0, true);
    world_spawn((struct world_task){ .name = "echo", .program = programs_find("echo")->run, .cpu = 1 });
    ck_assert_int_eq(pthread_create(&typist, NULL, types, world->m), 0);
    ck_ok(world_run());
    pthread_join(typist, NULL);
    ck_assert_str_eq(world->console, "echo: one\necho: two\necho: quit\n");
}

static void *closes(void *machine)
{
    usleep(20000);
    ukern_console_open(machine, 0, false);
    return NULL;
}

/* While input may come, waiting is no deadlock; when it cannot any more, it is. */
WORLD_TEST(closed_input_is_a_deadlock, 2)
{
    pthread_t closer;
    ukern_console_open(world->m, 0, true);
    world_spawn((struct world_task){ .name = "echo", .program = programs_find("echo")->run, .cpu = 1 });
    ck_assert_int_eq(pthread_create(&closer, NULL, closes, world->m), 0);
    ck_status(world_run(), UKERN_DEADLOCK);
    pthread_join(closer, NULL);
    ck_assert(world_logged("task echo waits for a wake-up"));
}

START_TEST(input_is_never_lost)
{
    char bytes[5000];
    memset(bytes, 'x', sizeof bytes);
    world_make(UKERN_SMP, 1);
    ck_assert_uint_eq(ukern_console_input(world->m, 0, bytes, sizeof bytes), 4096);
    ck_assert_uint_eq(ukern_console_input(world->m, 0, bytes, 1), 0);
    ck_assert_uint_eq(ukern_console_input(world->m, 1u << 20, bytes, 1), 0);
    ukern_console_open(world->m, 1u << 20, true);
    world_end();
}
END_TEST

static void refused(struct ukern_params params)
{
    struct ukern *m = (struct ukern *)8;
    params.size = sizeof params;
    params.without_kvm = true;
    ck_assert_int_ne(ukern_make(&params, &m), UKERN_OK);
    ck_assert_ptr_eq(m, (void *)8); /* untouched */
}

START_TEST(absurd_machines)
{
    static const struct ukern_region overlap[] = { { 0, 8192, true }, { 4096, 8192, true } }, outside[] = { { 0, 1 << 30, true } },
                                     wraps[] = { { 4096, UINT64_MAX - 4095, true } }, empty[] = { { 0, 0, true } };
    refused((struct ukern_params){ .cpus = 257 });
    refused((struct ukern_params){ .ram = 4097 });
    refused((struct ukern_params){ .ram = UINT64_MAX & ~UINT64_C(4095) });
    refused((struct ukern_params){ .ram = UINT64_C(1) << 60 });
    refused((struct ukern_params){ .engine = (enum ukern_engine)7 });
    refused((struct ukern_params){ .max_tasks = 65536 });
    refused((struct ukern_params){ .max_channels = UINT32_MAX });
    refused((struct ukern_params){ .max_vms = 5000 });
    refused((struct ukern_params){ .regions = overlap, .region_count = 2 });
    refused((struct ukern_params){ .regions = outside, .region_count = 1 });
    refused((struct ukern_params){ .regions = wraps, .region_count = 1 });
    refused((struct ukern_params){ .regions = empty, .region_count = 1 });
    refused((struct ukern_params){ .regions = overlap, .region_count = 65 });
    refused((struct ukern_params){ .region_count = 1 });
    ck_assert_int_eq(ukern_make(NULL, NULL), UKERN_BADARG);
    struct ukern *m = (struct ukern *)8;
    ck_assert_int_eq(ukern_make(&(struct ukern_params){ .cpus = 2 }, &m), UKERN_BADARG); /* its size was forgotten */
    ck_assert_ptr_eq(m, (void *)8);
}
END_TEST

/* The fast build says that it has no specifications; the check build runs them, and knows its layers' names. */
START_TEST(modes_of_layers)
{
    struct ukern_layer_mode good = { "frame_table", UKERN_MODE_SPEC }, impl = { "all", UKERN_MODE_IMPL }, bad = { "frame_tabel", UKERN_MODE_BOTH };
    struct ukern_params p = { .size = sizeof p, .without_kvm = true, .layers = &good, .layer_count = 1 };
    struct ukern *m = NULL;
#ifdef UKERN_CHECK
    enum ukern_status spec = UKERN_OK, unknown = UKERN_BADARG;
#else
    enum ukern_status spec = UKERN_NOTBUILT, unknown = UKERN_NOTBUILT;
#endif
    ck_status(ukern_make(&p, &m), spec);
    if (spec == UKERN_OK)
        ukern_free(m);
    p.layers = &bad;
    ck_status(ukern_make(&p, &m), unknown);
    p.layers = &impl;
    ck_ok(ukern_make(&p, &m));
    ukern_free(m);
    refused((struct ukern_params){ .layer_count = 1 });
    refused((struct ukern_params){ .layers = &impl, .layer_count = 257 });
}
END_TEST

static enum ukern_status try_spawn(struct ukern_task_params task)
{
    uint32_t number = 99;
    task.size = sizeof task;
    enum ukern_status st = ukern_spawn(world->m, &task, &number);
    ck_assert_uint_eq(number, 99);
    return st;
}

START_TEST(absurd_tasks)
{
    struct ukern_blob big = { "big", "x", UINT64_C(1) << 40 };
    const char *arguments[300] = { "x" }, *many[257];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = "x";
    struct ukern_blob hollow = { "hollow", NULL, 5 };
    world_make(UKERN_SMP, 1);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x" }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .program = yields_for_ever }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "", .program = yields_for_ever }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "a name that is longer than 31 characters", .program = yields_for_ever }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .cpu = 1 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .stack = 4097 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .stack = 4096 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .stack = (64 << 20) + 4096 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .stack = UINT64_C(1) << 40 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .argc = -1 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .argc = 257, .argv = many }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .argc = 1 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .console = 64 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .blobs = &big, .blob_count = 1 }), UKERN_NOMEM);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .blob_count = 17 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .blob_count = 1 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .blobs = &hollow, .blob_count = 1 }), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .argc = 2, .argv = arguments }), UKERN_BADARG);
    ck_status(ukern_spawn(world->m, NULL, NULL), UKERN_BADARG);
    ck_status(ukern_spawn(world->m, &(struct ukern_task_params){ .name = "no size" }, NULL), UKERN_BADARG);
    ck_status(try_spawn((struct ukern_task_params){ .name = "x", .program = yields_for_ever, .stack = 60 << 20 }), UKERN_NOMEM);
    struct ukern_stats stats = { .size = sizeof stats };
    ukern_stats(world->m, &stats);
    ck_assert_uint_eq(stats.frames_used, 0); /* what failed left nothing behind */
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "vm", .kernel = { "k", "x", 1 } };
    ck_status(ukern_spawn_vm(world->m, &vm, NULL), UKERN_UNSUPPORTED);
    world_end();
}
END_TEST

START_TEST(wrong_order_of_calls)
{
    struct ukern_step step = { .size = sizeof step };
    struct ukern_task_info info = { .size = sizeof info };
    world_make(UKERN_SMP, 1);
    ck_status(ukern_step(world->m, 1, &step), UKERN_BADARG);
    ck_status(ukern_wait(world->m), UKERN_BADARG);
    ck_status(ukern_task_info(world->m, 0, &info), UKERN_NOTFOUND);
    ck_ok(ukern_run(world->m));
    ck_status(ukern_run(world->m), UKERN_BUSY);
    ck_status(ukern_spawn(world->m, &(struct ukern_task_params){ .size = sizeof(struct ukern_task_params), .name = "late",
                                                                 .program = yields_for_ever }, NULL), UKERN_BUSY);
    world_end();
    world_make(UKERN_SIM, 1);
    ck_status(ukern_start(world->m), UKERN_BADARG);
    ck_status(ukern_wait(world->m), UKERN_BADARG);
    world_end();
    ck_assert_int_eq((int)ukern_trap(UKERN_CALL_yield, 0, 0, 0, 0).status, UKERN_NOTFOUND); /* no task is running here */
}
END_TEST

/* As many tasks as the machine may have, on many CPUs; then one more. */
START_TEST(limits)
{
    uint32_t tasks = RUNNING_ON_VALGRIND ? 8 : 40; /* valgrind has less address space to give */
    struct ukern_params params = { .size = sizeof params, .cpus = 16, .max_tasks = tasks, .ram = 32 << 20, .without_kvm = true };
    world_make(UKERN_SMP, 1);
    ukern_free(world->m);
    ck_ok(ukern_make(&params, &world->m));
    for (uint32_t i = 0; i < tasks; i++)
        world_spawn((struct world_task){ .name = "sleep", .program = programs_find("sleep")->run, .cpu = i % 16, .argument = "1" });
    ck_status(try_spawn((struct ukern_task_params){ .name = "more", .program = yields_for_ever }), UKERN_NOMEM);
    ck_ok(world_run());
    world_end();
}
END_TEST

START_TEST(names_of_everything)
{
    for (int i = 0; i < UKERN_STATUS_COUNT; i++)
        ck_assert_ptr_nonnull(ukern_status_name((enum ukern_status)i));
    ck_assert_str_eq(ukern_status_name(UKERN_NOMEM), "NOMEM");
    ck_assert_str_eq(ukern_status_name((enum ukern_status)-1), "unknown status");
    for (int i = 0; i < UKERN_EXIT_KINDS; i++)
        ck_assert_ptr_nonnull(ukern_exit_name((enum ukern_vm_exit_kind)i));
    ck_assert_str_eq(ukern_exit_name((enum ukern_vm_exit_kind)99), "unknown");
}
END_TEST

HARNESS_TESTS("api", WORLD_BOTH(stop_from_another_thread), free_in_every_state, steps_make_the_run, two_machines_in_turn,
              WORLD_BOTH(input_wakes_the_reader), WORLD_BOTH(closed_input_is_a_deadlock), input_is_never_lost, absurd_machines, modes_of_layers,
              absurd_tasks, wrong_order_of_calls, limits, names_of_everything)
