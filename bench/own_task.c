/* SPDX-License-Identifier: BSD-2-Clause */
/* own_task: a machine for one block, with its CPUs' threads pinned to the place's CPUs, and a deadline. */
#include "own_task.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 10000, MACHINE_RAM = 16 << 20 };

struct own_block *own_block_of(const struct ukern_start *start)
{
    return (struct own_block *)(uintptr_t)strtoull(start->argv[1], NULL, 16);
}

int own_fail(struct own_block *b, const char *what, enum ukern_status st)
{
    if (!b->failed)
        snprintf(b->why, BENCH_WHY, "%s: %s", what, ukern_status_name(st));
    b->unsupported = !b->failed && st == UKERN_UNSUPPORTED;
    b->failed = true;
    return 1;
}

static void pin_cpu(void *ctx, uint32_t cpu)
{
    struct own_block *b = ctx;
    if (!bench_pin(b->place->cpu[cpu]) || !bench_step_back(b->place)) {
        snprintf(b->why, BENCH_WHY, "placing cpu%u on host CPU %d failed", cpu, b->place->cpu[cpu]);
        b->failed = true;
    }
}

static void keep_error(void *ctx, enum ukern_log_level level, const char *line)
{
    struct own_block *b = ctx;
    if (level == UKERN_LOG_ERROR && !b->why[0])
        snprintf(b->why, BENCH_WHY, "%s", line);
}

static enum ukern_status spawn_all(struct ukern *m, const struct own_program *programs, struct own_block *b)
{
    char address[24];
    snprintf(address, sizeof address, "%" PRIx64, (uint64_t)(uintptr_t)b);
    for (const struct own_program *p = programs; p->program; p++) {
        const char *const argv[] = { p->name, address };
        struct ukern_task_params task = { .size = sizeof task, .name = p->name, .program = p->program, .cpu = p->cpu,
                                          .argc = 2, .argv = argv };
        uint32_t number;
        enum ukern_status st = ukern_spawn(m, &task, &number);
        if (st != UKERN_OK)
            return st;
    }
    return UKERN_OK;
}

static bool ends_within(const struct ukern *m, int ms)
{
    struct pollfd ended = { .fd = ukern_fd(m), .events = POLLIN };
    return poll(&ended, 1, ms) != 0;
}

/* ukern_run with an end: a machine that hangs is stopped, and the block fails. One that cannot be stopped (a task that never
 * comes back to the kernel) ends the tool: it would go on using a CPU that others are measured on. */
static enum ukern_status run_until(struct ukern *m, struct own_block *b)
{
    enum ukern_status st = ukern_start(m);
    if (st != UKERN_OK)
        return st;
    if (!ends_within(m, DEADLINE_MS)) {
        snprintf(b->why, BENCH_WHY, "the machine did not end within %d s", DEADLINE_MS / 1000);
        b->failed = true;
        ukern_stop(m);
        if (!ends_within(m, DEADLINE_MS)) {
            fprintf(stderr, "ukern bench: %s, and could not be stopped\n", b->why);
            exit(1);
        }
    }
    return ukern_wait(m);
}

bool own_run(const struct bench_place *place, const struct own_program *programs, uint64_t arg, uint64_t n, uint64_t *ret_ns,
             bool *ret_unsupported, char *ret_why)
{
    ret_why[0] = 0;
    struct own_block b = { .place = place, .n = n, .arg = arg, .why = ret_why };
    struct ukern_hooks hooks = { .size = sizeof hooks, .ctx = &b, .log = keep_error, .cpu_start = pin_cpu };
    struct ukern_params params = { .size = sizeof params, .engine = UKERN_SMP, .cpus = (uint32_t)place->cpus,
                                   .ram = MACHINE_RAM, .max_tasks = 8, .max_channels = 8, .max_vms = 2, .hooks = &hooks };
    struct ukern *m;
    enum ukern_status st = ukern_make(&params, &m);
    if (st == UKERN_OK) {
        st = spawn_all(m, programs, &b);
        if (st == UKERN_OK)
            st = run_until(m, &b);
        ukern_free(m);
    }
    if (st != UKERN_OK && !ret_why[0])
        snprintf(ret_why, BENCH_WHY, "the machine ended with %s", ukern_status_name(st));
    if (ret_unsupported)
        *ret_unsupported = b.unsupported;
    *ret_ns = b.end - b.start;
    return st == UKERN_OK && !b.failed;
}
