/* SPDX-License-Identifier: BSD-2-Clause */
/* switch: changing stacks, and what the sanitizers and valgrind must be told about it.      Row host/switch, CertiKOS PKCtx
 *
 * State       struct flow: a flow of control that is not running: its saved stack pointer; its six callee-saved
 *             registers lie on its own stack. The caller-saved ones are dead at a call.
 * Primitives  flow_make      a new flow that will call entry(arg) on the given stack; entry never returns
 *             flow_adopt     describes the host thread's own stack, which cannot be freed
 *             flow_switch    runs `to` until somebody switches back to `from`
 *             flow_free      forgets a flow that will not run again
 * Cost        in a plain build flow_switch is twelve pushes and pops and an indirect jump: a plain `ret` would miss the
 *             return stack (five times slower, reference/performance.md)
 * Sanitizers  ASan is told both stacks' bounds at each switch. TSan sees a flow as a fiber; switches order nothing by
 *             themselves (flag 1), so that it sees races between two tasks of one CPU: see struct side.
 * Names       flow_make, flow_adopt, flow_free, side_make, side_start, side_free
 * Upward      trap_enter, trap_fault (src/trap.c): the kernel's entries, called from switch_asm.S; thread_begin
 *             (sched/thread), where a new flow begins
 * Pointers    switch_first: where every flow begins */
#pragma once
#include "core/machine.h"
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* What runs between two fibers, or before an order that makes its reads safe, is not shown to TSan. */
#ifdef __SANITIZE_THREAD__
#define UNSEEN __attribute__((no_sanitize("thread")))
#else
#define UNSEEN
#endif

struct flow {
    void *sp;
    const uint8_t *stack_low; /* of its kernel stack */
    size_t stack_size;
#ifdef __SANITIZE_ADDRESS__
    void *fake_stack;
#endif
#ifdef __SANITIZE_THREAD__
    void *fiber;
#endif
    unsigned valgrind_id;
};

typedef void flow_entry(void *arg);
void flow_make(struct flow *f, const char *name, uint8_t *stack_low, size_t size, flow_entry *entry, void *arg);
void flow_adopt(struct flow *f);
void flow_free(struct flow *f);

/* switch.S */
void switch_stack(void **save_sp, void *to_sp);
void switch_first(void); /* where a new flow begins */

/* What the sanitizers know about the user side of a task: its own stack, and in TSan a fiber of its own, so that what two
 * tasks of one CPU do to shared memory is ordered by messages and wake-ups only (side_pass), not by the kernel's own
 * switches. The kernel sides of one CPU's threads are ordered by every switch: `order` is the CPU (or the simulation). */
struct side {
    unsigned valgrind_id;
    bool made;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const struct flow *kernel;
    const uint8_t *stack_low;
    size_t stack_size;
    void *fake_stack, *fiber;
    char out, in; /* their addresses name the orderings: the task's past; what it may rely on */
#endif
};
void side_make(struct side *s, const char *name, const struct flow *kernel, const uint8_t *stack_low, size_t size);
void side_free(struct side *s);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SWITCH_SANITIZED 1
void flow_switch(struct flow *from, struct flow *to, void *order);
void flow_arrived(struct flow *me, void *order); /* first thing on a new flow's stack */
void side_in_kernel(struct side *s);  /* first thing in the kernel, after a call */
void side_faulted(struct cpu *c);     /* the same, after a fault: the user side never runs again */
void side_to_user(struct side *s);    /* last thing before the return of a call */
void side_pass(struct side *from, struct side *to);
#else
#define SWITCH_SANITIZED 0
static inline void flow_switch(struct flow *from, struct flow *to, void *order)
{
    (void)order;
    switch_stack(&from->sp, to->sp);
}
static inline void flow_arrived(struct flow *me, void *order) { (void)me, (void)order; }
static inline void side_in_kernel(struct side *s) { (void)s; }
static inline void side_faulted(struct cpu *c) { (void)c; }
static inline void side_to_user(struct side *s) { (void)s; }
static inline void side_pass(struct side *from, struct side *to) { (void)from, (void)to; }
#endif
/* Host addresses. Never returns; it does not say so to the compiler, because ASan would then look at the stack just after
 * it was told that we are on the other one. */
void switch_user(uint64_t entry, uint64_t start, uint64_t user_sp);
void switch_fault(void);
/* Leaves the kernel for the first time on this thread: in_user, then switch_user. */
void side_start(struct side *s, uint64_t entry, uint64_t start, uint64_t user_sp) __attribute__((noreturn));
