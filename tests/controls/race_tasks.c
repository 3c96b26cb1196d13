/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: two tasks of a machine that write one variable of the host's, between kernel calls that order nothing
 * between them. CPUS=2: one on each CPU; CPUS=1: both on one CPU, where only the scheduler keeps them apart.
 * -DSOUND: the same without the bug. */
#include <stdatomic.h>
#include <stddef.h>
#include <ukern/user.h>

#ifdef SOUND
static atomic_long shared;
#else
static long shared;
#endif

static int count(const struct ukern_start *start)
{
    (void)start;
    for (int i = 0; i < 200; i++) {
        shared++;
        ukern_yield();
    }
    return 0;
}

int main(void)
{
    struct ukern_params params = { .size = sizeof params, .engine = UKERN_SMP, .cpus = CPUS };
    struct ukern *m;
    if (ukern_make(&params, &m) != UKERN_OK)
        return 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct ukern_task_params task = { .size = sizeof task, .name = "count", .program = count, .cpu = i % CPUS };
        uint32_t number;
        if (ukern_spawn(m, &task, &number) != UKERN_OK)
            return 2;
    }
    enum ukern_status st = ukern_run(m);
    ukern_free(m);
    return st == UKERN_OK ? 0 : 2;
}
