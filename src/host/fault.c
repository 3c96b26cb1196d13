/* SPDX-License-Identifier: BSD-2-Clause */
/* fault: signal handlers that turn a task's fault into its entry into the kernel. */
#include "host/fault.h"
#include "host/switch.h"
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

static_assert(offsetof(struct cpu, kstack_top) == 0, "switch.S: CPU_KSTACK");
static_assert(offsetof(struct cpu, in_user) == 8, "switch.S: CPU_IN_USER");
static_assert(UKERN_NOTFOUND == 5, "switch.S answers this when no task runs");
static_assert(UKERN_CALL_exit == 1, "switch.S ends a task that returns with this call");

/* Runs in a signal handler on the CPU's own thread, which is not inside the kernel: plain fields are safe. */
UNSEEN static bool redirect(ucontext_t *uc, int signal, uint64_t address, const char *why)
{
    struct cpu *c = here;
    if (!c || !c->in_user)
        return false;
    c->fault = (struct fault){ .signal = signal, .address = address, .why = why,
                               .at = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] };
    c->in_user = false;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)switch_fault;
    return true;
}

UNSEEN bool ukern_end_task_here(void *ucontext, const char *why) { return redirect(ucontext, 0, 0, why); }

UNSEEN static void on_fault(int signal, siginfo_t *info, void *ucontext)
{
    int saved = errno;
    if (!redirect(ucontext, signal, (uint64_t)info->si_addr, NULL)) {
        /* Not a task's: the instruction faults again when we return, and Linux then does what it always does. */
        struct sigaction usual = { .sa_handler = SIG_DFL };
        sigaction(signal, &usual, NULL);
        if (info->si_code <= 0)
            raise(signal); /* sent by somebody: nothing would fault again */
    }
    errno = saved;
}

enum ukern_status ukern_catch_faults(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        if (sigaction(signals[i], &act, NULL) != 0)
            return UKERN_HOST;
    return UKERN_OK;
}

const char *fault_text(int signal)
{
    switch (signal) {
    case SIGSEGV: return "touched an address it has no access to";
    case SIGBUS: return "touched memory that is not there";
    case SIGILL: return "ran an illegal instruction";
    case SIGFPE: return "divided by zero, or the like";
    default: return "faulted";
    }
}
