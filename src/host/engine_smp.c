/* SPDX-License-Identifier: BSD-2-Clause */
/* engine smp: one pthread per CPU, real time, real races.                                        Row host/engine
 *
 * Sleeping    an idle CPU writes its state, then looks at its pending bits; whoever interrupts it writes the bits, then
 *             looks at the state; both sequentially consistent, so one of them sees the other. Before it sleeps it spins
 *             for a while that adapts to whether spinning paid: a wake-up through the host costs tens of microseconds.
 * Quiet       the CPU that goes idle last, when none has a timer, tells the kernel (m->on_quiet): nothing but input from
 *             outside can happen any more. */
#include "host/engine_inside.h"
#include "host/barrier.h"
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPIN_MIN = 100, SPIN_MAX = 20000, SPIN_BEFORE_YIELD = 200 };

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static uint64_t smp_now(struct ukern *m)
{
    struct timespec t, *s = &m->engine->start;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)(t.tv_sec - s->tv_sec) * 1000000000 + (uint64_t)t.tv_nsec - (uint64_t)s->tv_nsec;
}

static void smp_point(struct cpu *c, enum point kind, uint64_t a, uint64_t b) { (void)c, (void)kind, (void)a, (void)b; }

/* The holder may be a CPU whose host thread does not run: after a bounded spin, let it. */
static void smp_spin(struct cpu *c, uint32_t turns)
{
    (void)c;
    if (turns % SPIN_BEFORE_YIELD == 0)
        sched_yield();
    else
        __builtin_ia32_pause();
}

static bool spin_for_work(struct cpu *c)
{
    struct engine_cpu *e = c->engine;
    for (uint32_t i = 0; i < e->spin_limit; i++) {
        if (atomic_load_explicit(&c->pending, memory_order_relaxed)) {
            e->spin_limit = e->spin_limit * 2 < SPIN_MAX ? e->spin_limit * 2 : SPIN_MAX;
            return true;
        }
        __builtin_ia32_pause();
    }
    e->spin_limit = e->spin_limit / 2 > SPIN_MIN ? e->spin_limit / 2 : SPIN_MIN;
    return false;
}

/* All CPUs idle, no bits pending, no timer: all at one moment, namely that of the first read of `woken`. A CPU that leaves
 * counts itself out of `idle`, then into `woken`, then clears its bits and its timer. So whoever sees these cleared sees another
 * `woken` at the end, or saw fewer idle; counted into `woken` first, it could be seen idle still and its bits cleared already. */
static bool nothing_can_happen(struct ukern *m)
{
    struct engine *e = m->engine;
    uint64_t woken = atomic_load(&e->woken);
    if (atomic_load(&e->idle) != m->cpus)
        return false;
    for (uint32_t i = 0; i < m->cpus; i++)
        if (atomic_load(&m->cpu[i].pending) || atomic_load(&m->cpu[i].engine->deadline))
            return false;
    return atomic_load(&e->woken) == woken;
}

static void sleep_until(struct cpu *c, uint64_t deadline)
{
    struct timespec timeout, *t = NULL;
    if (deadline) {
        uint64_t now = smp_now(c->m), ns = deadline > now ? deadline - now : 0;
        timeout = (struct timespec){ .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
        t = &timeout;
    }
    futex(&c->state, FUTEX_WAIT_PRIVATE, CPU_IDLE, t); /* EAGAIN, EINTR, ETIMEDOUT: the loop looks again */
}

static void smp_idle(struct cpu *c, uint64_t deadline)
{
    struct engine *e = c->m->engine;
    if (spin_for_work(c))
        return;
    atomic_store(&c->engine->deadline, deadline);
    atomic_store(&c->state, CPU_IDLE);
    atomic_fetch_add(&e->idle, 1);
    if (!atomic_load(&c->pending)) {
        if (nothing_can_happen(c->m))
            c->m->on_quiet(c->m);
        sleep_until(c, deadline);
    }
    atomic_fetch_sub(&e->idle, 1);
    atomic_fetch_add(&e->woken, 1); /* here and nowhere else: see nothing_can_happen */
    atomic_store(&c->engine->deadline, 0);
    atomic_store(&c->state, CPU_RUN);
}

/* Also from other threads and signal handlers: only atomics and system calls. */
static void smp_kick(struct cpu *to)
{
    struct engine_cpu *e = to->engine;
    uint32_t state = atomic_load(&to->state);
    if (state == CPU_IDLE) {
        uint32_t idle = CPU_IDLE;
        if (atomic_compare_exchange_strong(&to->state, &idle, CPU_RUN))
            futex(&to->state, FUTEX_WAKE_PRIVATE, 1, NULL);
    } else if (state == CPU_GUEST) {
        volatile uint8_t *immediate_exit = atomic_load(&e->immediate_exit);
        pid_t tid = atomic_load(&e->tid);
        if (immediate_exit) /* the page lives as long as its VM; a late write costs one extra turn */
            __atomic_store_n(immediate_exit, 1, __ATOMIC_RELAXED);
        if (tid)
            syscall(SYS_tgkill, getpid(), tid, SIGURG);
    }
}

static bool smp_barrier(struct ukern *m) { return m->fences || barrier_all(); }

static __attribute__((noreturn)) void smp_park(struct cpu *c)
{
    for (;;)
        flow_switch(c->flow, &c->engine->host, c); /* is never switched back to */
}

const struct engine_ops engine_smp = {
    .now = smp_now, .point = smp_point, .spin = smp_spin, .idle = smp_idle, .kick = smp_kick, .barrier = smp_barrier, .park = smp_park,
};

static void *cpu_thread(void *cpu)
{
    struct cpu *c = cpu;
    struct engine *e = c->m->engine;
    char name[16];
    snprintf(name, sizeof name, "cpu%u", c->id);
    pthread_setname_np(pthread_self(), name);
    here = c;
    engine_thread_begin(c);
    if (c->m->hooks.cpu_start)
        c->m->hooks.cpu_start(c->m->hooks.ctx, c->id);
    flow_adopt(&c->engine->host);
    flow_switch(&c->engine->host, &c->engine->loop, c); /* comes back by park */
    engine_thread_end(c);
    here = NULL;
    if (atomic_fetch_add(&e->parked, 1) + 1 == c->m->cpus)
        engine_tell_end(c->m);
    return NULL;
}

enum ukern_status engine_smp_start(struct ukern *m)
{
    for (uint32_t i = 0; i < m->cpus; i++) {
        int error = pthread_create(&m->cpu[i].engine->thread, NULL, cpu_thread, &m->cpu[i]);
        if (error) {
            machine_end(m, END_HOST);
            return machine_fail(m, UKERN_HOST, "thread of cpu%u: %s; %u of %u CPUs could be started: ask for fewer or "
                                "raise the limit on processes", i, strerrordesc_np(error), i, m->cpus);
        }
        m->engine->started++;
    }
    return UKERN_OK;
}

void engine_smp_wait(struct ukern *m)
{
    for (uint32_t i = 0; i < m->engine->started; i++)
        pthread_join(m->cpu[i].engine->thread, NULL);
    m->engine->started = 0;
}
