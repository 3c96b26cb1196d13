/* SPDX-License-Identifier: BSD-2-Clause */
/* switch: making and forgetting flows of control, and the sanitizers' view of a switch. */
#include "host/switch.h"
#include "core/sanitize.h"
#include <pthread.h>

void flow_make(struct flow *f, const char *name, uint8_t *stack_low, size_t size, flow_entry *entry, void *arg)
{
    /* What switch_stack pops: r15 r14 r13 r12 rbx rbp, then the address it jumps to. On arrival in switch_first the
     * stack pointer is a multiple of 16, as the call there wants. */
    uint64_t *top = (uint64_t *)(void *)(stack_low + size) - 2;
    uint64_t *sp = top - 7;
    memset(sp, 0, 9 * sizeof *sp);
    sp[3] = (uint64_t)arg;
    sp[4] = (uint64_t)entry;
    sp[6] = (uint64_t)switch_first;
    *f = (struct flow){ .sp = sp, .stack_low = stack_low, .stack_size = size };
    f->valgrind_id = VALGRIND_STACK_REGISTER(stack_low, stack_low + size - 1);
#ifdef __SANITIZE_THREAD__
    f->fiber = __tsan_create_fiber(0);
    __tsan_set_fiber_name(f->fiber, name);
#endif
    (void)name;
}

UNSEEN void flow_adopt(struct flow *f)
{
    *f = (struct flow){ .sp = NULL };
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attr;
    void *low;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &low, &f->stack_size);
        pthread_attr_destroy(&attr);
        f->stack_low = low;
    }
#endif
#ifdef __SANITIZE_THREAD__
    f->fiber = __tsan_get_current_fiber();
#endif
}

void side_make(struct side *s, const char *name, const struct flow *kernel, const uint8_t *stack_low, size_t size)
{
    *s = (struct side){ .made = true };
    s->valgrind_id = VALGRIND_STACK_REGISTER(stack_low, stack_low + size - 1);
#if SWITCH_SANITIZED
    s->kernel = kernel;
    s->stack_low = stack_low;
    s->stack_size = size;
#endif
#ifdef __SANITIZE_THREAD__
    s->fiber = __tsan_create_fiber(0);
    __tsan_set_fiber_name(s->fiber, name);
#endif
    (void)kernel, (void)name, (void)size;
}

void side_free(struct side *s)
{
    if (!s->made)
        return;
    VALGRIND_STACK_DEREGISTER(s->valgrind_id);
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(s->fiber);
#endif
    s->made = false;
}

#if !SWITCH_SANITIZED
void side_start(struct side *s, uint64_t entry, uint64_t start, uint64_t user_sp)
{
    (void)s;
    here->in_user = true;
    switch_user(entry, start, user_sp);
    __builtin_unreachable();
}
#endif

void flow_free(struct flow *f)
{
    if (!f->stack_low)
        return;
    VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->fiber);
#endif
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->stack_low, f->stack_size);
#endif
    f->stack_low = NULL;
}
