/* SPDX-License-Identifier: BSD-2-Clause */
/* bench: `ukern bench`: the kernel's paths beside their floors. The work is done in bench/; see bench/bench.h. */
#include "../../bench/bench.h"
#include "cli.h"
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ukern/ukern.h>

enum { KEY_LIST = 'l', KEY_JSON = 'j', KEY_TIME = 't', KEY_BLOCKS = 'b', KEY_GATE = 'g', KEY_NO_FIFO = 256 };
enum { DEFAULT_BLOCKS = 11, DEFAULT_MS = 10, MOST_MS = 10000, MOST_FIGURES = 64 };

struct request {
    const struct bench_figure *figure[MOST_FIGURES];
    uint32_t figures;
    struct bench_setting setting;
    bool list, json, gate, no_fifo;
};

static const struct argp_option options[] = {
    { "list", KEY_LIST, NULL, 0, "Name the figures and what each is compared with", 0 },
    { "json", KEY_JSON, NULL, 0, "Print JSON, with every block", 0 },
    { "time", KEY_TIME, "MS", 0, "Shortest block, 1..10000 ms (10; a verdict needs 10)", 0 },
    { "blocks", KEY_BLOCKS, "N", 0, "Blocks of each side, 1..101 (11; a verdict needs 9)", 0 },
    { "gate", KEY_GATE, NULL, 0, "Exit 1 when a ratio is over its gate", 0 },
    { "no-fifo", KEY_NO_FIFO, NULL, 0, "Stay in the normal scheduling class", 0 },
    { 0 },
};

static uint64_t number(struct argp_state *state, const char *option, const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < 1 || n > most)
        argp_error(state, "--%s: expected a number from 1 to %llu, got '%s'", option, (unsigned long long)most, text);
    return n;
}

static void choose(struct argp_state *state, struct request *r, const char *name)
{
    const struct bench_figure *f = bench_figure_find(name);
    if (!f)
        argp_error(state, "there is no figure '%s'; --list names them", name);
    else if (r->figures == MOST_FIGURES)
        argp_error(state, "at most %d figures at a time", MOST_FIGURES);
    else
        r->figure[r->figures++] = f;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct request *r = state->input;
    switch (key) {
    case KEY_LIST:
        r->list = true;
        return 0;
    case KEY_JSON:
        r->json = true;
        return 0;
    case KEY_GATE:
        r->gate = true;
        return 0;
    case KEY_NO_FIFO:
        r->no_fifo = true;
        return 0;
    case KEY_TIME:
        r->setting.block_ns = number(state, "time", arg, MOST_MS) * 1000000;
        return 0;
    case KEY_BLOCKS:
        r->setting.blocks = (uint32_t)number(state, "blocks", arg, BENCH_MAX_BLOCKS);
        return 0;
    case ARGP_KEY_ARG:
        choose(state, r, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options, parse, "[NAME...]",
    "Measures paths of the kernel, each beside its floor: the best known raw form of the same thing, in the same run, "
    "in turn with it. Without a NAME: all of them.\v"
    "Exit status: 0 measured, 1 something failed (or --gate and a ratio over its gate), 2 wrong command line, "
    "77 nothing could be measured here.",
    NULL, NULL, NULL,
};

/* The targets are for the fast build as it is shipped. */
static bool judged(void)
{
#if defined(UKERN_CHECK) || !defined(__OPTIMIZE__)
    return false;
#else
    return !cli_instrumented();
#endif
}

static void measure(const struct request *r, const struct bench_home *home, const struct bench_figure *f,
                    struct bench_result *ret_result)
{
    struct bench_place place;
    char why[BENCH_WHY] = "";
    if (!bench_place_enter(home, f->cpus, !r->no_fifo, &place, why)) {
        *ret_result = (struct bench_result){ .figure = f, .place = { .cpus = f->cpus, .cpu = { -1, -1 } } };
        ret_result->subject.outcome = BENCH_SKIPPED;
        memcpy(ret_result->subject.why, why, sizeof why);
        return;
    }
    bench_measure(f, &place, &r->setting, ret_result);
    bench_place_leave(home);
}

static int exit_status(const struct request *r, const struct bench_result *results)
{
    uint32_t measured = 0;
    bool failed = false;
    for (uint32_t i = 0; i < r->figures; i++) {
        const struct bench_result *res = &results[i];
        measured += res->subject.outcome == BENCH_MEASURED;
        failed |= res->subject.outcome == BENCH_FAILED;
        for (uint32_t k = 0; k < res->floors; k++)
            failed |= res->floor[k].outcome == BENCH_FAILED || (r->gate && res->ratio[k].verdict == BENCH_FAIL);
    }
    return failed ? EXIT_FAILED : measured ? EXIT_OK : EXIT_CANNOT;
}

static int measure_all(const struct request *r)
{
    struct bench_home home;
    struct bench_result *results = calloc(r->figures, sizeof *results);
    if (!results || !bench_home(&home)) {
        cli_say("bench cannot begin: %s", strerror(errno));
        free(results);
        return EXIT_FAILED;
    }
    struct bench_report report = { .build = ukern_version(), .instrumented = cli_instrumented(), .setting = &r->setting };
    report.kvm = bench_kvm(&report.kvm_error);
    if (!r->json)
        bench_print_head(&report);
    for (uint32_t i = 0; i < r->figures; i++) {
        measure(r, &home, r->figure[i], &results[i]);
        if (!r->json) {
            bench_print(&results[i]);
            fflush(stdout);
        }
    }
    int status = exit_status(r, results);
    if (r->json && bench_print_json(&report, results, r->figures))
        status = EXIT_FAILED;
    free(results);
    return status;
}

int cli_bench(int argc, char **argv)
{
    struct request r = { .setting = { .block_ns = DEFAULT_MS * UINT64_C(1000000), .blocks = DEFAULT_BLOCKS,
                                      .judged = judged() } };
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &r))
        return EXIT_USAGE;
    if (r.list) {
        bench_print_list();
        return EXIT_OK;
    }
    if (!r.figures)
        for (; bench_figures[r.figures]; r.figures++)
            r.figure[r.figures] = bench_figures[r.figures];
    return measure_all(&r);
}
