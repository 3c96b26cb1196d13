/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: two pthreads that write one variable. -DSOUND: the same without the bug. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#ifdef SOUND
static atomic_long shared;
#else
static long shared;
#endif

static void *count(void *arg)
{
    for (int i = 0; i < 1000; i++)
        shared++;
    return arg;
}

int main(void)
{
    pthread_t other;
    if (pthread_create(&other, NULL, count, NULL) != 0)
        return 2;
    count(NULL);
    return pthread_join(other, NULL) == 0 ? 0 : 2;
}
