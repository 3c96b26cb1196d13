/* SPDX-License-Identifier: BSD-2-Clause */
/* clock: the host's time, for what is not simulated.                                             Row host/clock
 *
 * Primitives  clock_wall    seconds since 1970
 *             clock_pause   sleeps that many real ns */
#pragma once
#include <stdint.h>

uint64_t clock_wall(void);
void clock_pause(uint64_t ns);
