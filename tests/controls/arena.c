/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: one byte written behind what a layer took from the machine's arena, which is one mapping to Linux.
 * -DSOUND: the same without the bug. */
#include "core/machine.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    (void)argv;
    struct ukern *m;
    if (ukern_make(NULL, &m) != UKERN_OK)
        return 2;
    volatile char *p = arena_take(&m->arena, 24, 8);
    if (p == NULL)
        return 2;
#ifdef SOUND
    p[24 - argc] = 1;
#else
    p[23 + argc] = 1;
#endif
    ukern_free(m);
    return 0;
}
