/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the configuration's part of ukern.h: memory comes from the hooks and goes back, every allocation is failed in
 * turn, a change that is refused changes nothing, a file that changes meanwhile does no harm. */
#include "config.h"
#include "harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct counts {
    unsigned live, taken, fail_at; /* fail_at 0: none fails */
    unsigned errors;
    char text[1 << 16];
    size_t n;
};

static void *count_alloc(void *ctx, size_t n)
{
    struct counts *c = ctx;
    if (++c->taken == c->fail_at)
        return NULL;
    c->live++;
    return malloc(n);
}
static void count_dealloc(void *ctx, void *p)
{
    ((struct counts *)ctx)->live--;
    free(p);
}
static void count_log(void *ctx, enum ukern_log_level level, const char *line)
{
    struct counts *c = ctx;
    c->errors += level == UKERN_LOG_ERROR && line[0] != 0;
}
static void take(void *ctx, const char *text)
{
    struct counts *c = ctx;
    size_t n = strlen(text);
    ck_assert_uint_lt(c->n + n, sizeof c->text);
    memcpy(c->text + c->n, text, n + 1);
    c->n += n;
}

static struct ukern_hooks hooks_of(struct counts *c)
{
    return (struct ukern_hooks){ .size = sizeof(struct ukern_hooks), .ctx = c, .log = count_log, .alloc = count_alloc, .dealloc = count_dealloc };
}

static char path[64];
static const char text[] = "machine = { cpus = 2; memory = ( { start = 0; length = \"1M\"; }, { start = \"2M\"; length = \"62M\"; } ); };\n"
                           "processes = ( { program = \"hello\"; args = [ \"a\", \"b\" ]; cpu = 1; }, { name = \"e\"; program = \"exit\"; console = \"file:out\"; } );\n";

static void write_file(const char *bytes)
{
    strcpy(path, "/tmp/config_testXXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, strlen(bytes)), (int)strlen(bytes));
    close(fd);
}

START_TEST(every_allocation_is_failed_in_turn)
{
    static struct counts c;
    unsigned failed = 0;
    write_file(text);
    for (unsigned n = 1;; n++) {
        struct ukern_config *config = NULL;
        c = (struct counts){ .fail_at = n };
        struct ukern_hooks hooks = hooks_of(&c);
        enum ukern_status st = ukern_config_read(path, &hooks, &config);
        if (st == UKERN_OK)
            st = ukern_config_set(config, "machine.cpus=4");
        if (c.taken < n) { /* no more sites */
            ck_ok(st);
            ukern_config_free(config);
            ck_assert_uint_eq(c.live, 0);
            break;
        }
        failed++;
        ck_status(st, UKERN_NOMEM);
        ukern_config_free(config);
        ck_assert_uint_eq(c.live, 0);
    }
    unlink(path);
    printf("# %u allocations found and failed\n", failed);
    ck_assert_uint_gt(failed, 20);
}
END_TEST

START_TEST(a_refused_change_changes_nothing)
{
    static struct counts before, after, c;
    struct ukern_hooks hooks = hooks_of(&c);
    struct ukern_config *config;
    struct ukern_config_info info = { .size = sizeof info };
    write_file(text);
    ck_ok(ukern_config_read(path, &hooks, &config));
    ukern_config_dump(config, take, &before);
    static const char *const refused[] = { "machine.cpus=0", "machine.cpus=1", "machine.nosuch=1", "processes.e.cpu=9", "x", "vms[0].ram=1M" };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        c.errors = 0;
        ck_status(ukern_config_set(config, refused[i]), UKERN_BADCONFIG);
        ck_assert_uint_ge(c.errors, 1);
    }
    const char *const both[] = { "machine.cpus=1", "processes.hello.cpu=0" }; /* right only together */
    ukern_config_dump(config, take, &after);
    ck_assert_str_eq(before.text, after.text);
    ck_ok(ukern_config_set_all(config, both, 2));
    ukern_config_info(config, &info);
    ck_assert_uint_eq(info.cpus, 1);
    ck_ok(ukern_config_set(config, "machine.engine=sim"));
    ukern_config_info(config, &info);
    ck_assert_uint_eq(info.cpus, 1);
    ck_assert_int_eq(info.engine, UKERN_SIM);
    /* the file goes: a change reads it again, fails, and leaves everything as it is */
    unlink(path);
    ck_status(ukern_config_set(config, "machine.cpus=4"), UKERN_BADCONFIG);
    ukern_config_info(config, &info);
    ck_assert_uint_eq(info.cpus, 1);
    ukern_config_free(config);
    ck_assert_uint_eq(c.live, 0);
}
END_TEST

START_TEST(consoles_and_paths_are_listed)
{
    struct ukern_config *config;
    struct ukern_console_info info = { .size = sizeof info };
    const char *file;
    write_file(text);
    ck_ok(ukern_config_read(path, NULL, &config));
    ck_ok(ukern_config_console(config, 0, &info));
    ck_assert_int_eq(info.kind, UKERN_CONSOLE_MACHINE);
    ck_ok(ukern_config_console(config, 1, &info));
    ck_assert_int_eq(info.kind, UKERN_CONSOLE_FILE);
    ck_assert_str_eq(info.path, "/tmp/out");
    ck_assert_str_eq(info.owner, "e");
    ck_status(ukern_config_console(config, 2, &info), UKERN_NOTFOUND);
    ck_ok(ukern_config_path(config, 0, &file));
    ck_assert_str_eq(file, path);
    ck_status(ukern_config_path(config, 1, &file), UKERN_NOTFOUND);
    ukern_config_free(config);
    unlink(path);
}
END_TEST

START_TEST(sizes_of_structs_are_respected)
{
    struct ukern_config *config;
    struct ukern_config_info info;
    memset(&info, 0x55, sizeof info);
    info.size = offsetof(struct ukern_config_info, cpus);
    write_file(text);
    ck_ok(ukern_config_read(path, NULL, &config));
    ukern_config_info(config, &info);
    ck_assert_str_eq(info.name, "ukern");
    ck_assert_uint_eq(info.cpus, 0x55555555);
    ukern_config_free(config);
    unlink(path);
    ck_status(ukern_config_read(NULL, NULL, &config), UKERN_BADARG);
    ukern_config_free(NULL);
}
END_TEST

START_TEST(a_machine_outlives_its_configuration)
{
    struct ukern_config *config;
    struct ukern *m;
    write_file(text);
    ck_ok(ukern_config_read(path, NULL, &config));
    ck_ok(ukern_make_from_config(config, NULL, &m));
    ukern_config_free(config);
    unlink(path);
    ck_ok(ukern_run(m));
    ukern_free(m);
}
END_TEST

HARNESS_TESTS("config", every_allocation_is_failed_in_turn, a_refused_change_changes_nothing, consoles_and_paths_are_listed,
              sizes_of_structs_are_respected, a_machine_outlives_its_configuration)
