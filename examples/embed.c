/* SPDX-License-Identifier: BSD-2-Clause */
/* embed: eight machines at once in one process, none of which knows of the others.
 *
 *     cc embed.c $(pkg-config --cflags --libs libukern) -o embed && ./embed [CONFIG]
 *
 * Half of them run real CPU threads, half are simulations; with a config file, every other one is made from it. Each
 * passes a token round a ring of tasks that live on different CPUs. The library prints nothing: what tasks write comes
 * to on_console, what goes wrong to on_log. Two simulations with the same seed must give the same trace. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <ukern/ukern.h>
#include <ukern/user.h>

enum { MACHINES = 8, TASKS = 4, ROUNDS = 100 };

/* What one machine has to say to this program. */
struct machine {
    pthread_t thread;
    int number;
    const char *config;  /* NULL: made from a struct */
    uint64_t trace_hash; /* of a simulation's trace */
    size_t console_bytes;
    struct ukern_stats stats;
    enum ukern_status result;
};

/* A hosted task: waits on channel `cpu`, increases the token, hands it to the next. Task 0 begins and counts rounds. */
static int ring(const struct ukern_start *start)
{
    uint64_t token = 0;
    uint32_t me = start->task, next = (me + 1) % TASKS;
    for (int i = 0; i < ROUNDS; i++) {
        if (me == 0 && ukern_chan_send(next, &token, sizeof token, 0, NULL) != UKERN_OK)
            return 1;
        if (ukern_chan_recv(me, &token, sizeof token, 0, NULL) != UKERN_OK)
            return 1;
        token++;
        if (me != 0 && ukern_chan_send(next, &token, sizeof token, 0, NULL) != UKERN_OK)
            return 1;
    }
    if (me == 0)
        ukern_print(start, "the token went round %d times and is %" PRIu64 "\n", ROUNDS, token);
    return me == 0 && token != (uint64_t)ROUNDS * TASKS;
}

static void on_log(void *ctx, enum ukern_log_level level, const char *line)
{
    const struct machine *m = ctx;
    if (level <= UKERN_LOG_WARNING)
        fprintf(stderr, "machine %d: %s\n", m->number, line);
}

static void on_console(void *ctx, uint32_t console, const void *bytes, size_t n)
{
    struct machine *m = ctx;
    (void)console, (void)bytes;
    m->console_bytes += n;
}

static void on_trace(void *ctx, const char *line)
{
    struct machine *m = ctx;
    for (; *line; line++) /* FNV-1a */
        m->trace_hash = (m->trace_hash ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
}

static enum ukern_status from_struct(const struct machine *me, const struct ukern_hooks *hooks, struct ukern **ret_machine)
{
    static const char *const names[TASKS] = { "first", "second", "third", "fourth" };
    struct ukern_params params = {
        .size = sizeof params, .engine = me->number % 2 ? UKERN_SIM : UKERN_SMP, .cpus = 2, .seed = 7,
        .ram = 16 << 20, .without_kvm = true, .hooks = hooks,
    };
    enum ukern_status st = ukern_make(&params, ret_machine);
    for (uint32_t i = 0; st == UKERN_OK && i < TASKS; i++) {
        struct ukern_task_params task = { .size = sizeof task, .name = names[i], .program = ring, .cpu = i % params.cpus };
        st = ukern_spawn(*ret_machine, &task, NULL);
        if (st != UKERN_OK)
            ukern_free(*ret_machine);
    }
    return st;
}

static enum ukern_status from_config(const struct machine *me, const struct ukern_hooks *hooks, struct ukern **ret_machine)
{
    struct ukern_config *config;
    enum ukern_status st = ukern_config_read(me->config, hooks, &config);
    if (st != UKERN_OK)
        return st;
    st = ukern_config_set(config, me->number % 2 ? "machine.engine=sim" : "machine.engine=smp");
    if (st == UKERN_OK)
        st = ukern_make_from_config(config, hooks, ret_machine);
    ukern_config_free(config);
    return st;
}

static void *life(void *arg)
{
    struct machine *me = arg;
    struct ukern *m;
    struct ukern_hooks hooks = { .size = sizeof hooks, .ctx = me, .log = on_log, .console_write = on_console, .trace = on_trace };
    me->stats.size = sizeof me->stats;
    me->result = me->config ? from_config(me, &hooks, &m) : from_struct(me, &hooks, &m);
    if (me->result != UKERN_OK)
        return NULL;
    me->result = ukern_run(m);
    ukern_stats(m, &me->stats);
    ukern_free(m);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct machine machine[MACHINES];
    int bad = 0;
    for (int i = 0; i < MACHINES; i++) {
        machine[i].number = i;
        machine[i].config = argc > 1 && i / 2 % 2 ? argv[1] : NULL;
        if (pthread_create(&machine[i].thread, NULL, life, &machine[i]) != 0)
            return 1;
    }
    for (int i = 0; i < MACHINES; i++) {
        struct machine *m = &machine[i];
        pthread_join(m->thread, NULL);
        printf("machine %d (%s, from %s): %s, %" PRIu64 " messages, %" PRIu64 " switches, %zu bytes printed, %" PRIu64
               " of %" PRIu64 " frames used at the end\n",
               i, i % 2 ? "sim" : "smp", m->config ? "config" : "struct", ukern_status_name(m->result), m->stats.messages,
               m->stats.switches, m->console_bytes, m->stats.frames_used, m->stats.frames_usable);
        bad |= m->result != UKERN_OK || m->console_bytes == 0 || m->stats.frames_used != 0;
    }
    if (machine[1].trace_hash == 0 || machine[1].trace_hash != machine[5].trace_hash) {
        printf("two simulations with one seed differ: %016" PRIx64 " and %016" PRIx64 "\n", machine[1].trace_hash,
               machine[5].trace_hash);
        bad = 1;
    }
    return bad;
}
