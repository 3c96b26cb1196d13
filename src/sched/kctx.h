/* SPDX-License-Identifier: BSD-2-Clause */
/* kctx: kernel contexts: a kernel stack and the registers that rest on it.   Row sched/kctx, CertiKOS PKCtx, PKCtxNew
 *
 * State       per thread: its kernel stack (in the arena, a guard page below), saved registers, and, for threads that
 *             asked for it, MXCSR and the x87 control word
 * Primitives  kctx_new      a context that will call entry(arg) on a fresh kernel stack; NOMEM, HOST
 *             kctx_switch   saves the caller's context in `from`, goes on in `to`; specified as the hardware's effect:
 *                           callee-saved registers, stack pointer and, where kept, control words are those that `to` had
 *             kctx_free     forgets a context that never runs again
 * Control words of threads that did not ask are the C default, whatever those that asked set. Who did not ask must
 * leave them alone, as any C function must: a switch between two such threads does not look */
#pragma once
#include "host/switch.h"

struct kctx {
    struct flow flow;
    struct side side;
    uint8_t *stack_top;
    bool keeps_control; /* MXCSR and the x87 control word are its own */
    uint16_t x87_control;
    uint32_t mxcsr;
#ifdef UKERN_CHECK
    struct crossings *crossings; /* its primitives that are open (core/hook); NULL: no layer is checked */
#endif
};

enum { KCTX_STACK = 32768 };

enum ukern_status kctx_new(struct kctx *k, const char *name, bool keeps_control, flow_entry *entry, void *arg) must_use;
/* From the context that runs on this CPU to another of this CPU. NULL is the idle loop's. */
void kctx_switch(struct kctx *from, struct kctx *to);
void kctx_free(struct kctx *k);
