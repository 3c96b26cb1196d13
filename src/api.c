/* SPDX-License-Identifier: BSD-2-Clause */
/* api: the functions of <ukern/ukern.h> that work on machines.                                    Row api */
#include "boot.h"
#include "console.h"
#include "core/calculus.h"
#include "host/clock.h"
#include "host/engine.h"
#include "mm/frame.h"
#include "sched/tcb.h"
#include "sched/thread.h"
#include "vm/vm.h"

const char *ukern_version(void)
{
#ifdef UKERN_CHECK
    return UKERN_VERSION " check";
#else
    return UKERN_VERSION " fast";
#endif
}

const char *ukern_exit_name(enum ukern_vm_exit_kind kind)
{
    static const char *const names[UKERN_EXIT_KINDS] = {
        [UKERN_EXIT_IO] = "port", [UKERN_EXIT_MMIO] = "mmio", [UKERN_EXIT_HLT] = "hlt", [UKERN_EXIT_SHUTDOWN] = "shutdown",
        [UKERN_EXIT_HALTED] = "halted", [UKERN_EXIT_RECALL] = "recall", [UKERN_EXIT_ENTRY] = "entry",
        [UKERN_EXIT_INTERNAL] = "internal", [UKERN_EXIT_OTHER] = "other",
    };
    return (unsigned)kind < UKERN_EXIT_KINDS ? names[kind] : "unknown";
}

enum ukern_status ukern_make(const struct ukern_params *params, struct ukern **ret_machine)
{
    return ret_machine ? boot_make(params, ret_machine) : UKERN_BADARG;
}

void ukern_free(struct ukern *m)
{
    if (!m)
        return;
    if (m->started && m->params.engine == UKERN_SMP) {
        ukern_stop(m);
        engine_wait(m);
    }
    boot_free(m);
}

const char *ukern_error(const struct ukern *m) { return m->error; }

enum ukern_status ukern_spawn(struct ukern *m, const struct ukern_task_params *task, uint32_t *ret_task)
{
    struct ukern_task_params t = { .size = sizeof t };
    uint32_t number;
    if (!task || task->size == 0)
        return machine_fail(m, UKERN_BADARG, "ukern_spawn: expected parameters with their size set");
    if (m->started)
        return machine_fail(m, UKERN_BUSY, "tasks can be spawned only before the machine is started");
    memcpy(&t, task, task->size < sizeof t ? task->size : sizeof t);
    struct cpu *outside = boot_enter(m);
    enum ukern_status st = boot_spawn(&t, &number);
    boot_leave(outside);
    if (st == UKERN_OK && ret_task)
        *ret_task = number;
    return st;
}

static enum ukern_status start(struct ukern *m)
{
    if (m->started)
        return machine_fail(m, UKERN_BUSY, "the machine was started before");
    m->started = true;
    if (thread_live(m) == 0)
        machine_end(m, END_DONE);
    return engine_start(m, cpu_loop);
}

/* What a machine that has ended answers. */
static enum ukern_status verdict(struct ukern *m)
{
#ifdef UKERN_CHECK
    struct cpu *outside = boot_enter(m);
    calculus_end(m);
    boot_leave(outside);
#endif
    switch ((enum machine_end)atomic_load(&m->ended)) {
    case END_DONE: return thread_failed(m) ? UKERN_FAILED : UKERN_OK;
    case END_STOPPED: return UKERN_STOPPED;
    case END_DEADLOCK: return UKERN_DEADLOCK;
    case END_BROKEN: return UKERN_BROKEN;
    case END_NOT:
    case END_HOST: return UKERN_HOST;
    }
    return UKERN_HOST;
}

enum ukern_status ukern_start(struct ukern *m)
{
    if (m->params.engine != UKERN_SMP)
        return machine_fail(m, UKERN_BADARG, "ukern_start is for UKERN_SMP: a simulation runs in ukern_run or ukern_step");
    return start(m);
}

enum ukern_status ukern_wait(struct ukern *m)
{
    if (m->params.engine != UKERN_SMP || !m->started)
        return machine_fail(m, UKERN_BADARG, "ukern_wait is for a UKERN_SMP machine that was started");
    engine_wait(m);
    return verdict(m);
}

enum ukern_status ukern_step(struct ukern *m, uint64_t points, struct ukern_step *ret_step)
{
    bool idle = false;
    if (m->params.engine != UKERN_SIM || !ret_step)
        return machine_fail(m, UKERN_BADARG, "ukern_step is for UKERN_SIM");
    if (!m->started) {
        enum ukern_status st = start(m);
        if (st != UKERN_OK)
            return st;
    }
    uint64_t before = engine_points(m);
    if (!machine_has_ended(m))
        engine_step(m, points, &idle);
    struct ukern_step s = { .size = ret_step->size, .ended = machine_has_ended(m), .idle = idle,
                            .points = engine_points(m) - before };
    memcpy(ret_step, &s, s.size < sizeof s ? s.size : sizeof s);
    return s.ended ? verdict(m) : UKERN_OK;
}

static enum ukern_status run_simulation(struct ukern *m)
{
    struct ukern_step s = { .size = sizeof s };
    for (;;) {
        enum ukern_status st = ukern_step(m, UINT64_MAX, &s);
        if (st != UKERN_OK || s.ended)
            return st;
        if (s.idle)
            clock_pause(1000000); /* another thread may give input */
    }
}

enum ukern_status ukern_run(struct ukern *m)
{
    if (m->params.engine == UKERN_SIM)
        return run_simulation(m);
    enum ukern_status st = start(m), end = UKERN_OK;
    if (m->started)
        end = ukern_wait(m);
    return st != UKERN_OK ? st : end;
}

int ukern_fd(const struct ukern *m) { return engine_fd(m); }
void ukern_stop(struct ukern *m) { machine_end(m, END_STOPPED); }

size_t ukern_console_input(struct ukern *m, uint32_t console, const void *bytes, size_t n)
{
    return console_input(m, console, bytes, n);
}

void ukern_console_open(struct ukern *m, uint32_t console, bool open) { console_open(m, console, open); }

static uint64_t sum(const struct ukern *m, enum count what)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->cpus; i++)
        n += atomic_load_explicit(&m->cpu[i].count[what], memory_order_relaxed);
    return n;
}

/* The frame counters of any machine, from any thread: they are read without the lock. */
static void frame_counts(const struct ukern *m, struct ukern_stats *s)
{
    /* Not one of the machine's CPUs: a signal handler that comes now must not take this thread for one. */
    struct cpu *outside = here, asker = { .m = (struct ukern *)(uintptr_t)m };
#ifdef UKERN_CHECK
    struct crossings unchecked = { .relating = true }; /* what it asks is no step of the machine's */
    if (machine_is_broken(asker.m))
        return; /* in mode spec an answer could need a lock that a parked CPU holds */
    asker.crossings = &unchecked;
    asker.journal = &unchecked.journal;
#endif
    here = &asker;
    s->frames_usable = frame_usable();
    s->frames_used = frame_used();
    s->frames_peak = frame_peak();
    here = outside;
}

void ukern_stats(const struct ukern *m, struct ukern_stats *ret_stats)
{
    struct ukern_stats s = {
        .size = ret_stats->size, .cpus = m->cpus, .switches = sum(m, COUNT_SWITCHES), .calls = sum(m, COUNT_CALLS),
        .messages = sum(m, COUNT_MESSAGES), .interrupts = sum(m, COUNT_INTERRUPTS), .faults = sum(m, COUNT_FAULTS),
        .time = m->ops->now((struct ukern *)(uintptr_t)m), .points = engine_points(m),
    };
    uint64_t exits = 0;
    frame_counts(m, &s);
    for (uint32_t k = 0; k < UKERN_EXIT_KINDS; k++)
        exits += s.vm_exits[k] = vm_exits(m, (enum ukern_vm_exit_kind)k);
    s.inexact = m->params.engine == UKERN_SIM && exits > 0;
    memcpy(ret_stats, &s, s.size < sizeof s ? s.size : sizeof s);
}

/* For how long the CPU has not entered the kernel: as far as these questions themselves could see. */
static uint64_t silent(struct cpu *c, uint64_t now)
{
    uint64_t calls = atomic_load_explicit(&c->count[COUNT_CALLS], memory_order_relaxed);
    if (atomic_exchange(&c->seen_calls, calls + 1) != calls + 1) {
        atomic_store(&c->seen_time, now);
        return 0;
    }
    return now - atomic_load(&c->seen_time);
}

enum ukern_status ukern_task_info(const struct ukern *m, uint32_t task, struct ukern_task_info *ret_info)
{
    static const enum ukern_task_state states[] = {
        [TCB_READY] = UKERN_TASK_READY, [TCB_RUN] = UKERN_TASK_RUNNING, [TCB_BLOCKED] = UKERN_TASK_WAITING,
        [TCB_WAITING] = UKERN_TASK_WAITING, [TCB_CLAIMED] = UKERN_TASK_WAITING, [TCB_DEAD] = UKERN_TASK_ENDED,
    };
    struct thread *t = tcb_at(m, task);
    if (!t)
        return UKERN_NOTFOUND;
    struct ukern_task_info info = { .size = ret_info->size, .cpu = t->spec.cpu, .daemon = t->spec.daemon, .is_vm = t->spec.is_vm };
    memcpy(info.name, t->spec.name, sizeof info.name);
    info.state = states[atomic_load_explicit(&t->state, memory_order_acquire)];
    if (info.state == UKERN_TASK_RUNNING && atomic_load(&t->cpu->state) == CPU_RUN)
        info.silent = silent(t->cpu, m->ops->now((struct ukern *)(uintptr_t)m));
    if (info.state == UKERN_TASK_ENDED) {
        info.killed = t->killed;
        info.code = t->code;
        info.as_expected = thread_as_expected(m, t->id);
        memcpy(info.reason, t->reason, sizeof info.reason);
    }
    memcpy(ret_info, &info, info.size < sizeof info ? info.size : sizeof info);
    return UKERN_OK;
}
