/* SPDX-License-Identifier: BSD-2-Clause */
/* cli: what the files of the ukern tool share.
 *
 * Codes      0 ok; 1 it was right and failed; 2 command line or configuration wrong; 77 cannot run here
 * State      a signal handler can reach only globals: each file has at most one pointer of its own, and says so */
#pragma once
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <ukern/ukern.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT = 77 };

/* The verbs: argv[0] is "ukern VERB". */
int cli_run(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_layers(int argc, char **argv);
/* Built with a sanitizer, or under valgrind: "AddressSanitizer" and so on; NULL otherwise. */
const char *cli_instrumented(void);
/* "ukern: " and a line on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- options of run (options.c) ---- */
enum stats { STATS_TEXT, STATS_JSON, STATS_NONE };
enum confine { CONFINE_ON, CONFINE_LOG, CONFINE_OFF };
enum { SETS_MAX = 64 };
struct options {
    const char *file, *trace;
    char *sets[SETS_MAX];
    size_t set_count;
    enum stats stats;
    enum confine confine;
    bool confine_asked, dump_config, settings, lab, check;
};
/* Ends the process with EXIT_USAGE when they are wrong. */
void options_parse(int argc, char **argv, struct options *ret_options);
void options_free(struct options *o);
/* Run the same command elsewhere, and say why. Return only when that is not possible, with the exit code. */
int again_in_lab(const struct options *o, const struct ukern_config *c, int argc, char **argv);
int again_in_check_build(const char *why, int argc, char **argv);

/* ---- bytes out (output.c) ---- */
struct output {
    int fd;           /* -1: dropped */
    bool own;         /* to be closed */
    const char *name; /* for messages */
    _Atomic int lost; /* errno of the first write that failed */
};
/* All of it, whatever a pipe or terminal does; false: lost, and o->lost says why. (any thread) */
bool output_write(struct output *o, const void *bytes, size_t n);
bool output_text(struct output *o, const char *text);

/* ---- the terminal (term.c) ---- */
/* Raw, so that keys reach a guest; false: standard input is no terminal. */
bool term_raw(void);
/* Gives the terminal back as it was. (any thread, async-signal-safe, as often as you like) */
void term_restore(void);
/* From now on crash signals give the terminal back before they end the process. After ukern_catch_faults. */
void term_guard_crashes(void);

/* ---- one run ---- */
struct session {
    struct options opt;
    struct ukern_config *config;
    struct ukern_config_info info;
    struct ukern *m;
    struct output out, err, *consoles; /* [info.consoles] */
    FILE *trace;
    char *trace_buffer;
    char command[512];                 /* that started this run */
    int trace_lost;                    /* errno of the first write that failed */
    uint64_t asked_at;                 /* when, ns of CLOCK_MONOTONIC; the thread that takes signals only */
    _Atomic int asked;                 /* to stop: 0 no, a signal's number, or ASKED_KEYS */
    int signals_fd, end_fd;
    _Atomic int *cpu_tids;             /* [info.cpus]: of CPU threads, for the watchdog */
    struct events *events;
    bool *named;                       /* [task_count]: silent tasks that were named */
    uint32_t task_count;
    uint64_t watch_points;             /* sim watchdog: points when last looked, and how often they were the same */
    unsigned watch_same;
};
enum { ASKED_KEYS = -1, ASKED_LOST_OUTPUT = -2 };

enum ukern_status run_smp(struct session *s);
enum ukern_status run_sim(struct session *s);
void session_ask(struct session *s, int why);

/* ---- events: standard input, signals, the watchdog (events.c) ---- */
struct events *events_make(struct session *s);
/* Blocks the signals that events handles; before any thread is made. -1: Linux gave no signalfd. */
int events_block_signals(void);
void events_run(struct events *e);             /* until events_end, on another thread */
void events_end(struct events *e);
void events_poll(struct events *e, bool wait); /* what is there; wait: at least one, or 100 ms */
void events_free(struct events *e);

/* ---- the watchdog (watchdog.c) ---- */
bool watchdog_start_sim(struct session *s); /* a task that makes no call for 2 s of CPU time dies */
void watchdog_stop_sim(void);
void watchdog_look(struct session *s);      /* smp: names silent tasks; about once a second */
bool watchdog_prepare(struct session *s);

/* ---- confinement (confine.c) ---- */
enum role { ROLE_CPU, ROLE_EVENTS, ROLE_MAIN, ROLE_SIM };
/* Makes everything that a filter and its message need, while memory and files can be had. */
bool confine_prepare(struct session *s);
void confine_thread(const struct session *s, enum role role);
void confine_free(void);

/* ---- reports of failed checks (where.c; in the fast build nothing) ---- */
/* Before confinement: what names the lines of callers is read. */
void where_prepare(void);
/* A failed check of m says which command repeats the run, and names lines. */
void where_report(struct ukern *m, const char *command);

/* ---- the end (summary.c) ---- */
bool summary_write(struct session *s, enum ukern_status st, int code);
