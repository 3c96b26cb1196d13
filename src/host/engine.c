/* SPDX-License-Identifier: BSD-2-Clause */
/* engine: what both engines share: a CPU's stacks, its host thread's signals, guests. */
#include "host/barrier.h"
#include "host/engine_inside.h"
#include "host/reserve.h"
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum ukern_status engine_make(struct ukern *m)
{
    bool sim = m->params.engine == UKERN_SIM;
    m->engine = arena_array(&m->arena, struct engine, 1);
    if (!m->engine)
        return UKERN_NOMEM;
    m->ops = sim ? &engine_sim : &engine_smp;
    m->fences = !sim && !barrier_offered();
    if (m->fences)
        machine_log(m, UKERN_LOG_INFO, "this host has no membarrier: each allocation of a frame fences for itself");
    clock_gettime(CLOCK_MONOTONIC, &m->engine->start);
    m->engine->random = m->params.seed;
    m->engine->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (uint32_t i = 0; i < m->cpus; i++) {
        m->cpu[i].simulated = sim;
        m->cpu[i].engine = arena_array(&m->arena, struct engine_cpu, 1);
        if (!m->cpu[i].engine)
            return UKERN_NOMEM;
        m->cpu[i].engine->spin_limit = 1000;
        enum ukern_status st = engine_cpu_make(&m->cpu[i]);
        if (st != UKERN_OK)
            return st;
    }
    return UKERN_OK;
}

enum ukern_status engine_cpu_make(struct cpu *c)
{
    struct engine_cpu *e = c->engine;
    uint8_t *stack = arena_take_pages(&c->m->arena, ENGINE_STACK);
    e->signal_stack = arena_take(&c->m->arena, ENGINE_SIGNAL_STACK, 64);
    if (!stack || !e->signal_stack)
        return UKERN_NOMEM;
    enum ukern_status st = reserve_guard(stack - FRAME_SIZE);
    if (st != UKERN_OK)
        return st;
    char name[24];
    snprintf(name, sizeof name, "cpu%u idle", c->id);
    flow_make(&e->loop, name, stack, ENGINE_STACK, engine_cpu_loop, &e->loop);
    c->flow = &e->loop;
    return UKERN_OK;
}

struct flow *engine_loop_flow(struct cpu *c) { return &c->engine->loop; }

UNSEEN void engine_arrived(struct flow *me)
{
    struct cpu *c = here;
    flow_arrived(me, c->simulated ? (void *)c->m->engine : (void *)c);
}

void engine_cpu_loop(void *flow)
{
    engine_arrived(flow);
    struct cpu *c = here;
    c->m->engine->cpu_main(c);
}

/* A timer whose signal goes to this very thread. Not having one only means that nothing can share a CPU with a guest
 * that never exits, so it is reported when a guest needs it. */
static void make_guest_timer(struct engine_cpu *e)
{
    struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG };
    ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    e->timer_made = timer_create(CLOCK_MONOTONIC, &ev, &e->timer) == 0;
}

void engine_thread_begin(struct cpu *c)
{
    struct engine_cpu *e = c->engine;
    sigset_t urg;
    sigemptyset(&urg);
    sigaddset(&urg, SIGURG);
    pthread_sigmask(SIG_BLOCK, &urg, &e->old_mask);
    stack_t own = { .ss_sp = e->signal_stack, .ss_size = ENGINE_SIGNAL_STACK };
    sigaltstack(&own, &e->old_signal_stack);
    make_guest_timer(e);
    atomic_store(&e->tid, (pid_t)syscall(SYS_gettid));
}

void engine_thread_end(struct cpu *c)
{
    struct engine_cpu *e = c->engine;
    atomic_store(&e->tid, 0);
    if (e->timer_made)
        timer_delete(e->timer);
    e->timer_made = false;
    engine_guest_leave(c, true); /* no signal of ours stays pending */
    sigaltstack(&e->old_signal_stack, NULL);
    pthread_sigmask(SIG_SETMASK, &e->old_mask, NULL);
}

uint64_t engine_guest_signal_mask(void)
{
    return ~(UINT64_C(1) << (SIGURG - 1));
}

static void set_timer(struct engine_cpu *e, uint64_t ns)
{
    struct itimerspec when = { .it_value = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) } };
    if (e->timer_made)
        timer_settime(e->timer, 0, &when, NULL);
}

/* How long KVM_RUN may last, in real ns. In a simulation machine time stands still meanwhile, and what interrupts a guest
 * is not reproducible: so rarely. When it does, machine time jumps to the deadline (engine_guest_leave). */
static uint64_t guest_slice(struct cpu *c, uint64_t deadline)
{
    if (c->simulated)
        return deadline ? 20000000 : 1000000000;
    if (!deadline)
        return 0;
    uint64_t now = c->m->ops->now(c->m);
    return deadline > now ? deadline - now : 1;
}

bool engine_guest_enter(struct cpu *c, volatile uint8_t *immediate_exit, uint64_t deadline)
{
    struct engine_cpu *e = c->engine;
    __atomic_store_n(immediate_exit, 0, __ATOMIC_RELAXED); /* a kick may write it at the same time */
    atomic_store(&e->immediate_exit, immediate_exit);
    /* seq_cst: with cpu_interrupt, one of the two sees the other's write (see cpu_interrupt). */
    atomic_store(&c->state, CPU_GUEST);
    if (atomic_load(&c->pending) != 0) {
        atomic_store(&c->state, CPU_RUN);
        return false;
    }
    /* Not anew at every exit: that would be a system call beside KVM_RUN. */
    if (deadline != e->guest_deadline || c->simulated) {
        set_timer(e, guest_slice(c, deadline));
        e->guest_deadline = deadline;
    }
    return true;
}

void engine_guest_leave(struct cpu *c, bool interrupted)
{
    static const struct timespec at_once;
    /* relaxed: a kicker that still sees CPU_GUEST sends a signal too many, which ends the next KVM_RUN early. */
    atomic_store_explicit(&c->state, CPU_RUN, memory_order_relaxed);
    atomic_store_explicit(&c->engine->immediate_exit, NULL, memory_order_relaxed);
    if (likely(!interrupted))
        return;
    if (c->simulated && !atomic_load(&c->pending) && c->m->engine->time < c->engine->guest_deadline)
        c->m->engine->time = c->engine->guest_deadline;
    c->engine->guest_deadline = 0; /* the timer may have fired */
    sigset_t urg;
    sigemptyset(&urg);
    sigaddset(&urg, SIGURG);
    while (sigtimedwait(&urg, NULL, &at_once) == SIGURG)
        ;
}

enum ukern_status engine_start(struct ukern *m, engine_cpu_main *cpu_main)
{
    m->engine->cpu_main = cpu_main;
    if (m->params.engine == UKERN_SMP)
        return engine_smp_start(m);
    engine_sim_start(m);
    return UKERN_OK;
}

void engine_tell_end(struct ukern *m)
{
    uint64_t one = 1;
    if (write(m->engine->fd, &one, sizeof one) < 0)
        return; /* no eventfd: ukern_fd said so; who waits by ukern_wait or steps does not need it */
}

void engine_wait(struct ukern *m) { engine_smp_wait(m); }
int engine_fd(const struct ukern *m) { return m->engine ? m->engine->fd : -1; }
uint64_t engine_points(const struct ukern *m) { return atomic_load_explicit(&m->engine->points, memory_order_relaxed); }

void engine_free(struct ukern *m)
{
    if (!m->engine)
        return;
    if (m->engine->fd >= 0)
        close(m->engine->fd);
    for (uint32_t i = 0; i < m->cpus; i++)
        if (m->cpu[i].engine)
            flow_free(&m->cpu[i].engine->loop);
}
