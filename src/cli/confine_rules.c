/* SPDX-License-Identifier: BSD-2-Clause */
/* confine_rules: see confine_rules.h. One table; a row is a system call, who may make it, and how. Nobody may open,
 * execute, connect, trace, or make a thread or process. */
#include "confine_rules.h"
#include <asm/termbits.h>
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPU = 1 << ROLE_CPU, EVENTS = 1 << ROLE_EVENTS, MAIN = 1 << ROLE_MAIN, SIM = 1 << ROLE_SIM };
enum { ALL = CPU | EVENTS | MAIN | SIM };

enum how {
    FREELY,
    OUTPUTS,   /* the first argument is a descriptor that output goes to     */
    INPUTS,    /* standard input, or the signals' descriptor                 */
    NO_EXEC,   /* the third argument, a protection, without PROT_EXEC        */
    KVM,       /* the second argument is a request of KVM                    */
    TERMINAL,  /* standard input's mode                                      */
    OWN_SIGNAL /* to this process, one of the signals that it uses           */
};

static const struct row {
    int call;
    unsigned who;
    enum how how;
} rows[] = {
    { SCMP_SYS(ioctl), CPU | SIM, KVM },
    { SCMP_SYS(futex), ALL, FREELY },
    { SCMP_SYS(write), ALL, OUTPUTS },
    { SCMP_SYS(ioctl), ALL, TERMINAL }, /* crashes and violations give the terminal back, on any thread */
    { SCMP_SYS(poll), ALL, FREELY },    /* room in a pipe */
    { SCMP_SYS(read), EVENTS | SIM, INPUTS },
    { SCMP_SYS(epoll_ctl), EVENTS | SIM, FREELY },
    { SCMP_SYS(epoll_wait), EVENTS | SIM, FREELY },
    { SCMP_SYS(epoll_pwait), EVENTS | SIM, FREELY },
    { SCMP_SYS(mmap), ALL, NO_EXEC },
#ifdef UKERN_BUG_CONFINE_EXEC
    { SCMP_SYS(mprotect), ALL, FREELY },
#else
    { SCMP_SYS(mprotect), ALL, NO_EXEC },
#endif
    { SCMP_SYS(munmap), ALL, FREELY },
    { SCMP_SYS(mremap), ALL, FREELY },
    { SCMP_SYS(madvise), ALL, FREELY },
    { SCMP_SYS(brk), ALL, FREELY },
    { SCMP_SYS(close), ALL, FREELY },
    { SCMP_SYS(eventfd2), CPU | SIM, FREELY },
    { SCMP_SYS(membarrier), CPU | MAIN, FREELY }, /* mm/frame stops the caches of other CPUs */
    { SCMP_SYS(fallocate), CPU | SIM | MAIN, FREELY },
    { SCMP_SYS(timer_create), CPU | SIM, FREELY },
    { SCMP_SYS(timer_settime), CPU | SIM, FREELY },
    { SCMP_SYS(timer_delete), CPU | SIM, FREELY },
    { SCMP_SYS(setitimer), SIM, FREELY },
    { SCMP_SYS(clock_gettime), ALL, FREELY },
    { SCMP_SYS(clock_nanosleep), ALL, FREELY },
    { SCMP_SYS(gettimeofday), ALL, FREELY },
    { SCMP_SYS(sched_yield), ALL, FREELY },
    { SCMP_SYS(getpid), ALL, FREELY },
    { SCMP_SYS(gettid), ALL, FREELY },
    { SCMP_SYS(tgkill), ALL, OWN_SIGNAL },
    { SCMP_SYS(kill), EVENTS | SIM, OWN_SIGNAL },
    { SCMP_SYS(rt_sigaction), ALL, FREELY },
    { SCMP_SYS(rt_sigprocmask), ALL, FREELY },
    { SCMP_SYS(rt_sigpending), ALL, FREELY },
    { SCMP_SYS(rt_sigtimedwait), CPU | SIM, FREELY },
    { SCMP_SYS(rt_sigreturn), ALL, FREELY },
    { SCMP_SYS(sigaltstack), CPU | SIM, FREELY },
    { SCMP_SYS(restart_syscall), ALL, FREELY },
    { SCMP_SYS(exit), ALL, FREELY },
    { SCMP_SYS(exit_group), ALL, FREELY },
};

#define LOW UINT64_C(0xffffffff) /* int arguments: what is above is not theirs */

static int allow_fd(scmp_filter_ctx f, int call, int fd)
{
    return fd < 0 ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, (uint64_t)fd));
}

static int allow_outputs(scmp_filter_ctx f, int call, const struct session *s)
{
    int error = allow_fd(f, call, s->out.fd);
    if (error == 0 && s->err.fd != s->out.fd)
        error = allow_fd(f, call, s->err.fd);
    for (uint32_t i = 0; error == 0 && i < s->info.consoles; i++)
        if (s->consoles[i].own)
            error = allow_fd(f, call, s->consoles[i].fd);
    if (error == 0 && s->trace != NULL)
        error = allow_fd(f, call, fileno(s->trace));
    if (error == 0)
        error = allow_fd(f, call, s->end_fd);
    return error != 0 ? error : allow_fd(f, call, ukern_fd(s->m));
}

static int allow_terminal(scmp_filter_ctx f, int call)
{
    static const uint64_t requests[] = { TCGETS, TCSETS, TCSETSW, TCSETSF };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof requests / sizeof requests[0]; i++)
        error = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 2, SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, STDIN_FILENO),
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, LOW, requests[i]));
    return error;
}

static int allow_signals(scmp_filter_ctx f, int call)
{
    static const int sent[] = {
        SIGURG, SIGVTALRM, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGXCPU, SIGXFSZ
    };
    uint64_t self = (uint64_t)getpid();
    int error = 0;
    if (call == SCMP_SYS(kill))
        return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 2, SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, self),
                                SCMP_A1(SCMP_CMP_MASKED_EQ, LOW, SIGSTOP));
    for (size_t i = 0; error == 0 && i < sizeof sent / sizeof sent[0]; i++)
        error = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 2, SCMP_A0(SCMP_CMP_MASKED_EQ, LOW, self),
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, LOW, (uint64_t)sent[i]));
    return error;
}

static int allow(scmp_filter_ctx f, const struct row *r, const struct session *s)
{
    int error;
    switch (r->how) {
    case OUTPUTS: return allow_outputs(f, r->call, s);
    case INPUTS:
        error = allow_fd(f, r->call, STDIN_FILENO);
        return error != 0 ? error : allow_fd(f, r->call, s->signals_fd);
    case NO_EXEC: return seccomp_rule_add(f, SCMP_ACT_ALLOW, r->call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    case KVM:
        return seccomp_rule_add(f, SCMP_ACT_ALLOW, r->call, 1,
                                SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, (uint64_t)KVMIO << 8));
    case TERMINAL: return allow_terminal(f, r->call);
    case OWN_SIGNAL: return allow_signals(f, r->call);
    case FREELY: break;
    }
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, r->call, 0);
}

bool confine_rules(const struct session *s, enum role role, scmp_filter_ctx filter)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof rows / sizeof rows[0]; i++)
        if ((rows[i].who & (1u << role)) != 0)
            error = allow(filter, &rows[i], s);
    /* Guests pay for each comparison that comes before theirs. */
    if (error == 0)
        error = seccomp_syscall_priority(filter, SCMP_SYS(ioctl), 255);
    if (error == 0)
        error = seccomp_syscall_priority(filter, SCMP_SYS(futex), 250);
    if (error != 0)
        errno = -error;
    return error == 0;
}
