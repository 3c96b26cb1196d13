/* SPDX-License-Identifier: BSD-2-Clause */
/* boot: spawning hosted tasks. What a loader would do: map, fill, start.
 *
 * A task's window: the start page and its strings at START, blobs from BLOBS up, the task's own mappings in
 * [UKERN_MAP_LOW, UKERN_MAP_HIGH), the stack below STACK_TOP with unmapped addresses under it. Page 0 is never mapped. */
#include "boot.h"
#include "console.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/space.h"
#include "sched/thread.h"
#include <ukern/user.h>

#define START_VA UINT64_C(0x00400000)
#define BLOBS_VA UINT64_C(0x00800000)
#define STACK_TOP UINT64_C(0xf0000000)
enum { START_BYTES = 65536, STACK_DEFAULT = 65536, STACK_MIN = 16384, STACK_MAX = 64 << 20, ARGS_MAX = 256 };

/* Writes to pages that the task itself may only read, through the direct map. The pages are mapped. */
static void fill(struct space_id s, uint64_t va, const void *bytes, uint64_t n)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        struct frame_id f;
        uint32_t perm;
        uint64_t at = va & (FRAME_SIZE - 1), chunk = n < FRAME_SIZE - at ? n : FRAME_SIZE - at;
        if (space_read(s, va, &f, &perm) != UKERN_OK)
            return;
        memcpy(frame_bytes(f) + at, from, chunk);
        va += chunk, from += chunk, n -= chunk;
    }
}

/* The start page under construction: the struct, then argv, then strings. */
struct start {
    struct space_id space;
    uint8_t *base;  /* host address of user address 0: pointers in the page are host pointers */
    uint64_t used;  /* bytes of START taken */
    struct ukern_start page;
};

static enum ukern_status put(struct start *s, const void *bytes, uint64_t n, const void **ret_where)
{
    uint64_t at = round_up(s->used, 8);
    if (at + n > START_BYTES)
        return UKERN_NOMEM;
    fill(s->space, START_VA + at, bytes, n);
    *ret_where = s->base + START_VA + at;
    s->used = at + n;
    return UKERN_OK;
}

static enum ukern_status put_arguments(struct start *s, const struct ukern_task_params *task)
{
    const void *where[ARGS_MAX + 1] = { NULL }, *argv;
    enum ukern_status st = UKERN_OK;
    for (int i = 0; st == UKERN_OK && i < task->argc; i++)
        st = put(s, task->argv[i], strlen(task->argv[i]) + 1, &where[i]);
    if (st == UKERN_OK)
        st = put(s, where, ((size_t)task->argc + 1) * sizeof where[0], &argv);
    if (st != UKERN_OK)
        return st;
    s->page.argc = task->argc;
    s->page.argv = argv;
    return UKERN_OK;
}

static enum ukern_status put_blobs(struct start *s, const struct ukern_task_params *task)
{
    uint64_t va = BLOBS_VA;
    enum ukern_status st = UKERN_OK;
    for (size_t i = 0; st == UKERN_OK && i < task->blob_count; i++) {
        const struct ukern_blob *b = &task->blobs[i];
        uint64_t bytes = round_up(b->length ? b->length : 1, FRAME_SIZE);
        if (b->length > UKERN_MAP_LOW || !range_in(va, bytes + FRAME_SIZE, UKERN_MAP_LOW))
            return UKERN_NOMEM;
        const void *name;
        st = space_map(s->space, va, (uint32_t)(bytes >> FRAME_SHIFT), PERM_USER);
        if (st == UKERN_OK)
            st = put(s, b->name ? b->name : "", (b->name ? strlen(b->name) : 0) + 1, &name);
        if (st != UKERN_OK)
            break;
        fill(s->space, va, b->bytes, b->length);
        s->page.blob[i].name = name;
        s->page.blob[i].bytes = s->base + va;
        s->page.blob[i].length = b->length;
        va += bytes + FRAME_SIZE; /* an unmapped page between two */
    }
    s->page.blob_count = (uint32_t)task->blob_count;
    return st;
}

static enum ukern_status build(struct space_id space, const struct ukern_task_params *task, uint64_t stack)
{
    struct ukern *m = here->m;
    struct start s = { .space = space, .base = space_base(space), .used = sizeof s.page };
    enum ukern_status st = space_map(space, START_VA, START_BYTES / FRAME_SIZE, PERM_USER);
    if (st == UKERN_OK)
        st = space_map(space, STACK_TOP - stack, (uint32_t)(stack >> FRAME_SHIFT), PERM_USER | PERM_WRITE);
    if (st == UKERN_OK)
        st = put_arguments(&s, task);
    if (st == UKERN_OK)
        st = put_blobs(&s, task);
    if (st != UKERN_OK)
        return st;
    s.page.size = sizeof s.page;
    s.page.task = thread_count(m);
    s.page.cpu = task->cpu;
    s.page.cpus = m->cpus;
    s.page.console = task->console;
    s.page.wall_time = m->params.wall_time;
    fill(space, START_VA, &s.page, sizeof s.page);
    return UKERN_OK;
}

static enum ukern_status check(const struct ukern_task_params *t, uint64_t stack)
{
    struct ukern *m = here->m;
    const char *name = t->name ? t->name : "";
    if (!t->name || !*t->name || strlen(t->name) > 31)
        return machine_fail(m, UKERN_BADARG, "task '%s': expected a name of 1 to 31 characters", name);
    if (!t->program)
        return machine_fail(m, UKERN_BADARG, "task %s: it has no program", name);
    if (t->cpu >= m->cpus)
        return machine_fail(m, UKERN_BADARG, "task %s: cpu %u, but the machine has %u: expected 0 to %u", name, t->cpu,
                            m->cpus, m->cpus - 1);
    if (stack < STACK_MIN || stack > STACK_MAX || !is_aligned(stack, FRAME_SIZE))
        return machine_fail(m, UKERN_BADARG, "task %s: a stack of %llu bytes; expected a multiple of 4096 from %d to %d",
                            name, (unsigned long long)stack, STACK_MIN, STACK_MAX);
    if (t->argc < 0 || t->argc > ARGS_MAX || (t->argc && !t->argv) || t->blob_count > UKERN_BLOBS_MAX)
        return machine_fail(m, UKERN_BADARG, "task %s: expected at most %d arguments and %u blobs", name, ARGS_MAX, UKERN_BLOBS_MAX);
    for (int i = 0; i < t->argc; i++)
        if (!t->argv[i])
            return machine_fail(m, UKERN_BADARG, "task %s: argument %d of %d is NULL", name, i, t->argc);
    for (size_t i = 0; i < t->blob_count; i++)
        if (!t->blobs || (t->blobs[i].length && !t->blobs[i].bytes))
            return machine_fail(m, UKERN_BADARG, "task %s: blob %zu of %zu has no bytes", name, i, t->blob_count);
    if (t->console >= CONSOLES)
        return machine_fail(m, UKERN_BADARG, "task %s: console %u; expected 0 to %d", name, t->console, CONSOLES - 1);
    return UKERN_OK;
}

enum ukern_status boot_spawn(const struct ukern_task_params *task, uint32_t *ret_task)
{
    uint64_t stack = task->stack ? task->stack : STACK_DEFAULT;
    struct space_id space;
    struct thread_id thread;
    enum ukern_status st = check(task, stack);
    if (st != UKERN_OK)
        return st;
    st = space_new(ROOT_CONTAINER, &space);
    if (st != UKERN_OK)
        return machine_fail(here->m, st, "task %s: no room for its address space", task->name);
    struct thread_spec spec = {
        .cpu = task->cpu, .console = task->console, .space = space, .entry = (uint64_t)task->program, .start = START_VA,
        .stack_low = STACK_TOP - stack, .stack_high = STACK_TOP, .daemon = task->daemon, .is_vm = task->is_vm,
        .floating_point = task->floating_point, .expect = task->expect, .expect_code = task->expect_code,
    };
    memcpy(spec.name, task->name, strlen(task->name) + 1);
    st = build(space, task, stack);
    if (st == UKERN_OK)
        st = thread_spawn(&spec, &thread);
    if (st == UKERN_OK) {
        *ret_task = thread.n;
        return UKERN_OK;
    }
    space_destroy(space);
    return machine_fail(here->m, st, "task %s: not enough memory for it (%s): give the machine more ram or more tasks",
                        task->name, ukern_status_name(st));
}
