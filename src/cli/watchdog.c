/* SPDX-License-Identifier: BSD-2-Clause */
/* watchdog: tasks that make no kernel call.
 *
 * smp        such a task holds only its own CPU: it is named; once the machine is to stop, it is ended
 * sim        such a task holds the whole simulation: after 2 s of CPU time it is ended, and so fails the run
 * State      the session, for the signal handler */
#include "cli.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { TICKS = 4, TICK_MS = 500 };
#define SILENT_NS UINT64_C(2000000000)

static struct session *watched;

/* On the thread of a simulation, every half second of its CPU time, or on a CPU that watchdog_look ends. */
static void on_tick(int signal, siginfo_t *info, void *context)
{
    struct session *s = watched;
    struct ukern_stats stats = { .size = sizeof stats };
    (void)signal;
    (void)info;
    if (s == NULL)
        return;
    if (s->info.engine == UKERN_SMP) {
        (void)ukern_end_task_here(context, "made no kernel call for 2 s after the machine was asked to stop");
        return;
    }
    ukern_stats(s->m, &stats);
    s->watch_same = stats.points == s->watch_points ? s->watch_same + 1 : 0;
    s->watch_points = stats.points;
    if (s->watch_same >= TICKS && ukern_end_task_here(context, "made no kernel call for 2 s of CPU time"))
        s->watch_same = 0;
}

bool watchdog_prepare(struct session *s)
{
    struct ukern_task_info t = { .size = sizeof t };
    struct sigaction act = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    sigfillset(&act.sa_mask);
    watched = s;
    while (ukern_task_info(s->m, s->task_count, &t) == UKERN_OK)
        s->task_count++;
    s->named = calloc(s->task_count + 1, sizeof *s->named);
    return s->named != NULL && sigaction(SIGVTALRM, &act, NULL) == 0;
}

bool watchdog_start_sim(struct session *s)
{
    const struct itimerval every = { .it_interval = { .tv_usec = TICK_MS * 1000 },
                                     .it_value = { .tv_usec = TICK_MS * 1000 } };
    (void)s;
    return setitimer(ITIMER_VIRTUAL, &every, NULL) == 0;
}

void watchdog_stop_sim(void)
{
    const struct itimerval never = { 0 };
    (void)setitimer(ITIMER_VIRTUAL, &never, NULL);
    watched = NULL;
}

static void silent_task(struct session *s, const struct ukern_task_info *t)
{
    char line[256];
    bool stopping = atomic_load(&s->asked) != 0;
    (void)snprintf(line, sizeof line, "ukern: task %s on cpu%u has made no kernel call for %llu s%s\n", t->name, t->cpu,
                   (unsigned long long)(t->silent / 1000000000), stopping ? "; it is ended" : "");
    (void)output_text(&s->err, line);
    if (stopping && t->cpu < s->info.cpus)
        (void)syscall(SYS_tgkill, getpid(), atomic_load(&s->cpu_tids[t->cpu]), SIGVTALRM);
}

void watchdog_look(struct session *s)
{
    struct ukern_task_info t = { .size = sizeof t };
    for (uint32_t i = 0; ukern_task_info(s->m, i, &t) == UKERN_OK; i++) {
        bool silent = t.silent >= SILENT_NS && !t.is_vm;
        if (silent && (i >= s->task_count || !s->named[i] || atomic_load(&s->asked) != 0))
            silent_task(s, &t);
        if (i < s->task_count)
            s->named[i] = silent; /* once per silence; while stopping, each time */
    }
}
