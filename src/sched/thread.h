/* SPDX-License-Identifier: BSD-2-Clause */
/* thread: threads of hosted tasks: spawn, yield, sleep, wake, kill, exit; and the CPU's loop.
 *                                                        Row sched/thread, CertiKOS PCID, PSched, PThread; mC2 for wake
 * State       per thread a TCB (sched/tcb.h); per CPU a private ready queue and a locked pending queue for wake-ups
 *             that come from elsewhere
 * Invariants  a CPU's current thread is RUN and in no queue; READY threads are in exactly one ready or pending queue
 *             of their own CPU; threads never migrate
 * Interrupts  the kernel is never interrupted: pending bits are taken at kernel entry and exit, in the idle loop, in
 *             thread_yield and thread_block, and after KVM_RUN
 * Lock        pending queue: per CPU; a TCB's wake state: its own lock */
#pragma once
#include "core/lock.h"

struct thread_spec { /* what thread_spawn needs; the boot code fills it from ukern_task_params */
    char name[32];
    uint32_t cpu, console;
    struct space_id space;
    uint64_t entry;       /* host address of the program */
    uint64_t start;       /* user address of struct ukern_start */
    uint64_t stack_low, stack_high; /* user addresses */
    bool daemon, is_vm, floating_point;
    uint32_t expect;      /* enum ukern_expect */
    int expect_code;
};

enum ukern_status thread_init(void) must_use;
enum ukern_status thread_spawn(const struct thread_spec *spec, struct thread_id *ret_thread) must_use; /* NOMEM, BADARG */
struct thread_id thread_self(void);
struct space_id thread_space(struct thread_id t); /* of a thread that has not ended */
void thread_yield(void);
/* Blocks the caller until thread_unblock, a kill, or machine time `deadline` (0: none). The caller has published itself
 * somewhere under `held`, which is released once no wake-up can be lost; it is not taken again.
 * The result is what the waker passed; TIMEOUT; ABORTED when the caller was killed. */
enum ukern_status thread_block(struct lock *held, uint64_t deadline) must_use;
/* Makes a blocked thread ready with that result. False: it was not blocked any more (timed out, killed). */
bool thread_unblock(struct thread_id t, enum ukern_status result);
/* The wake token: ukern_wait, ukern_wake and console input. */
enum ukern_status thread_wait(uint64_t deadline) must_use;
enum ukern_status thread_wake(struct thread_id t) must_use;          /* NOTFOUND */
bool thread_take_wake(void);                                         /* consumes the caller's token */
void thread_exit(int code) __attribute__((noreturn));
/* Ends the caller: its space comes home; `reason` appears in the task's info. */
void thread_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
bool thread_killed(void);                                            /* the caller is to end */
void thread_take_interrupts(void);                                   /* pending bits of this CPU */
bool thread_others_ready(void);                                      /* another thread of this CPU could run */
uint64_t thread_next_deadline(void);                                 /* this CPU's earliest timer, 0: none */
/* Called when the thread ends, before its space goes: other layers drop what it holds. Registered at boot. */
void thread_at_end(void (*drop)(struct thread_id t));
void cpu_loop(struct cpu *c);
