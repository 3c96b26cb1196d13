/* SPDX-License-Identifier: BSD-2-Clause */
/* guests: see guests.h. */
#include "vm/guests.h"
#include "vm/vm.h"
#include <stdio.h>
#include <stdlib.h>

static void keep(char *to, size_t room, size_t *used, const void *bytes, size_t n)
{
    size_t take = n < room - 1 - *used ? n : room - 1 - *used;
    memcpy(to + *used, bytes, take);
    *used += take;
    to[*used] = 0;
}

static void on_console(void *ctx, uint32_t console, const void *bytes, size_t n)
{
    struct guests_run *r = ctx;
    size_t used = atomic_load(&r->console_used);
    (void)console;
    keep(r->console, sizeof r->console, &used, bytes, n);
    atomic_store(&r->console_used, used);
}

static void on_log(void *ctx, enum ukern_log_level level, const char *line)
{
    struct guests_run *r = ctx;
    (void)level;
    keep(r->log, sizeof r->log, &r->log_used, line, strlen(line));
    keep(r->log, sizeof r->log, &r->log_used, "\n", 1);
}

struct ukern_hooks guests_hooks(struct guests_run *r)
{
    return (struct ukern_hooks){ .size = sizeof(struct ukern_hooks), .ctx = r, .log = on_log, .console_write = on_console };
}

void guests_require(void)
{
    struct ukern *m;
    const char *must = getenv("UKERN_REQUIRE_KVM");
    if (ukern_make(NULL, &m) != UKERN_OK)
        exit(1);
    const char *why = vm_why_not(m);
    if (why)
        printf("%s: %s\n", must && strcmp(must, "1") == 0 ? "FAILED, KVM is required" : "SKIP", why);
    bool missing = why != NULL;
    ukern_free(m);
    if (missing)
        exit(must && strcmp(must, "1") == 0 ? 1 : 77);
}

bool guests_interpreted(void)
{
    struct ukern *m;
    ck_ok(ukern_make(NULL, &m));
    bool native = vm_hardware(m);
    ukern_free(m);
    return !native;
}

struct guests_image guests_load(const char *name)
{
    char path[512];
    struct guests_image im = { 0 };
    const char *dir = getenv("builddir");
    snprintf(path, sizeof path, "%s/tests/guest/%s", dir ? dir : ".", name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s cannot be read: run `make %s`, or set builddir", path, "tests/guest/...");
    ck_assert(fseek(f, 0, SEEK_END) == 0);
    im.length = (uint64_t)ftell(f);
    rewind(f);
    im.bytes = malloc(im.length + 1);
    ck_assert(im.bytes && fread(im.bytes, 1, im.length, f) == im.length);
    fclose(f);
    return im;
}

void guests_boot(const struct ukern_params *params, const struct ukern_vm_params *vm, struct guests_run *ret_run)
{
    struct guests_run *r = ret_run;
    struct ukern_params p = params ? *params : (struct ukern_params){ .cpus = 2 };
    struct ukern *m;
    uint32_t task;
    memset(r, 0, sizeof *r);
    struct ukern_hooks hooks = guests_hooks(r);
    p.size = sizeof p;
    p.hooks = &hooks;
    ck_ok(ukern_make(&p, &m));
    ck_ok(ukern_spawn_vm(m, vm, &task));
    r->status = ukern_run(m);
    r->task.size = sizeof r->task;
    r->stats.size = sizeof r->stats;
    ck_ok(ukern_task_info(m, task, &r->task));
    ukern_stats(m, &r->stats);
    ukern_free(m);
}

void guests_boot_image(const char *name, enum ukern_engine engine, struct guests_run *ret_run)
{
    struct guests_image im = guests_load(name);
    struct ukern_vm_params vm = { .size = sizeof vm, .name = "guest", .ram = 2 << 20, .kernel = { name, im.bytes, im.length } };
    struct ukern_params p = { .cpus = 2, .engine = engine };
    guests_boot(&p, &vm, ret_run);
    free(im.bytes);
}

bool guests_said(const struct guests_run *r, const char *text) { return strstr(r->console, text) != NULL; }
