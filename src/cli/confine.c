/* SPDX-License-Identifier: BSD-2-Clause */
/* confine: system-call filters, one for each kind of thread, each with only what that thread needs.
 *
 * Guards     the host: a task or a guest that breaks out of the kernel still cannot open, execute or make anything
 * When       each thread confines itself when its own start is over; main when all threads run
 * Violation  a message that names the system call and the thread, the terminal given back, exit code 1. The handler
 *            uses only what is prepared here: names are copied before, memory is not allocated
 * State      global, for the signal handler */
#include "cli.h"
#include "confine_rules.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAMES = 480, ROLES = ROLE_SIM + 1 };

static char names[NAMES][28];
static struct sock_fprog programs[ROLES];
static _Thread_local char thread_name[16];

static void on_violation(int signal, siginfo_t *info, void *context)
{
    char number[12] = "", text[160] = "ukern: seccomp: thread ";
    unsigned n = (unsigned)info->si_syscall, i = sizeof number - 1;
    (void)signal;
    (void)context;
    do
        number[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    n = (unsigned)info->si_syscall;
    strncat(text, thread_name[0] != 0 ? thread_name : "?", sizeof thread_name);
    strcat(text, " made the forbidden system call ");
    strcat(text, n < NAMES && names[n][0] != 0 ? names[n] : "number");
    strcat(text, " (");
    strcat(text, number + i);
    strcat(text, "); the process ends\n");
    term_restore();
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(EXIT_FAILED);
}

static void prepare_names(void)
{
    for (int i = 0; i < NAMES; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
        if (name != NULL)
            (void)snprintf(names[i], sizeof names[i], "%s", name);
        free(name);
    }
}

/* The filter as the kernel takes it, in memory: threads load it without libseccomp and without each other. */
static bool export(scmp_filter_ctx filter, struct sock_fprog *ret_program)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    off_t n = -1;
    if (fd >= 0 && seccomp_export_bpf(filter, fd) == 0)
        n = lseek(fd, 0, SEEK_END);
    struct sock_filter *code = n > 0 ? malloc((size_t)n) : NULL;
    bool ok = code != NULL && pread(fd, code, (size_t)n, 0) == n;
    if (fd >= 0)
        (void)close(fd);
    if (!ok) {
        free(code);
        return false;
    }
    *ret_program = (struct sock_fprog){ .len = (unsigned short)((size_t)n / sizeof *code), .filter = code };
    return true;
}

static bool prepare_role(const struct session *s, enum role role)
{
    scmp_filter_ctx filter = seccomp_init(s->opt.confine == CONFINE_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
    bool ok = filter != NULL && confine_rules(s, role, filter) && export(filter, &programs[role]);
    if (filter != NULL)
        seccomp_release(filter);
    if (!ok)
        cli_say("seccomp: the filter cannot be made: %s; --seccomp=off runs without", strerror(errno));
    return ok;
}

bool confine_prepare(struct session *s)
{
    struct sigaction act = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    const char *tool = cli_instrumented();
    if (tool != NULL && s->opt.confine != CONFINE_OFF) {
        cli_say("seccomp is off: %s needs system calls of its own", tool);
        s->opt.confine = CONFINE_OFF;
    }
    if (s->opt.confine == CONFINE_OFF)
        return true;
    if (s->opt.confine == CONFINE_LOG)
        cli_say("seccomp only logs: violations are in the kernel's log");
    prepare_names();
    sigfillset(&act.sa_mask);
    if (sigaction(SIGSYS, &act, NULL) != 0)
        return false;
    if (s->info.engine == UKERN_SIM)
        return prepare_role(s, ROLE_SIM);
    return prepare_role(s, ROLE_CPU) && prepare_role(s, ROLE_EVENTS) && prepare_role(s, ROLE_MAIN);
}

void confine_thread(const struct session *s, enum role role)
{
    if (s->opt.confine == CONFINE_OFF)
        return;
#ifdef UKERN_BUG_CONFINE_MAIN
    if (role == ROLE_MAIN)
        return;
#endif
    (void)pthread_getname_np(pthread_self(), thread_name, sizeof thread_name);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &programs[role]) == 0)
        return;
    cli_say("seccomp: this host has no filters: %s; --seccomp=off runs without", strerror(errno));
    term_restore();
    _exit(EXIT_CANNOT);
}

void confine_free(void)
{
    for (int i = 0; i < ROLES; i++) {
        free(programs[i].filter);
        programs[i] = (struct sock_fprog){ 0 };
    }
}
