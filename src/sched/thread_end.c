/* SPDX-License-Identifier: BSD-2-Clause */
/* thread: how threads end, and how the run ends with them. */
#include "mm/share.h"
#include "mm/space.h"
#include "sched/thread_inside.h"
#include <stdarg.h>
#include <stdio.h>

void thread_at_end(void (*drop)(struct thread_id t))
{
    struct thread_state *s = here->m->thread;
    for (int i = 0; i < THREAD_DROPS; i++)
        if (!s->drop[i]) {
            s->drop[i] = drop;
            return;
        }
    CHECK(false, "more than %d layers drop things at a thread's end", THREAD_DROPS);
}

static bool as_expected(const struct thread *t)
{
    return t->spec.expect == UKERN_EXPECT_KILLED ? t->killed : !t->killed && t->code == t->spec.expect_code;
}

static void give_back(struct thread *t)
{
    struct thread_state *s = here->m->thread;
    for (int i = 0; i < THREAD_DROPS && s->drop[i]; i++)
        s->drop[i](t->id);
#ifndef UKERN_BUG_SPACE_LOST
    share_gone(t->spec.space); /* before it: what it shares goes from its partners, too */
    space_destroy(t->spec.space);
#endif
}

/* Never returns: the thread's kernel stack is left for ever. */
static void __attribute__((noreturn)) end(struct thread *t)
{
    struct ukern *m = here->m;
    thread_pass(t->id, t->id); /* what the task did to its memory comes before its memory goes */
    give_back(t);
    if (!as_expected(t)) {
        atomic_store(&m->thread->failed, 1);
        machine_log(m, UKERN_LOG_ERROR, "task %s: %s", t->spec.name, t->reason);
    } else if (t->killed) {
        machine_log(m, UKERN_LOG_INFO, "task %s: %s (as expected)", t->spec.name, t->reason);
    }
    /* release: whoever reads DEAD may read code, killed and reason. */
#ifdef UKERN_BUG_DEAD_RELAXED
    atomic_store_explicit(&t->state, TCB_DEAD, memory_order_relaxed);
#else
    atomic_store_explicit(&t->state, TCB_DEAD, memory_order_release);
#endif
    if (!t->spec.daemon && atomic_fetch_sub(&m->thread->live, 1) == 1)
        machine_end(m, END_DONE);
    thread_take_interrupts();
    thread_switch_away(t);
    __builtin_unreachable();
}

void thread_exit(int code, const char *why)
{
    struct thread *t = here->current;
    t->code = code;
    if (*why)
        snprintf(t->reason, sizeof t->reason, "%s", why);
    else
        snprintf(t->reason, sizeof t->reason, "exited with code %d", code);
    for (char *c = t->reason; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?'; /* it is printed on terminals */
    end(t);
}

void thread_die(const char *format, ...)
{
    struct thread *t = here->current;
    va_list args;
    va_start(args, format);
    vsnprintf(t->reason, sizeof t->reason, format, args);
    va_end(args);
    t->killed = true;
    cpu_count(COUNT_FAULTS);
    end(t);
}

/* Every CPU is idle and no timer runs. Without open input nothing will ever happen again. */
void thread_quiet(struct ukern *m)
{
    if (atomic_load(&m->inputs_open) || machine_has_ended(m))
        return;
    if (atomic_load(&m->thread->live) == 0) {
        machine_end(m, END_DONE);
        return;
    }
    if (!machine_end(m, END_DEADLOCK))
        return;
    for (uint32_t i = 0; i < tcb_count(m); i++) {
        const struct thread *t = tcb_at(m, i);
        if (atomic_load(&t->state) == TCB_DEAD || !t->waits_what)
            continue;
        if (t->waits_number == NO_ID)
            machine_log(m, UKERN_LOG_ERROR, "deadlock: task %s waits for %s", t->spec.name, t->waits_what);
        else
            machine_log(m, UKERN_LOG_ERROR, "deadlock: task %s waits for %s %u", t->spec.name, t->waits_what, t->waits_number);
    }
}

const char *thread_address_text(uint64_t address)
{
    const struct thread_spec *s = &here->current->spec;
    uint64_t va = address - (uint64_t)space_base(s->space);
    return va < s->stack_low && s->stack_low - va <= 1 << 20 ? ", just below its stack: the stack overflowed" : "";
}

uint32_t thread_count(const struct ukern *m) { return tcb_count(m); }
uint32_t thread_cpu(const struct ukern *m, uint32_t thread) { return tcb_at(m, thread)->spec.cpu; }
bool thread_as_expected(const struct ukern *m, struct thread_id t) { return as_expected(tcb_at(m, t.n)); }

uint32_t thread_live(const struct ukern *m) { return atomic_load(&m->thread->live); }
bool thread_failed(const struct ukern *m) { return atomic_load(&m->thread->failed); }

void thread_free(struct ukern *m)
{
    for (uint32_t i = 0; i < tcb_count(m); i++)
        kctx_free(&tcb_at(m, i)->kctx);
}
