/* SPDX-License-Identifier: BSD-2-Clause */
/* clock: see clock.h. */
#include "host/clock.h"
#include <time.h>

uint64_t clock_wall(void) { return (uint64_t)time(NULL); }

void clock_pause(uint64_t ns)
{
    struct timespec t = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
    nanosleep(&t, NULL); /* a signal ends it early: the caller looks again anyway */
}
