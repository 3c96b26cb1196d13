/* SPDX-License-Identifier: BSD-2-Clause */
/* machine: the log, the end of a machine, and the report of a failed check. */
#include "core/machine.h"
#include <stdarg.h>
#include <stdio.h>

_Thread_local struct cpu *here;

/* The embedder's hooks are called one at a time; also threads that are no CPU log, so this is no struct lock. */
static void hook_lock(struct ukern *m)
{
    for (uint32_t turns = 1; atomic_exchange_explicit(&m->log_lock, 1, memory_order_acquire); turns++)
        m->ops->spin(NULL, turns);
}

static void hook_unlock(struct ukern *m) { atomic_store_explicit(&m->log_lock, 0, memory_order_release); }

static void log_line(struct ukern *m, enum ukern_log_level level, const char *line)
{
    if (!m->hooks.log)
        return;
    hook_lock(m);
    m->hooks.log(m->hooks.ctx, level, line);
    hook_unlock(m);
}

void machine_log(struct ukern *m, enum ukern_log_level level, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_line(m, level, line);
}

enum ukern_status machine_fail(struct ukern *m, enum ukern_status st, const char *format, ...)
{
    char text[sizeof m->error] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hook_lock(m); /* two CPUs may fail at once */
    memcpy(m->error, text, sizeof text);
    hook_unlock(m);
    log_line(m, UKERN_LOG_ERROR, text);
    return st;
}

void machine_console(struct ukern *m, uint32_t console, const void *bytes, size_t n)
{
    if (!m->hooks.console_write)
        return;
    hook_lock(m);
    m->hooks.console_write(m->hooks.ctx, console, bytes, n);
    hook_unlock(m);
}

bool machine_end(struct ukern *m, enum machine_end why)
{
    uint32_t before = END_NOT;
    if (why == END_BROKEN)
        before = atomic_exchange(&m->ended, why);
    else
        atomic_compare_exchange_strong(&m->ended, &before, why);
    if (before != END_NOT)
        return why == END_BROKEN && before != END_BROKEN; /* the CPUs are interrupted already */
    for (uint32_t i = 0; i < m->cpus; i++)
        cpu_interrupt(&m->cpu[i], IRQ_STOP);
    return true;
}

#ifdef UKERN_CHECK
void machine_broken(const char *file, int line, const char *cond, const char *format, ...)
{
    struct ukern *m = here->m;
    char text[200], whole[sizeof m->error];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(whole, sizeof whole, "%s:%d: check failed on cpu%u in thread %d: %s: %s", file, line, here->id, (int)here->running, cond, text);
    if (machine_end(m, END_BROKEN)) /* the first report stays ukern_error's */
        machine_fail(m, UKERN_BROKEN, "%s", whole);
    else
        machine_log(m, UKERN_LOG_ERROR, "%s", whole);
    m->ops->park(here); /* nothing is unwound: locks stay as they are, the others park at their next point */
}
#endif
