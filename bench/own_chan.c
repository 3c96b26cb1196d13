/* SPDX-License-Identifier: BSD-2-Clause */
/* own_chan: a channel's round trip of 8 words, and a kernel call that does nothing. */
#include "floors.h"
#include "own_task.h"
#include <stdio.h>
#include <stdlib.h>

enum { REQUEST, REPLY, WORDS = 8 };

static int ask(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    uint64_t message[WORDS] = { 1 };
    size_t bytes;
    for (uint64_t i = 0; i < b->n + OWN_WARM; i++) {
        if (i == OWN_WARM)
            b->start = bench_now();
        enum ukern_status st = ukern_chan_send(REQUEST, message, sizeof message, 0, &bytes);
        if (st == UKERN_OK)
            st = ukern_chan_recv(REPLY, message, sizeof message, 0, &bytes);
        if (st != UKERN_OK)
            return own_fail(b, "asking", st);
    }
    b->end = bench_now();
    return message[0] == b->n + OWN_WARM + 1 ? 0 : own_fail(b, "the count of round trips", UKERN_FAILED);
}

static int answer(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    uint64_t message[WORDS];
    size_t bytes;
    for (uint64_t i = 0; i < b->n + OWN_WARM; i++) {
        enum ukern_status st = ukern_chan_recv(REQUEST, message, sizeof message, 0, &bytes);
        message[0]++;
        if (st == UKERN_OK)
            st = ukern_chan_send(REPLY, message, sizeof message, 0, &bytes);
        if (st != UKERN_OK)
            return own_fail(b, "answering", st);
    }
    return 0;
}

static int call(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    uint64_t refused = 0;
    b->start = bench_now();
    for (uint64_t i = 0; i < b->n; i++)
        refused += ukern_trap(UKERN_CALL_COUNT, 0, 0, 0, 0).status != UKERN_OK;
    b->end = bench_now();
    return refused == b->n ? 0 : own_fail(b, "a call that does not exist", UKERN_OK);
}

static const struct own_program one_cpu[] = { { "ask", ask, 0 }, { "answer", answer, 0 }, { NULL, NULL, 0 } };
static const struct own_program two_cpus[] = { { "ask", ask, 0 }, { "answer", answer, 1 }, { NULL, NULL, 0 } };
static const struct own_program calls[] = { { "call", call, 0 }, { NULL, NULL, 0 } };

enum { ONE_CPU, TWO_CPUS, CALLS };
static const struct own_program *const sets[] = { one_cpu, two_cpus, calls };

struct chan_state {
    struct bench_place place;
    const struct own_program *programs;
};

static bool chan_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    (void)ret_skip;
    struct chan_state *s = malloc(sizeof *s);
    if (!s) {
        snprintf(ret_why, BENCH_WHY, "out of memory");
        return false;
    }
    *s = (struct chan_state){ *place, sets[arg] };
    *ret_state = s;
    return true;
}

static bool chan_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct chan_state *s = state;
    return own_run(&s->place, s->programs, 0, n, ret_ns, NULL, ret_why);
}

const struct bench_side own_chan = { .name = "channel", .what = "send and receive, 8 words each, two tasks of one CPU",
                                     .open = chan_open, .run = chan_run, .close = free, .arg = ONE_CPU };
const struct bench_side own_chan_2 = { .name = "channel", .what = "send and receive, 8 words each, tasks on two CPUs",
                                       .open = chan_open, .run = chan_run, .close = free, .arg = TWO_CPUS };
const struct bench_side own_trap = { .name = "kernel call", .what = "a call number that does not exist",
                                     .open = chan_open, .run = chan_run, .close = free, .arg = CALLS };
