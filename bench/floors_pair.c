/* SPDX-License-Identifier: BSD-2-Clause */
/* floors_pair: sides of bench/ref in which two threads of Linux take turns, on one CPU or on two. */
#include "floors.h"
#include "ref/ref.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum wire_kind { WIRE_PIPE, WIRE_EVENTFD, WIRE_SOCKET, TURN_LINE, TURN_FUTEX };

struct pair_state {
    struct ref_turn turn;
    struct ref_wire wire;
    struct bench_place place;
    enum wire_kind kind;
};

static void wire_ping(void *s, uint64_t n) { ref_wire_ping(&((struct pair_state *)s)->wire, n); }
static void wire_pong(void *s, uint64_t n) { ref_wire_pong(&((struct pair_state *)s)->wire, n); }
static void line_ping(void *s, uint64_t n) { ref_line_ping(&((struct pair_state *)s)->turn, n); }
static void line_pong(void *s, uint64_t n) { ref_line_pong(&((struct pair_state *)s)->turn, n); }
static void futex_ping(void *s, uint64_t n) { ref_futex_ping(&((struct pair_state *)s)->turn, n); }
static void futex_pong(void *s, uint64_t n) { ref_futex_pong(&((struct pair_state *)s)->turn, n); }

static const struct {
    bool (*open)(struct ref_wire *w);
    void (*ping)(void *, uint64_t), (*pong)(void *, uint64_t);
} kinds[] = {
    [WIRE_PIPE] = { ref_pipe_open, wire_ping, wire_pong },
    [WIRE_EVENTFD] = { ref_eventfd_open, wire_ping, wire_pong },
    [WIRE_SOCKET] = { ref_socket_open, wire_ping, wire_pong },
    [TURN_LINE] = { NULL, line_ping, line_pong },
    [TURN_FUTEX] = { NULL, futex_ping, futex_pong },
};

static bool pair_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    (void)ret_skip;
    struct pair_state *s = aligned_alloc(_Alignof(struct pair_state), sizeof *s);
    if (!s) {
        snprintf(ret_why, BENCH_WHY, "out of memory");
        return false;
    }
    memset(s, 0, sizeof *s);
    s->place = *place;
    s->kind = (enum wire_kind)arg;
    if (kinds[arg].open && !kinds[arg].open(&s->wire)) {
        snprintf(ret_why, BENCH_WHY, "a pair of files: %s", strerror(errno));
        free(s);
        return false;
    }
    *ret_state = s;
    return true;
}

static bool pair_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct pair_state *s = state;
    return bench_pair(&s->place, kinds[s->kind].ping, kinds[s->kind].pong, s, n, ret_ns, ret_why);
}

static void pair_close(void *state)
{
    struct pair_state *s = state;
    if (kinds[s->kind].open)
        ref_wire_close(&s->wire);
    free(s);
}

#define SIDE(symbol, kind, shown, text, ns, source)                                                                  \
    const struct bench_side symbol = { .name = shown, .what = text, .anchor_ns = ns, .anchor_source = source,        \
                                       .open = pair_open, .run = pair_run, .close = pair_close, .arg = kind };

SIDE(floor_pipe, WIRE_PIPE, "pipe", "64 bytes each way, two threads of one CPU", 1751, "performance.md 2.1")
SIDE(floor_eventfd, WIRE_EVENTFD, "eventfd", "two threads of one CPU", 1630, "performance.md 2.1")
SIDE(floor_socket, WIRE_SOCKET, "socket", "Unix stream, 64 bytes each way, two threads of one CPU", 2830, "performance.md 2.1")
SIDE(floor_futex, TURN_FUTEX, "futex", "two threads of one CPU", 1439, "performance.md 2.1")
SIDE(floor_line, TURN_LINE, "cache line", "a turn polled in one line, two CPUs", 345, "performance.md 2.2")
SIDE(floor_pipe_2, WIRE_PIPE, "pipe", "64 bytes each way, two CPUs", 55600, "performance.md 2.2")
SIDE(floor_eventfd_2, WIRE_EVENTFD, "eventfd", "two CPUs", 52900, "performance.md 2.2")
SIDE(floor_socket_2, WIRE_SOCKET, "socket", "Unix stream, 64 bytes each way, two CPUs", 54600, "performance.md 2.2")
SIDE(floor_futex_2, TURN_FUTEX, "futex", "two CPUs, the waiter sleeps", 52100, "performance.md 2.2")
