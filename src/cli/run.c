/* SPDX-License-Identifier: BSD-2-Clause */
/* run: `ukern run`: from a configuration to a machine, to its end, to an exit code. */
#include "cli.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRACE_BUFFER = 1 << 16 };

/* ---- what the machine calls ---- */

static void on_log(void *ctx, enum ukern_log_level level, const char *line)
{
    static const char *const levels[] = { "error: ", "warning: ", "", "debug: " };
    struct session *s = ctx;
    char text[1200];
    /* An error of the configuration begins with file:line, as a compiler's: editors find it. */
    if (s->m == NULL && s->config == NULL && level == UKERN_LOG_ERROR)
        (void)snprintf(text, sizeof text, "%s\n", line);
    else
        (void)snprintf(text, sizeof text, "ukern: %s%s\n", levels[level], line);
    (void)output_text(&s->err, text);
}

static void on_console(void *ctx, uint32_t console, const void *bytes, size_t n)
{
    struct session *s = ctx;
    if (console < s->info.consoles && !output_write(&s->consoles[console], bytes, n))
        session_ask(s, ASKED_LOST_OUTPUT);
}

static void on_cpu_start(void *ctx, uint32_t cpu)
{
    struct session *s = ctx;
    if (cpu < s->info.cpus)
        atomic_store(&s->cpu_tids[cpu], gettid());
    confine_thread(s, s->info.engine == UKERN_SIM ? ROLE_SIM : ROLE_CPU);
}

static void on_trace(void *ctx, const char *line)
{
    struct session *s = ctx;
    if (s->trace_lost == 0 && (fputs(line, s->trace) == EOF || fputc('\n', s->trace) == EOF)) {
        s->trace_lost = errno;
        session_ask(s, ASKED_LOST_OUTPUT);
    }
}

void session_ask(struct session *s, int why)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&s->asked, &none, why) || why > 0)
        ukern_stop(s->m);
}

/* ---- before the machine ---- */

static bool open_trace(struct session *s)
{
    if (s->opt.trace == NULL)
        return true;
    if (s->info.engine != UKERN_SIM) {
        cli_say("--trace is for the simulation, whose schedule can be repeated; add --engine sim");
        return false;
    }
    s->trace = fopen(s->opt.trace, "we");
    if (s->trace == NULL || (s->trace_buffer = malloc(TRACE_BUFFER)) == NULL ||
        setvbuf(s->trace, s->trace_buffer, _IOFBF, TRACE_BUFFER) != 0) {
        cli_say("--trace %s: %s", s->opt.trace, strerror(errno));
        return false;
    }
    return true;
}

/* With JSON on standard output, what tasks print must not be in between. */
static bool open_console(struct session *s, uint32_t i)
{
    struct ukern_console_info info = { .size = sizeof info };
    struct output *o = &s->consoles[i];
    if (ukern_config_console(s->config, i, &info) != UKERN_OK)
        return false;
    o->fd = s->opt.stats == STATS_JSON ? STDERR_FILENO : STDOUT_FILENO;
    o->name = s->opt.stats == STATS_JSON ? "standard error" : "standard output";
    if (info.kind == UKERN_CONSOLE_NULL) {
        o->fd = -1;
    } else if (info.kind == UKERN_CONSOLE_FILE) {
        o->name = info.path;
        o->own = true;
        o->fd = open(info.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
        if (o->fd < 0) {
            cli_say("%s \"%s\": its output cannot be written to %s: %s", info.is_vm ? "vm" : "process", info.owner,
                    info.path, strerror(errno));
            return false;
        }
    }
    return true;
}

static bool open_outputs(struct session *s)
{
    s->consoles = calloc(s->info.consoles, sizeof *s->consoles);
    s->cpu_tids = calloc(s->info.cpus, sizeof *s->cpu_tids);
    if (s->consoles == NULL || s->cpu_tids == NULL)
        return false;
    for (uint32_t i = 0; i < s->info.consoles; i++)
        s->consoles[i].fd = -1;
    for (uint32_t i = 0; i < s->info.consoles; i++)
        if (!open_console(s, i))
            return false;
    return open_trace(s);
}

static void write_dump(void *ctx, const char *text)
{
    (void)output_text(ctx, text);
}

static int dump(struct session *s)
{
    if (s->opt.settings)
        ukern_config_describe(write_dump, &s->out);
    else
        ukern_config_dump(s->config, write_dump, &s->out);
    int lost = atomic_load(&s->out.lost);
    if (lost != 0)
        cli_say("standard output: %s", strerror(lost));
    return lost != 0 ? EXIT_FAILED : EXIT_OK;
}

static int read_config(struct session *s, const struct ukern_hooks *hooks)
{
    enum ukern_status st = ukern_config_read(s->opt.file, hooks, &s->config);
    struct ukern_config *c = s->config;
    s->config = NULL; /* until it is right: see on_log */
    if (st == UKERN_OK)
        st = ukern_config_set_all(c, (const char *const *)s->opt.sets, s->opt.set_count);
    s->config = c;
    if (st != UKERN_OK)
        return st == UKERN_BADCONFIG ? EXIT_USAGE : EXIT_FAILED;
    s->info.size = sizeof s->info;
    ukern_config_info(c, &s->info);
    return EXIT_OK;
}

/* ---- the end ---- */

/* False: something that was written is not there. */
static bool all_written(struct session *s)
{
    bool ok = true;
    if (s->trace != NULL && s->trace_lost == 0 && fflush(s->trace) != 0)
        s->trace_lost = errno;
    if (s->trace_lost != 0) {
        cli_say("%s: the trace is not complete: %s", s->opt.trace, strerror(s->trace_lost));
        ok = false;
    }
    for (uint32_t i = 0; i < s->info.consoles; i++) {
        int lost = atomic_load(&s->consoles[i].lost);
        if (lost != 0) {
            cli_say("%s: output was lost: %s", s->consoles[i].name, strerror(lost));
            ok = false;
        }
    }
    return ok;
}

static int exit_code(const struct session *s, enum ukern_status st)
{
    if (st == UKERN_STOPPED)
        return atomic_load(&s->asked) == ASKED_KEYS ? EXIT_OK : EXIT_FAILED;
    return st == UKERN_OK ? EXIT_OK : st == UKERN_UNSUPPORTED ? EXIT_CANNOT : EXIT_FAILED;
}

static int run_machine(struct session *s)
{
    s->events = watchdog_prepare(s) ? events_make(s) : NULL;
    if (s->events == NULL || !confine_prepare(s)) {
        term_restore();
        cli_say("cannot start: %s", strerror(errno));
        return EXIT_FAILED;
    }
    enum ukern_status st = s->info.engine == UKERN_SIM ? run_sim(s) : run_smp(s);
    term_restore();
    int code = exit_code(s, st);
    if (!all_written(s) && code == EXIT_OK)
        code = EXIT_FAILED;
    if (!summary_write(s, st, code) && code == EXIT_OK)
        code = EXIT_FAILED;
    return code;
}

static int make_and_run(struct session *s, const struct ukern_hooks *hooks)
{
    struct ukern_hooks h = *hooks;
    if (s->trace != NULL)
        h.trace = on_trace;
    s->signals_fd = events_block_signals();
    enum ukern_status st = ukern_catch_faults();
    term_guard_crashes();
    if (s->info.checks)
        where_prepare();
    if (st == UKERN_OK)
        st = ukern_make_from_config(s->config, &h, &s->m);
    if (st == UKERN_OK) {
        if (s->info.checks)
            where_report(s->m, s->command);
        return run_machine(s);
    }
    cli_say("the machine cannot be made: %s", ukern_status_name(st));
    return st == UKERN_UNSUPPORTED                       ? EXIT_CANNOT
           : st == UKERN_BADARG || st == UKERN_BADCONFIG ? EXIT_USAGE
                                                         : EXIT_FAILED;
}

static void session_free(struct session *s)
{
    events_free(s->events);
    ukern_free(s->m);
    for (uint32_t i = 0; s->consoles != NULL && i < s->info.consoles; i++)
        if (s->consoles[i].own && s->consoles[i].fd >= 0)
            (void)close(s->consoles[i].fd);
    if (s->trace != NULL)
        (void)fclose(s->trace);
    free(s->trace_buffer);
    options_free(&s->opt);
    free(s->consoles);
    free(s->cpu_tids);
    free(s->named);
    confine_free();
    ukern_config_free(s->config);
}

/* The command line again, for reports. */
static void join(int argc, char **argv, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (int i = 0; i < argc && n < size; i++) {
        bool plain = argv[i][0] != 0 && strpbrk(argv[i], "'\"\\$`*?[]{}()<>|&;!~#\t\n") == NULL && (i == 0 || strchr(argv[i], ' ') == NULL);
        n += (size_t)snprintf(text + n, size - n, plain ? "%s%s" : "%s'%s'", i > 0 ? " " : "", argv[i]);
    }
}

/* However the option is spelled, the check build runs the machine and does not look for itself. */
#ifdef UKERN_CHECK
enum { IS_CHECK_BUILD = 1 };
#else
enum { IS_CHECK_BUILD = 0 };
#endif

int cli_run(int argc, char **argv)
{
    struct session s = {
        .out = { .fd = STDOUT_FILENO, .name = "standard output" },
        .err = { .fd = STDERR_FILENO, .name = "standard error" },
        .signals_fd = -1,
    };
    const struct ukern_hooks hooks = {
        .size = sizeof hooks, .ctx = &s, .log = on_log, .console_write = on_console, .cpu_start = on_cpu_start,
    };
    options_parse(argc, argv, &s.opt);
    json_object_seed(1); /* else it opens a device for chance, after files cannot be opened any more */
    if (s.opt.check && !IS_CHECK_BUILD) {
        options_free(&s.opt);
        return again_in_check_build("--check", argc, argv);
    }
    if (s.opt.settings)
        return dump(&s);
    join(argc, argv, s.command, sizeof s.command);
    int code = read_config(&s, &hooks);
    if (code == EXIT_OK && s.opt.lab)
        code = again_in_lab(&s.opt, s.config, argc, argv);
    else if (code == EXIT_OK && s.opt.dump_config)
        code = dump(&s);
    else if (code == EXIT_OK && s.info.checks && !IS_CHECK_BUILD)
        code = again_in_check_build("layers: specifications are in the other build", argc, argv);
    else if (code == EXIT_OK)
        code = open_outputs(&s) ? make_and_run(&s, &hooks) : EXIT_USAGE;
    session_free(&s);
    return code;
}
