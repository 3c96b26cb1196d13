/* SPDX-License-Identifier: BSD-2-Clause */
/* term: the terminal's mode, and giving it back on every way out. Its state is global: crash handlers need it. */
#include "cli.h"
#include <errno.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_raw;

bool term_raw(void)
{
    if (!isatty(STDIN_FILENO))
        return false;
    if (!is_raw && tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    struct termios raw = before;
    raw.c_iflag &= (tcflag_t)~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= (tcflag_t)~(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag = (raw.c_cflag & (tcflag_t)~(CSIZE | PARENB)) | CS8;
    /* Output processing stays on: newlines of the machine's own console and of messages need their carriage return. */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw = 1; /* first: a signal in between then restores what is there */
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void term_restore(void)
{
    int saved = errno;
#ifdef UKERN_BUG_TERM_STAYS_RAW
    is_raw = 0;
#endif
    if (is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    is_raw = 0;
    errno = saved;
}

/* ---- crashes ---- */

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE }, ends[] = { SIGABRT, SIGQUIT, SIGXCPU, SIGXFSZ };
static struct sigaction library[sizeof faults / sizeof faults[0]];

/* The library's handler decides: a task's fault it takes, any other it leaves to the default, which ends the process.
 */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct sigaction now;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i] == signal)
            library[i].sa_sigaction(signal, info, context);
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        term_restore();
}

static void on_end(int signal)
{
    term_restore();
    (void)raise(signal); /* SA_RESETHAND: by default now */
}

void term_guard_crashes(void)
{
    struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    [[maybe_unused]] struct sigaction end = { .sa_handler = on_end,
                                              .sa_flags = (int)SA_RESETHAND | SA_NODEFER | SA_ONSTACK };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (sigaction(faults[i], NULL, &library[i]) == 0 && library[i].sa_handler != SIG_DFL &&
            library[i].sa_handler != SIG_IGN)
            (void)sigaction(faults[i], &act, NULL);
#ifndef UKERN_BUG_TERM_CRASH
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        (void)sigaction(ends[i], &end, NULL);
#endif
}
