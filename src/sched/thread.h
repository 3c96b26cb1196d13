/* SPDX-License-Identifier: BSD-2-Clause */
/* thread: threads of hosted tasks: spawn, yield, block, wake, end; and the CPU's loop.
 *                                                        Row sched/thread, CertiKOS PCID, PSched, PThread; mC2 for wake
 * State       per thread a TCB (sched/tcb.h); per CPU a private ready queue, a heap of timers, and a locked pending queue
 *             for wake-ups that come from other CPUs; per machine how many threads the run waits for
 * Invariants  a CPU's current thread is RUN and in no queue; READY threads are in exactly one ready or pending queue, of
 *             their own CPU; threads never migrate; of several wakers of a sleeper exactly one claims it
 * Order       FIFO within a CPU, as in CertiKOS; a thread that makes many calls without blocking lets others run
 * Interrupts  the kernel is never interrupted: pending bits are taken on return to a task, in the idle
 *             loop, by thread_yield and while blocking, and after KVM_RUN
 * Lock        thread.pending (per CPU) guards that CPU's pending queue
 * Names       cpu_loop
 * Upward      drop_reader (console) and vm_thread_ended (vm/vm), behind thread_at_end; on_input (console), behind
 *             thread_on_input: the layers above register them at boot */
#pragma once
#include "core/lock.h"
#include "sched/tcb.h"

struct side;

enum ukern_status thread_init(void) must_use;
enum ukern_status thread_spawn(const struct thread_spec *spec, struct thread_id *ret_thread) must_use; /* NOMEM, BADARG */
struct thread_id thread_self(void);
struct space_id thread_space(struct thread_id t); /* of a thread that has not ended */
void thread_yield(void);
/* Blocks the caller until somebody wakes it or machine time `deadline` comes (0: never). The caller has put itself where
 * a waker finds it, under `held` (or NULL), which is released when no wake-up can be lost, and not taken again.
 * `what` (a literal) and `number` say in reports what it waits for. *ret_value is what the waker gave (0 on TIMEOUT). */
enum ukern_status thread_block(struct lock *held, uint64_t deadline, const char *what, uint32_t number, uint64_t *ret_value);
/* Waking has two steps. False: t does not block any more (another waker or its timer was first). True: the caller is its
 * only waker, t stays in its kernel call and its space stays as it is, until thread_ready. */
bool thread_claim(struct thread_id t) must_use;
void thread_ready(struct thread_id t, enum ukern_status result, uint64_t value);
/* The wake token: ukern_wait, ukern_wake and console input. */
enum ukern_status thread_wait(uint64_t deadline) must_use;          /* OK, TIMEOUT */
enum ukern_status thread_wake(struct thread_id t);         /* NOTFOUND: there is none, or it has ended */
bool thread_take_wake(void);                                        /* consumes the caller's token */
void thread_exit(int code, const char *why) __attribute__((noreturn)); /* why: the task's own words, or "" */
/* Ends the caller for what it did: its space comes home; the text appears in the task's info. */
void thread_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void thread_take_interrupts(void);                                  /* pending bits and due timers of this CPU */
/* On the way back to a task: others may run when it had a long turn. */
void thread_end_call(void);
bool thread_others_ready(void);                                     /* another thread of this CPU could run */
uint64_t thread_next_deadline(void);                                /* this CPU's earliest timer, 0: none */
/* What happened in `from` happened before what `to` will do: for TSan (host/switch.h). */
#if SWITCH_SANITIZED
void thread_pass(struct thread_id from, struct thread_id to);
#else
static inline void thread_pass(struct thread_id from, struct thread_id to) { (void)from, (void)to; }
#endif
/* Called when a thread ends, before its space goes: other layers drop what it holds. At most 4, at boot. */
void thread_at_end(void (*drop)(struct thread_id t));
/* Called on a CPU that took IRQ_INPUT. */
void thread_on_input(void (*input)(void));
void cpu_loop(struct cpu *c) __attribute__((noreturn));
/* Words about an address that the caller touched, with a leading space, or "": that its stack ended there. */
const char *thread_address_text(uint64_t address);
uint32_t thread_count(const struct ukern *m);                    /* (any thread) threads that ever were */
uint32_t thread_cpu(const struct ukern *m, uint32_t thread);     /* (any thread) of one that there is */
bool thread_as_expected(const struct ukern *m, struct thread_id t); /* (any thread) of one that has ended */
uint32_t thread_live(const struct ukern *m);   /* (any thread) threads that the run waits for */
bool thread_failed(const struct ukern *m);     /* (any thread) one ended otherwise than expected */
void thread_free(struct ukern *m);             /* contexts of all threads; no CPU runs any more */
