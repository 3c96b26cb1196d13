/* SPDX-License-Identifier: BSD-2-Clause */
/* cmos: the PC's real-time clock and its memory, at ports 0x70 and 0x71.
 *
 * State      the selected register, 128 bytes, the guest's offset from the machine's clock is none: it cannot set the time
 * Time       the wall clock at machine time 0 plus machine time: nothing else, so that a simulation repeats it */
#pragma once
#include <stdint.h>

struct cmos {
    uint8_t index, memory[128];
};

void cmos_init(struct cmos *c, uint64_t ram);
void cmos_write(struct cmos *c, uint32_t port, uint8_t v);
uint8_t cmos_read(const struct cmos *c, uint32_t port, uint64_t seconds); /* seconds since 1970, now */
