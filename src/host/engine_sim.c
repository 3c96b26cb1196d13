/* SPDX-License-Identifier: BSD-2-Clause */
/* engine sim: all CPUs are coroutines of the calling thread; one seed, one trace.                Row host/engine
 *
 * Time        is virtual: every point costs some, so that a polling loop advances it; when all CPUs sleep it jumps to the
 *             next timer
 * Choice      at every point the CPU that moves next is drawn, with equal chances, from those that have something to do;
 *             the generator is splitmix64 seeded with params.seed, the machine's only source of chance
 * Trace       one line per point: time, CPU, thread, what, two numbers; nothing in it depends on host addresses, on real
 *             time or on the order of host events
 * Order       the CPUs run one after the other on one host thread; `order` of their switches is the engine, so TSan sees
 *             no races here: smp is for those */
#include "host/engine_inside.h"
#include <stdio.h>

static const struct {
    const char *name;
    uint32_t cost; /* virtual ns */
} points[POINT_COUNT] = {
    [POINT_CALL] = { "call", 100 },     [POINT_RETURN] = { "return", 100 },       [POINT_SPIN] = { "spin", 50 },
    [POINT_SWITCH] = { "switch", 100 }, [POINT_WAKE] = { "wake", 50 },            [POINT_IDLE] = { "idle", 100 },
    [POINT_INTERRUPT] = { "irq", 200 }, [POINT_GUEST] = { "guest", 1000 },        [POINT_CONSOLE] = { "console", 500 },
    [POINT_EVENT] = { "event", 10 },
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct engine *e)
{
    uint64_t z = e->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t sim_now(struct ukern *m) { return atomic_load_explicit(&m->engine->time, memory_order_relaxed); }

static void add(_Atomic uint64_t *to, uint64_t n) /* one thread writes: no read-modify-write */
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n, memory_order_relaxed);
}

static void trace(struct cpu *c, enum point kind, uint64_t a, uint64_t b)
{
    struct ukern *m = c->m;
    char line[120];
    if (!m->hooks.trace)
        return;
#ifdef UKERN_BUG_TRACE_POINTER /* planted: a host address reaches the trace */
    b += (uint64_t)c;
#endif
    snprintf(line, sizeof line, "%llu cpu%u %d %s %llx %llx", (unsigned long long)sim_now(m), c->id, (int)c->running,
             points[kind].name, (unsigned long long)a, (unsigned long long)b);
    m->hooks.trace(m->hooks.ctx, line);
}

static bool has_work(const struct cpu *c)
{
    uint64_t deadline = atomic_load_explicit(&c->engine->deadline, memory_order_relaxed);
    return !c->engine->asleep || atomic_load(&c->pending) || (deadline && deadline <= sim_now(c->m));
}

/* The CPU that moves next, or NULL when none has anything to do. */
static struct cpu *choose(struct ukern *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->cpus; i++)
        n += has_work(&m->cpu[i]);
    if (n == 0)
        return NULL;
    uint32_t k = n == 1 ? 0 : (uint32_t)(draw(m->engine) % n);
    for (uint32_t i = 0;; i++)
        if (has_work(&m->cpu[i]) && k-- == 0)
            return &m->cpu[i];
}

/* A CPU that does not move rests on the kernel stack that it is on: its flow. */
static void turn_to(struct cpu *from, struct cpu *to)
{
    struct engine *e = from->m->engine;
    if (to == from)
        return;
    e->turn = to;
    here = to;
    flow_switch(from->flow, to->flow, e);
}

/* Back to engine_step; comes back at the next one. */
static void leave(struct cpu *c)
{
    flow_switch(c->flow, &c->m->engine->caller, c->m->engine);
}

static void sim_point(struct cpu *c, enum point kind, uint64_t a, uint64_t b)
{
    struct engine *e = c->m->engine;
    add(&e->points, 1);
    add(&e->time, points[kind].cost);
    trace(c, kind, a, b);
    while (machine_has_ended(c->m) || e->budget == 0)
        leave(c);
    e->budget--;
    turn_to(c, choose(c->m)); /* there is a choice: this CPU itself has work */
}

static void sim_spin(struct cpu *c, uint32_t turns) { (void)c, (void)turns; } /* POINT_SPIN has let others move */

/* Machine time of the earliest timer of a sleeping CPU, 0: none. */
static uint64_t earliest(struct ukern *m)
{
    uint64_t first = 0;
    for (uint32_t i = 0; i < m->cpus; i++) {
        uint64_t d = atomic_load_explicit(&m->cpu[i].engine->deadline, memory_order_relaxed);
        if (d && (!first || d < first))
            first = d;
    }
    return first;
}

/* Nobody can move: time jumps to the next timer; without one, only the world outside can go on. */
static void pass_time(struct cpu *c)
{
    struct engine *e = c->m->engine;
    uint64_t next = earliest(c->m);
    if (next) {
        atomic_store_explicit(&e->time, next, memory_order_relaxed);
        return;
    }
    c->m->on_quiet(c->m);
    if (!machine_has_ended(c->m)) {
        e->idle_all = true;
        leave(c);
    }
}

static void sim_idle(struct cpu *c, uint64_t deadline)
{
    struct engine_cpu *e = c->engine;
    struct cpu *next;
    atomic_store_explicit(&e->deadline, deadline, memory_order_relaxed);
    e->asleep = true;
    while (!has_work(c)) {
        if (machine_has_ended(c->m))
            break;
        if ((next = choose(c->m)))
            turn_to(c, next);
        else
            pass_time(c);
    }
    e->asleep = false;
    atomic_store_explicit(&e->deadline, 0, memory_order_relaxed);
}

/* The CPU that calls engine_step is on no CPU's stack; a kick from outside reaches it because has_work looks. A guest
 * that runs is on the calling thread: only a signal handler or another thread can be here then. */
static void sim_kick(struct cpu *to)
{
    if (atomic_load(&to->state) == CPU_GUEST)
        engine_smp.kick(to);
}

static __attribute__((noreturn)) void sim_park(struct cpu *c)
{
    for (;;)
        leave(c);
}

/* All CPUs are one host thread. */
static bool sim_barrier(struct ukern *m)
{
    (void)m;
    return true;
}

const struct engine_ops engine_sim = {
    .now = sim_now, .point = sim_point, .spin = sim_spin, .idle = sim_idle, .kick = sim_kick, .barrier = sim_barrier, .park = sim_park,
};

void engine_sim_start(struct ukern *m)
{
    m->engine->turn = &m->cpu[0];
    m->engine->started = m->cpus;
    if (m->hooks.cpu_start)
        m->hooks.cpu_start(m->hooks.ctx, 0);
}

void engine_step(struct ukern *m, uint64_t budget, bool *ret_idle)
{
    struct engine *e = m->engine;
    struct cpu *outside = here, *first = e->turn;
    flow_adopt(&e->caller);
    engine_thread_begin(&m->cpu[0]);
    for (uint32_t i = 1; i < m->cpus; i++) { /* one host thread is all CPUs: guests of each are kicked there */
        m->cpu[i].engine->timer = m->cpu[0].engine->timer;
        m->cpu[i].engine->timer_made = m->cpu[0].engine->timer_made;
        atomic_store(&m->cpu[i].engine->tid, atomic_load(&m->cpu[0].engine->tid));
    }
    e->budget = budget;
    e->idle_all = false;
    if (!machine_has_ended(m)) {
        here = first;
        flow_switch(&e->caller, first->flow, e);
    }
    here = outside;
    for (uint32_t i = 1; i < m->cpus; i++)
        m->cpu[i].engine->timer_made = false;
    engine_thread_end(&m->cpu[0]);
    if (machine_has_ended(m))
        engine_tell_end(m);
    *ret_idle = e->idle_all;
}
