/* SPDX-License-Identifier: BSD-2-Clause */
/* thread_inside: what the files of sched/thread share; nobody else includes it. */
#pragma once
#include "sched/queue.h"
#include "sched/thread.h"
#include "sched/timer.h"

struct sched_cpu {
    struct queue ready;            /* this CPU only */
    struct timer_heap timers;      /* this CPU only */
    uint32_t turn;                 /* calls that the current thread may still make before others run */
    struct lock lock;              /* guards pending */
    struct queue pending;          /* wake-ups from other CPUs */
};

enum { THREAD_TURN = 256, THREAD_DROPS = 4 };

struct thread_state {
    _Atomic uint32_t live;         /* (any) threads that are no daemons and have not ended */
    _Atomic uint32_t failed;       /* (any) */
    void (*drop[THREAD_DROPS])(struct thread_id t); /* constant after boot */
    void (*input)(void);
};

/* Gives the CPU to the next ready thread, or to the idle loop; returns when `me` runs again. */
void thread_switch_away(struct thread *me);
/* From the idle loop to `to`. */
void thread_run(struct thread *to);
void thread_push(struct thread *t); /* READY: into its CPU's queue */
void thread_quiet(struct ukern *m);
