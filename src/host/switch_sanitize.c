/* SPDX-License-Identifier: BSD-2-Clause */
/* switch_sanitize: telling ASan and TSan about switches of stacks. In a plain build this file is empty.   Row host/switch
 *
 * Nothing here is instrumented for TSan: it runs between two fibers. */
#include "host/switch.h"
#include <ukern/user.h>

#if SWITCH_SANITIZED

static UNSEEN void fiber_switch(void *to)
{
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(to, 1); /* 1: the switch itself orders nothing */
#endif
    (void)to;
}

static UNSEEN void order_release(void *order)
{
#ifdef __SANITIZE_THREAD__
    __tsan_release(order);
#endif
    (void)order;
}

static UNSEEN void order_acquire(void *order)
{
#ifdef __SANITIZE_THREAD__
    __tsan_acquire(order);
#endif
    (void)order;
}

static UNSEEN void stack_leave(void **save_fake, const uint8_t *low, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(save_fake, low, size);
#endif
    (void)save_fake, (void)low, (void)size;
}

static UNSEEN void stack_enter(void *fake)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
    (void)fake;
}

static UNSEEN void **fake_of(struct flow *f)
{
#ifdef __SANITIZE_ADDRESS__
    return &f->fake_stack;
#else
    (void)f;
    return NULL;
#endif
}

static UNSEEN void *fiber_of(const struct flow *f)
{
#ifdef __SANITIZE_THREAD__
    return f->fiber;
#else
    (void)f;
    return NULL;
#endif
}

UNSEEN void flow_switch(struct flow *from, struct flow *to, void *order)
{
    order_release(order);
    stack_leave(fake_of(from), to->stack_low, to->stack_size);
    fiber_switch(fiber_of(to));
    switch_stack(&from->sp, to->sp);
    flow_arrived(from, order);
}

UNSEEN void flow_arrived(struct flow *me, void *order)
{
    void **fake = fake_of(me);
    stack_enter(fake ? *fake : NULL);
    order_acquire(order);
}

struct ukern_result switch_trap(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

UNSEEN struct ukern_result ukern_trap(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct cpu *c = here;
    if (!c || !c->in_user)
        return (struct ukern_result){ UKERN_NOTFOUND, 0 };
    struct side *s = c->side;
    order_release(&s->out);
    fiber_switch(fiber_of(s->kernel));
    stack_leave(&s->fake_stack, s->kernel->stack_low, s->kernel->stack_size);
    struct ukern_result r = switch_trap(call, a0, a1, a2, a3);
    stack_enter(s->fake_stack);
    fiber_switch(s->fiber);
    order_acquire(&s->in);
    return r;
}

UNSEEN void side_in_kernel(struct side *s)
{
    (void)s;
    stack_enter(NULL);
}

UNSEEN void side_to_user(struct side *s) { stack_leave(NULL, s->stack_low, s->stack_size); }

UNSEEN void side_start(struct side *s, uint64_t entry, uint64_t start, uint64_t user_sp)
{
    side_to_user(s);
    fiber_switch(s->fiber);
    order_acquire(&s->in);
    stack_enter(NULL);
    here->in_user = true;
    switch_user(entry, start, user_sp);
    __builtin_unreachable();
}

UNSEEN void side_faulted(struct cpu *c)
{
    struct side *s = c->side;
    order_release(&s->out);
    fiber_switch(fiber_of(s->kernel));
    stack_leave(NULL, s->kernel->stack_low, s->kernel->stack_size);
    stack_enter(NULL);
}

void side_pass(struct side *from, struct side *to)
{
    order_acquire(&from->out);
    order_release(&to->in);
}
#endif
