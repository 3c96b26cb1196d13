/* SPDX-License-Identifier: BSD-2-Clause */
/* world: see world.h. */
#include "world.h"
#include <stdio.h>
#include <stdlib.h>

struct world *world;

static void append(char *to, size_t *used, size_t size, const void *bytes, size_t n)
{
    if (n > size - 1 - *used)
        n = size - 1 - *used;
    memcpy(to + *used, bytes, n);
    *used += n;
    to[*used] = 0;
}

static void on_console(void *ctx, uint32_t console, const void *bytes, size_t n)
{
    struct world *w = ctx;
    (void)console;
    append(w->console, &w->console_bytes, sizeof w->console, bytes, n);
}

static void on_log(void *ctx, enum ukern_log_level level, const char *line)
{
    struct world *w = ctx;
    (void)level;
    append(w->log, &w->log_bytes, sizeof w->log, line, strlen(line));
    append(w->log, &w->log_bytes, sizeof w->log, "\n", 1);
}

static void on_trace(void *ctx, const char *line)
{
    struct world *w = ctx;
    w->trace_lines++;
    for (; *line; line++)
        w->trace_hash = (w->trace_hash ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
}

void world_make(enum ukern_engine engine, uint32_t cpus) { world_make_seeded(engine, cpus, 7); }

void world_make_seeded(enum ukern_engine engine, uint32_t cpus, uint64_t seed)
{
    world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    world->engine = engine;
    struct ukern_hooks hooks = { .size = sizeof hooks, .ctx = world, .log = on_log, .console_write = on_console, .trace = on_trace };
    struct ukern_params params = { .size = sizeof params, .engine = engine, .cpus = cpus, .seed = seed, .ram = 32 << 20,
                                   .without_kvm = true, .hooks = &hooks };
    harness_modes(&params);
    ck_ok(ukern_catch_faults());
    ck_ok(ukern_make(&params, &world->m));
}

uint32_t world_spawn(struct world_task task)
{
    const char *argv[] = { task.name, task.argument };
    uint32_t number;
    struct ukern_task_params params = {
        .size = sizeof params, .name = task.name, .program = task.program, .cpu = task.cpu, .expect = task.expect,
        .daemon = task.daemon, .floating_point = task.floating_point, .expect_code = task.expect_code,
        .argc = task.argument ? 2 : 1, .argv = argv,
    };
    ck_ok(ukern_spawn(world->m, &params, &number));
    return number;
}

enum ukern_status world_run(void)
{
    enum ukern_status st = ukern_run(world->m);
    struct ukern_stats stats = { .size = sizeof stats };
    ukern_stats(world->m, &stats);
    if (st == UKERN_OK || st == UKERN_FAILED)
        for (uint32_t i = 0;; i++) { /* whoever has ended has given everything back; daemons may still hold theirs */
            struct ukern_task_info info = { .size = sizeof info };
            if (ukern_task_info(world->m, i, &info) != UKERN_OK) {
                ck_assert_msg(stats.frames_used == 0, "%llu frames are still used", (unsigned long long)stats.frames_used);
                break;
            }
            if (info.state != UKERN_TASK_ENDED)
                break;
        }
    return st;
}

void world_end(void)
{
    ukern_free(world->m);
    free(world);
    world = NULL;
}

bool world_says(const char *text) { return strstr(world->console, text) != NULL; }
bool world_logged(const char *text) { return strstr(world->log, text) != NULL; }

const char *world_reason(uint32_t task)
{
    static _Thread_local struct ukern_task_info info;
    info.size = sizeof info;
    ck_ok(ukern_task_info(world->m, task, &info));
    return info.reason;
}
