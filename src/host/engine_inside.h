/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_inside: what the files of host/engine share; nobody else includes it. */
#pragma once
#include "host/engine.h"
#include "host/switch.h"
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

struct engine_cpu {
    pthread_t thread;              /* smp */
    _Atomic pid_t tid;             /* (any) of the host thread that is this CPU; 0: none yet */
    struct flow host, loop;        /* smp: the host thread's own stack; the idle loop's */
    timer_t timer;                 /* ends KVM_RUN by SIGURG; made by the CPU's thread */
    bool timer_made;
    uint64_t guest_deadline;       /* machine time for which the timer is set, 0: none */
    volatile uint8_t *_Atomic immediate_exit; /* (any) of the vCPU that runs, or NULL */
    _Atomic uint64_t deadline;     /* (any) of the idle CPU, 0: none */
    uint32_t spin_limit;           /* idle: turns before it sleeps; adapts */
    uint8_t *signal_stack;
    stack_t old_signal_stack;
    sigset_t old_mask;             /* of the host thread, given back at its end */
    bool asleep;                   /* sim: in the idle loop with nothing pending */
};

struct engine {
    struct timespec start;         /* smp: machine time 0 */
    engine_cpu_main *cpu_main;
    _Atomic uint32_t idle;         /* smp (any): CPUs in CPU_IDLE */
    _Atomic uint64_t woken;        /* smp (any): how often a CPU left CPU_IDLE */
    _Atomic uint32_t parked;       /* smp (any): CPUs that have ended */
    uint32_t started;              /* CPUs whose thread or coroutine was made */
    int fd;                        /* readable when the machine has ended */
    /* sim: used on the calling thread only */
    _Atomic uint64_t time, points; /* (any) written by the calling thread */
    uint64_t budget, random;
    struct cpu *turn;              /* the CPU whose turn it is */
    struct flow caller;            /* of engine_step */
    bool idle_all;                 /* all CPUs wait for input: back to the caller */
};

enum { ENGINE_STACK = 65536, ENGINE_SIGNAL_STACK = 65536 };

extern const struct engine_ops engine_smp, engine_sim;
/* Stacks of one CPU's idle loop and of its signal handlers. */
enum ukern_status engine_cpu_make(struct cpu *c) must_use;
/* On the CPU's thread: signal stack, SIGURG blocked, the guest timer; and back. */
void engine_thread_begin(struct cpu *c);
void engine_thread_end(struct cpu *c);
void engine_tell_end(struct ukern *m);  /* engine_fd becomes readable */
void engine_cpu_loop(void *flow); /* first on the loop's stack */
enum ukern_status engine_smp_start(struct ukern *m) must_use;
void engine_smp_wait(struct ukern *m);
void engine_sim_start(struct ukern *m);
