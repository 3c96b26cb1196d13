/* SPDX-License-Identifier: BSD-2-Clause */
/* pair: round trips between this thread and a partner, timed on this side.
 *
 * The partner lives for one block: between blocks nothing spins or sleeps that could disturb another side. */
#include "bench.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WARM_ROUNDS = 64 };

struct pair {
    void (*pong)(void *state, uint64_t n);
    void *state;
    uint64_t rounds;
    int cpu;
    _Atomic int pinned; /* 0: not yet; 1: yes; -1: refused */
};

static void *partner(void *arg)
{
    struct pair *p = arg;
    bool ok = bench_pin(p->cpu);
    atomic_store_explicit(&p->pinned, ok ? 1 : -1, memory_order_release);
    if (ok)
        p->pong(p->state, p->rounds);
    return NULL;
}

bool bench_pair(const struct bench_place *place, void (*ping)(void *, uint64_t), void (*pong)(void *, uint64_t), void *state,
                uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct pair p = { .pong = pong, .state = state, .rounds = n + WARM_ROUNDS };
    p.cpu = place->cpu[place->cpus == BENCH_TWO_CPUS];
    pthread_t thread;
    int error = pthread_create(&thread, NULL, partner, &p);
    if (error) {
        snprintf(ret_why, BENCH_WHY, "a second thread: %s", strerror(error));
        return false;
    }
    int pinned;
    while (!(pinned = atomic_load_explicit(&p.pinned, memory_order_acquire)))
        bench_give_way();
    if (pinned > 0) {
        ping(state, WARM_ROUNDS);
        uint64_t start = bench_now();
        ping(state, n);
        *ret_ns = bench_now() - start;
    } else {
        snprintf(ret_why, BENCH_WHY, "pinning the second thread to CPU %d failed", p.cpu);
    }
    pthread_join(thread, NULL);
    return pinned > 0;
}
