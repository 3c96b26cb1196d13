/* SPDX-License-Identifier: BSD-2-Clause */
/* pty: runs a command on a terminal of its own and plays a script: the tests' hands and eyes at a console.
 *
 * Usage      pty STEP... -- COMMAND [ARGUMENT...]
 * Steps      expect TEXT   wait until TEXT comes (what came before it is gone); at most 20 s
 *            send TEXT     keys; \r \n \xNN as in C
 *            signal NAME   INT TERM HUP QUIT TSTP CONT SEGV ABRT, to the command
 *            raw, cooked   the terminal must be in that mode, within 5 s
 *            stopped       the command must be stopped by a signal, within 5 s
 *            exit CODE     the command must end so, within 20 s; 128 + n: by signal n
 * Exit code  0: all steps held; 1: one did not, and what the terminal showed is printed */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

struct play {
    int master;
    pid_t child;
    char seen[1 << 16];
    size_t length, from; /* from: what expect has not passed yet */
    bool ended;
    int status;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Takes what the terminal shows, for at most 20 ms. */
static void look(struct play *p)
{
    struct pollfd f = { .fd = p->master, .events = POLLIN };
    if (poll(&f, 1, 20) > 0) {
        ssize_t n = read(p->master, p->seen + p->length, sizeof p->seen - 1 - p->length);
        if (n > 0)
            p->length += (size_t)n;
        else
            usleep(20000); /* the other side is closed */
    }
    p->seen[p->length] = 0;
}

static bool is_raw(const struct play *p)
{
    struct termios t;
    return tcgetattr(p->master, &t) == 0 && (t.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}
static bool is_cooked(const struct play *p)
{
    struct termios t;
    return tcgetattr(p->master, &t) == 0 && (t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) && (t.c_iflag & ICRNL);
}

static bool expect(struct play *p, const char *text)
{
    for (double end = now() + 20; now() < end; look(p)) {
        char *at = memmem(p->seen + p->from, p->length - p->from, text, strlen(text));
        if (at) {
            p->from = (size_t)(at - p->seen) + strlen(text);
            return true;
        }
    }
    return false;
}

static bool send_keys(struct play *p, const char *text)
{
    for (; *text; text++) {
        char c = *text;
        if (c == '\\' && text[1] == 'r')
            c = '\r', text++;
        else if (c == '\\' && text[1] == 'n')
            c = '\n', text++;
        else if (c == '\\' && text[1] == 'x') {
            char hex[3] = { text[2], text[3], 0 };
            c = (char)strtol(hex, NULL, 16);
            text += 3;
        }
        if (write(p->master, &c, 1) != 1)
            return false;
        usleep(2000);
    }
    return true;
}

static bool send_signal(struct play *p, const char *name)
{
    static const struct { const char *name; int number; } all[] = {
        { "INT", SIGINT }, { "TERM", SIGTERM }, { "HUP", SIGHUP }, { "QUIT", SIGQUIT }, { "TSTP", SIGTSTP },
        { "CONT", SIGCONT }, { "SEGV", SIGSEGV }, { "ABRT", SIGABRT },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!strcmp(all[i].name, name))
            return kill(p->child, all[i].number) == 0;
    return false;
}

static bool wait_mode(struct play *p, bool (*mode)(const struct play *))
{
    for (double end = now() + 5; now() < end; look(p))
        if (mode(p))
            return true;
    return false;
}

static bool wait_change(struct play *p, bool stop, double seconds)
{
    for (double end = now() + seconds; now() < end; look(p)) {
        int status;
        if (waitpid(p->child, &status, WNOHANG | WUNTRACED) != p->child)
            continue;
        if (WIFSTOPPED(status))
            return stop;
        p->ended = true;
        p->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        return !stop;
    }
    return false;
}

static bool step(struct play *p, const char *what, const char *arg)
{
    if (!strcmp(what, "expect"))
        return expect(p, arg);
    if (!strcmp(what, "send"))
        return send_keys(p, arg);
    if (!strcmp(what, "signal"))
        return send_signal(p, arg);
    if (!strcmp(what, "raw"))
        return wait_mode(p, is_raw);
    if (!strcmp(what, "cooked"))
        return wait_mode(p, is_cooked);
    if (!strcmp(what, "stopped"))
        return wait_change(p, true, 5);
    if (!strcmp(what, "exit"))
        return (p->ended || wait_change(p, false, 20)) && p->status == atoi(arg);
    return false;
}

static bool has_argument(const char *what)
{
    return strcmp(what, "raw") && strcmp(what, "cooked") && strcmp(what, "stopped");
}

int main(int argc, char **argv)
{
    static struct play p;
    int dashes = 1, failed = 0;
    while (dashes < argc && strcmp(argv[dashes], "--"))
        dashes++;
    if (dashes + 1 >= argc)
        return 2;
    /* This side keeps the other side open: a terminal's mode can be looked at when the command has ended. */
    int slave;
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    if (openpty(&p.master, &slave, NULL, NULL, &size) != 0)
        return 77;
    p.child = fork();
    if (p.child == 0) {
        close(p.master);
        login_tty(slave);
        execvp(argv[dashes + 1], argv + dashes + 1);
        _exit(127);
    }
    for (int i = 1; i < dashes && !failed; i++) {
        const char *what = argv[i], *arg = has_argument(what) ? argv[++i] : "";
        if (i < dashes && step(&p, what, arg))
            continue;
        failed = 1;
        look(&p);
        printf("pty: %s %s did not hold%s", what, arg, p.ended ? "; the command had ended with " : "");
        if (p.ended)
            printf("%d", p.status);
        printf("; the terminal showed:\n%s\n", p.seen);
    }
    if (!p.ended) {
        kill(p.child, SIGKILL);
        kill(p.child, SIGCONT);
        waitpid(p.child, &p.status, 0);
    }
    return failed;
}
