/* SPDX-License-Identifier: BSD-2-Clause */
/* sequence_fuzz: bytes become calls over the whole tower, code beside specification; a report is a finding. */
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct driver_sequence s;
    static struct driver_outcome o;
    if (size < 2)
        return 0;
    driver_defaults(&s.machine);
    driver_mode(&s.machine, "all", UKERN_MODE_BOTH);
    s.machine.frames = 256;
    s.machine.lowest = data[0] & 1;
    s.machine.cpus = 1 + (data[0] >> 1) % 3;
    s.machine.check_every = 500;
    driver_bytes(&s, data + 1, size - 1, &o);
    if (o.failed) {
        fputs(o.text, stderr);
        abort();
    }
    return 0;
}
