/* SPDX-License-Identifier: BSD-2-Clause */
/* engine: what runs the CPUs: `smp` (a pthread each) or `sim` (coroutines of the calling thread).    Row host/engine
 *
 * State       per machine: clock, idle count, result; per CPU: host thread or coroutine, timers, spin statistics
 * Contract    a CPU runs cpu_main on its own host stack; the kernel reaches the engine only through struct engine_ops
 *             and the functions here, and cannot tell which engine it is on
 * Guests      a CPU that enters a guest brackets KVM_RUN with engine_guest_enter and _leave: between them its state is
 *             CPU_GUEST and a kick ends KVM_RUN by immediate_exit and SIGURG (which is blocked everywhere but inside
 *             KVM_RUN: no handler, and gdb does not stop on it)
 * Upward      cpu_loop (sched/thread), given to engine_start
 * Pointers    engine_cpu_loop, cpu_thread: where a CPU's stack and its pthread begin */
#pragma once
#include "core/machine.h"

/* The CPU's loop is given by the kernel above (an upcall): it never returns; it ends in ops->park. */
typedef void engine_cpu_main(struct cpu *c);

enum ukern_status engine_make(struct ukern *m) must_use;               /* sets m->ops; HOST, NOMEM */
enum ukern_status engine_start(struct ukern *m, engine_cpu_main *cpu_main) must_use;
void engine_wait(struct ukern *m);                                     /* smp: until all CPUs have parked */
void engine_step(struct ukern *m, uint64_t points, bool *ret_idle);    /* sim: at most that many points; idle: all wait for input */
int engine_fd(const struct ukern *m);
uint64_t engine_points(const struct ukern *m);
void engine_free(struct ukern *m);

/* False: an interrupt is pending, do not enter. Else state is CPU_GUEST, and KVM_RUN will be interrupted at machine time
 * `deadline` (0: not by time). immediate_exit is the vCPU's byte in its kvm_run page. */
bool engine_guest_enter(struct cpu *c, volatile uint8_t *immediate_exit, uint64_t deadline);
/* After KVM_RUN: state is CPU_RUN. `interrupted`: KVM_RUN said EINTR, so a kick's signal is to be taken off the thread. */
void engine_guest_leave(struct cpu *c, bool interrupted);
/* The signal mask that KVM_SET_SIGNAL_MASK wants: 8 bytes, all blocked but SIGURG. */
uint64_t engine_guest_signal_mask(void);

struct flow;
/* First thing on a new flow's stack: flow_arrived with this CPU's order. */
void engine_arrived(struct flow *me);
struct flow *engine_loop_flow(struct cpu *c); /* of the CPU's idle loop */
/* Names, for TSan, the order in which this CPU's kernel runs (host/switch.h): the CPU; under sim the engine. */
static inline void *engine_order(struct cpu *c) { return c->simulated ? (void *)c->m->engine : (void *)c; }
