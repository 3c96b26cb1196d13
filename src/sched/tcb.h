/* SPDX-License-Identifier: BSD-2-Clause */
/* tcb: thread control blocks.                                   Row sched/tcb, CertiKOS PTCBIntro, PTCBInit
 *
 * State       a table of params.max_tasks blocks; a block is taken in order of numbers and never reused, so that a task's
 *             end can be read as long as the machine exists
 * Fields      of a thread belong to its CPU, except those marked (any): atomics */
#pragma once
#include "core/machine.h"
#include "sched/kctx.h"

/* READY, RUN, DEAD as in CertiKOS. Its SLEEP is BLOCKED (on an object) or WAITING (for the wake token), and ends in two
 * steps, because the waker may be another CPU: whoever turns it into CLAIMED is the one waker; it may still use the
 * sleeper's space, and then makes it READY. */
enum tcb_state { TCB_READY, TCB_RUN, TCB_BLOCKED, TCB_WAITING, TCB_CLAIMED, TCB_DEAD };

struct thread_spec { /* what thread_spawn needs; the boot code fills it from ukern_task_params */
    char name[32];
    uint32_t cpu, console;
    struct space_id space;
    uint64_t entry;                 /* host address of the program */
    uint64_t start;                 /* user address of struct ukern_start */
    uint64_t stack_low, stack_high; /* user addresses */
    bool daemon, is_vm, floating_point;
    uint32_t expect;                /* enum ukern_expect */
    int expect_code;
};

enum tcb_link { TCB_RUN_LINK, TCB_WAIT_LINK, TCB_LINKS }; /* ready or pending queue; an object's waiting queue */

struct thread {
    struct thread_id id;
    struct cpu *cpu;
    struct thread_spec spec;
    struct kctx kctx;
    _Atomic uint32_t state;        /* (any) enum tcb_state */
    _Atomic uint32_t wake_token;   /* (any) ukern_wake came, and was not yet waited for */
    enum ukern_status result;      /* of its block; written by the claimer */
    uint64_t value;                /* likewise */
    struct { uint32_t next, prev; } link[TCB_LINKS]; /* owned by the queue's lock or CPU */
#ifdef UKERN_CHECK
    const struct queue *in[TCB_LINKS]; /* the queue that it is in; owned likewise */
#endif
    uint32_t timer_slot;           /* place in its CPU's heap, NO_ID: no timer */
    uint64_t deadline, timer_order;
    uint64_t message_va, message_bytes; /* while it waits in a channel: owned by the channel's lock */
    const char *waits_what;        /* a literal, for reports; NULL: it does not block */
    uint32_t waits_number;
    int code;                      /* exit code */
    bool killed;
    char reason[160];              /* written before state becomes DEAD */
};

enum ukern_status tcb_init(uint32_t max) must_use;
enum ukern_status tcb_new(struct thread **ret_thread) must_use; /* NOMEM: the table is full */
void tcb_publish(struct thread *t);                            /* others may see it from now on */
struct thread *tcb_get(struct thread_id t);                    /* NULL: no such thread */
struct thread *tcb_at(const struct ukern *m, uint32_t n);      /* the same, from any thread */
uint32_t tcb_count(const struct ukern *m);
