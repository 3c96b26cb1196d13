/* SPDX-License-Identifier: BSD-2-Clause */
/* engines: a run under each engine. smp: CPU threads are the library's, one thread for events, the caller waits. sim:
 * everything on the caller's thread, events between slices of the simulation. */
#include "cli.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>

/* Points of simulation between two looks at the outside: some milliseconds. A guest that halts can take 200 ms for one
 * point, and until then keys and signals wait: with guests, after each point. */
enum { SLICE = 20000, SLICE_WITH_GUESTS = 1 };

static void *events_thread(void *arg)
{
    struct session *s = arg;
    (void)pthread_setname_np(pthread_self(), "events");
    confine_thread(s, ROLE_EVENTS);
    events_run(s->events);
    return NULL;
}

enum ukern_status run_smp(struct session *s)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, events_thread, s);
    if (error != 0) {
        cli_say("no thread for events: %s", strerror(error));
        return UKERN_HOST;
    }
    enum ukern_status st = ukern_start(s->m);
    confine_thread(s, ROLE_MAIN);
    if (st == UKERN_OK)
        st = ukern_wait(s->m);
    else if (ukern_wait(s->m) == UKERN_OK)
        st = UKERN_HOST; /* cannot be: a start that failed ends the machine with its reason */
    events_end(s->events);
    (void)pthread_join(thread, NULL);
    return st;
}

enum ukern_status run_sim(struct session *s)
{
    struct ukern_step step = { .size = sizeof step };
    enum ukern_status st;
    if (!watchdog_start_sim(s))
        cli_say("no timer for the watchdog: %s", strerror(errno));
    uint64_t slice = s->info.vms > 0 ? SLICE_WITH_GUESTS : SLICE;
    do {
        events_poll(s->events, step.idle);
        st = ukern_step(s->m, slice, &step);
    } while (st == UKERN_OK && !step.ended);
    watchdog_stop_sim();
    return st;
}
