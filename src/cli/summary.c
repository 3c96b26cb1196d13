/* SPDX-License-Identifier: BSD-2-Clause */
/* summary: what a run came to, for people and for programs. */
#include "cli.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const states[] = { "ready", "running", "waiting", "ended" };

static const char *result_words(const struct session *s, enum ukern_status st)
{
    switch (st) {
    case UKERN_OK: return "all ended as expected";
    case UKERN_FAILED: return "a task or VM did not end as expected";
    case UKERN_STOPPED:
        return atomic_load(&s->asked) == ASKED_LOST_OUTPUT ? "stopped, because output was lost"
                                                           : "stopped before the end";
    case UKERN_DEADLOCK: return "deadlock: nobody can run, and somebody waits";
    case UKERN_BROKEN: return "a check of the kernel on itself failed";
    default: return ukern_status_name(st);
    }
}

/* "exit 0", "killed: ...", "waiting". */
static void task_words(const struct ukern_task_info *t, char *room, size_t n)
{
    if (t->state != UKERN_TASK_ENDED)
        (void)snprintf(room, n, "%s", states[t->state]);
    else if (t->killed)
        (void)snprintf(room, n, "killed: %s", t->reason);
    else
        (void)snprintf(room, n, "%s", t->reason);
}

static const char *task_verdict(const struct ukern_task_info *t)
{
    if (t->state == UKERN_TASK_ENDED)
        return t->as_expected ? "ok" : "NOT OK";
    return t->daemon ? "daemon" : "-";
}

static void write_exits(FILE *f, const struct ukern_stats *t)
{
    uint64_t all = 0;
    for (int k = 0; k < UKERN_EXIT_KINDS; k++)
        all += t->vm_exits[k];
    fprintf(f, "VM exits          %" PRIu64, all);
    for (int k = 0; k < UKERN_EXIT_KINDS; k++)
        if (t->vm_exits[k] > 0)
            fprintf(f, "  %s %" PRIu64, ukern_exit_name((enum ukern_vm_exit_kind)k), t->vm_exits[k]);
    fputc('\n', f);
}

static void write_tasks(FILE *f, const struct session *s)
{
    struct ukern_task_info t = { .size = sizeof t };
    char words[220];
    fprintf(f, "%-4s %-20s %4s  %-7s %s\n", "task", "name", "cpu", "result", "state");
    for (uint32_t i = 0; ukern_task_info(s->m, i, &t) == UKERN_OK; i++) {
        task_words(&t, words, sizeof words);
        fprintf(f, "%-4u %-20s %4u  %-7s %s%s\n", i, t.name, t.cpu, task_verdict(&t), t.is_vm ? "(VM) " : "", words);
    }
}

static void write_text(FILE *f, const struct session *s, const struct ukern_stats *t, enum ukern_status st)
{
    bool sim = s->info.engine == UKERN_SIM;
    fprintf(f, "---- %s: %s ----\n", s->info.name, result_words(s, st));
    fprintf(f, "engine            %s", sim ? "sim" : "smp");
    if (sim)
        fprintf(f, ", seed %" PRIu64 ", %" PRIu64 " points", s->info.seed, t->points);
    fprintf(f, "\nCPUs              %u\n", t->cpus);
    fprintf(f, "time              %" PRIu64 ".%06" PRIu64 " s%s\n", t->time / 1000000000, t->time / 1000 % 1000000,
            sim ? " (virtual)" : "");
    fprintf(f, "switches          %" PRIu64 "\n", t->switches);
    fprintf(f, "kernel calls      %" PRIu64 "\n", t->calls);
    fprintf(f, "messages          %" PRIu64 "\n", t->messages);
    fprintf(f, "interrupts        %" PRIu64 "\n", t->interrupts);
    fprintf(f, "tasks killed      %" PRIu64 "\n", t->faults);
    fprintf(f, "frames            %" PRIu64 " used, %" PRIu64 " at most, of %" PRIu64 "\n", t->frames_used,
            t->frames_peak, t->frames_usable);
    write_exits(f, t);
    write_tasks(f, s);
    if (t->inexact)
        fprintf(f, "not deterministic: the guest, and it alone: when its exits come depends on real time\n");
}

static json_t *task_json(const struct ukern_task_info *t)
{
    json_t *o = json_pack("{s:s, s:i, s:s, s:b, s:b}", "name", t->name, "cpu", (int)t->cpu, "state", states[t->state],
                          "daemon", t->daemon, "vm", t->is_vm);
    if (o == NULL || t->state != UKERN_TASK_ENDED)
        return o;
    (void)json_object_set_new(o, "as_expected", json_boolean(t->as_expected));
    (void)json_object_set_new(o, "killed", json_boolean(t->killed));
    (void)json_object_set_new(o, "reason", json_string(t->reason));
    if (!t->killed)
        (void)json_object_set_new(o, "code", json_integer(t->code));
    return o;
}

static json_t *to_json(const struct session *s, const struct ukern_stats *t, enum ukern_status st, int code)
{
    struct ukern_task_info task = { .size = sizeof task };
    json_t *tasks = json_array(), *exits = json_object();
    for (uint32_t i = 0; ukern_task_info(s->m, i, &task) == UKERN_OK; i++)
        (void)json_array_append_new(tasks, task_json(&task));
    for (int k = 0; k < UKERN_EXIT_KINDS; k++)
        (void)json_object_set_new(exits, ukern_exit_name((enum ukern_vm_exit_kind)k),
                                  json_integer((json_int_t)t->vm_exits[k]));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:o, s:b, s:I, s:o}",
        "version", ukern_version(), "machine", s->info.name, "status", ukern_status_name(st), "result",
        result_words(s, st), "exit_code", code, "engine", s->info.engine == UKERN_SIM ? "sim" : "smp", "seed",
        (json_int_t)s->info.seed, "cpus", (int)t->cpus, "time_ns", (json_int_t)t->time, "switches",
        (json_int_t)t->switches, "calls", (json_int_t)t->calls, "messages", (json_int_t)t->messages, "interrupts",
        (json_int_t)t->interrupts, "tasks_killed", (json_int_t)t->faults, "frames", "used", (json_int_t)t->frames_used,
        "peak", (json_int_t)t->frames_peak, "usable", (json_int_t)t->frames_usable, "vm_exits", exits, "inexact",
        t->inexact, "points", (json_int_t)t->points, "tasks", tasks);
}

/* The whole text first: then one write can fail, and be noticed. */
static char *render(struct session *s, const struct ukern_stats *t, enum ukern_status st, int code)
{
    char *text = NULL;
    size_t n;
    if (s->opt.stats == STATS_JSON) {
        json_t *o = to_json(s, t, st, code);
        text = o != NULL ? json_dumps(o, JSON_INDENT(2)) : NULL;
        json_decref(o);
        return text;
    }
    FILE *f = open_memstream(&text, &n);
    if (f != NULL) {
        write_text(f, s, t, st);
        (void)fclose(f);
    }
    return text;
}

bool summary_write(struct session *s, enum ukern_status st, int code)
{
    struct ukern_stats t = { .size = sizeof t };
    if (s->opt.stats == STATS_NONE)
        return true;
    ukern_stats(s->m, &t);
    char *text = render(s, &t, st, code);
    bool ok = text != NULL && output_text(&s->out, text) && (s->opt.stats != STATS_JSON || output_text(&s->out, "\n"));
    if (!ok)
        cli_say("the summary could not be written: %s",
                text == NULL ? "no memory" : strerror(atomic_load(&s->out.lost)));
    free(text);
    return ok;
}
