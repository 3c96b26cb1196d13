/* SPDX-License-Identifier: BSD-2-Clause */
/* events: standard input, signals, the end of the machine and the watchdog, on one libev loop.
 *
 * Threads    under smp one thread runs events_run; under sim the only thread calls events_poll between slices
 * Signals    are blocked everywhere and read from a descriptor: nothing interrupts the kernel, and a debugger that
 *            passes them on does no harm
 * Back-pressure  while a console has no room, standard input is not read */
#include "input.h"
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

struct events {
    struct session *s;
    struct ev_loop *loop;
    ev_io in, signals, end;
    ev_timer retry, watch, nap;
    struct input input;
};

static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT };

int events_block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) {
        struct sigaction now;
        /* What our parent ignores (nohup) stays ignored. */
        if (sigaction(handled[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&set, handled[i]);
    }
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say(struct session *s, const char *text)
{
    (void)output_text(&s->err, text);
}

/* One request may come as two signals: timeout(1), for one, sends it to the process and to its group. */
#define ONE_REQUEST_NS UINT64_C(200000000)

static void stop_or_end(struct session *s, int signal)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    bool again = atomic_load(&s->asked) > 0;
    if (again && now - s->asked_at < ONE_REQUEST_NS)
        return;
    if (again) {
        term_restore();
        say(s, "ukern: ended at once, as asked twice\n");
        _exit(EXIT_FAILED);
    }
    s->asked_at = now;
    say(s, signal == SIGINT ? "\n" : "");
    say(s, "ukern: stopping; once more ends at once\n");
    session_ask(s, signal);
}

/* The whole process stops, at any moment from now on; what is to be done afterwards waits for SIGCONT. */
static void rest(void)
{
    term_restore();
    (void)kill(getpid(), SIGSTOP);
}

static void on_signals(struct ev_loop *loop, ev_io *w, int revents)
{
    struct events *e = w->data;
    struct signalfd_siginfo info;
    (void)loop;
    (void)revents;
    while (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTSTP)
            rest();
        else if (info.ssi_signo == SIGCONT)
            (void)(e->input.escapes && term_raw());
        else
            stop_or_end(e->s, (int)info.ssi_signo);
    }
}

static void push(struct events *e)
{
    if (input_push(&e->input, e->s->m)) {
        ev_timer_stop(e->loop, &e->retry);
        if (!e->input.closed)
            ev_io_start(e->loop, &e->in);
        else
            ukern_console_open(e->s->m, e->input.console, false);
    } else {
        ev_io_stop(e->loop, &e->in);
        ev_timer_again(e->loop, &e->retry);
    }
}

static void on_input(struct ev_loop *loop, ev_io *w, int revents)
{
    struct events *e = w->data;
    enum input_key key;
    (void)revents;
    if (!input_read(&e->input, &key)) {
        ev_io_stop(loop, w);
        e->input.closed = true;
    }
    if (key == INPUT_QUIT)
        session_ask(e->s, ASKED_KEYS);
    else if (key == INPUT_HELP)
        say(e->s, "\nCtrl-a x  stop the machine\nCtrl-a a  send Ctrl-a\nCtrl-a h  this help\n");
    else if (key == INPUT_NO_BREAK)
        say(e->s, "\nukern: this console cannot send a break\n");
    push(e);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)revents;
    push(w->data);
}

static void on_watch(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct events *e = w->data;
    (void)loop;
    (void)revents;
    watchdog_look(e->s);
}

static void on_end(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)w;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

static void on_nap(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop;
    (void)w;
    (void)revents;
}

/* The console that standard input belongs to, if any. */
static void start_input(struct events *e)
{
    struct session *s = e->s;
    struct ukern_console_info info = { .size = sizeof info };
    for (uint32_t i = 0; i < s->info.consoles; i++) {
        if (ukern_config_console(s->config, i, &info) != UKERN_OK || info.kind != UKERN_CONSOLE_STDIO)
            continue;
        e->input.console = i;
        e->input.escapes = info.is_vm && s->info.vms > 0 && term_raw();
        if (e->input.escapes)
            say(s, "ukern: the terminal belongs to the guest; Ctrl-a x stops the machine, Ctrl-a h helps\n");
        ukern_console_open(s->m, i, true);
        ev_io_start(e->loop, &e->in);
        return;
    }
}

struct events *events_make(struct session *s)
{
    struct events *e = calloc(1, sizeof *e);
    if (e == NULL || (s->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
        (e->loop = ev_loop_new(EVFLAG_NOENV)) == NULL) {
        free(e);
        return NULL;
    }
    e->s = s;
    ev_io_init(&e->in, on_input, STDIN_FILENO, EV_READ);
    ev_io_init(&e->signals, on_signals, s->signals_fd, EV_READ);
    ev_io_init(&e->end, on_end, s->end_fd, EV_READ);
    ev_timer_init(&e->retry, on_retry, 0, 0.01);
    ev_timer_init(&e->watch, on_watch, 0.5, 0.5);
    ev_timer_init(&e->nap, on_nap, 0, 0.1);
    e->in.data = e->signals.data = e->retry.data = e->watch.data = e;
    ev_io_start(e->loop, &e->signals);
    if (s->info.engine == UKERN_SMP) {
        ev_io_start(e->loop, &e->end);
        ev_timer_start(e->loop, &e->watch);
    }
    start_input(e);
    return e;
}

void events_run(struct events *e)
{
    ev_run(e->loop, 0);
}

void events_end(struct events *e)
{
    const uint64_t one = 1;
    (void)!write(e->s->end_fd, &one, sizeof one);
}

void events_poll(struct events *e, bool wait)
{
    if (wait)
        ev_timer_again(e->loop, &e->nap);
    ev_run(e->loop, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
    ev_timer_stop(e->loop, &e->nap);
}

void events_free(struct events *e)
{
    if (e == NULL)
        return;
    ev_loop_destroy(e->loop);
    (void)close(e->s->end_fd);
    free(e);
}
