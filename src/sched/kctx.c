/* SPDX-License-Identifier: BSD-2-Clause */
/* kctx: kernel stacks, and the switch with its control words. */
#include "sched/kctx.h"
#include "core/calculus.h"
#include "host/engine.h"
#include "host/reserve.h"

/* Sanitizers make frames larger. */
#if SWITCH_SANITIZED
enum { STACK = 4 * KCTX_STACK };
#else
enum { STACK = KCTX_STACK };
#endif
enum { MXCSR_DEFAULT = 0x1f80, X87_DEFAULT = 0x37f };

enum ukern_status kctx_new(struct kctx *k, const char *name, bool keeps_control, flow_entry *entry, void *arg)
{
    uint8_t *stack = arena_take_pages(&here->m->arena, STACK);
    if (!stack)
        return UKERN_NOMEM;
    enum ukern_status st = reserve_guard(stack - FRAME_SIZE);
    if (st != UKERN_OK)
        return st;
    *k = (struct kctx){ .stack_top = stack + STACK, .keeps_control = keeps_control,
                        .mxcsr = MXCSR_DEFAULT, .x87_control = X87_DEFAULT };
#ifdef UKERN_CHECK
    if (!calculus_crossings(here->m, &k->crossings))
        return UKERN_NOMEM;
#endif
    flow_make(&k->flow, name, stack, STACK, entry, arg);
    return UKERN_OK;
}

static void control_save(struct kctx *k) { __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(k->mxcsr), "=m"(k->x87_control)); }

static void control_load(uint32_t mxcsr, uint16_t x87)
{
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
}

static bool keeps(const struct kctx *k) { return k && k->keeps_control; }

static void control_switch(struct kctx *from, const struct kctx *to)
{
    if (keeps(from))
        control_save(from);
    if (keeps(to))
        control_load(to->mxcsr, to->x87_control);
#ifndef UKERN_BUG_CONTROL_STAYS
    else
        control_load(MXCSR_DEFAULT, X87_DEFAULT);
#endif
}

void kctx_switch(struct kctx *from, struct kctx *to)
{
    struct cpu *c = here;
    struct flow *old = c->flow, *next = to ? &to->flow : engine_loop_flow(c);
    if (unlikely(keeps(from) || keeps(to)))
        control_switch(from, to);
    c->flow = next;
    c->side = to ? &to->side : NULL;
    c->kstack_top = to ? to->stack_top : NULL;
#ifdef UKERN_CHECK
    calculus_switch(c, to ? to->crossings : NULL);
#endif
    flow_switch(old, next, engine_order(c));
}

void kctx_free(struct kctx *k)
{
    side_free(&k->side);
    flow_free(&k->flow);
}
