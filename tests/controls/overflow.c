/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: one byte written behind a heap block. -DSOUND: the same without the bug. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    (void)argv;
    volatile char *p = malloc(24);
    if (p == NULL)
        return 2;
#ifdef SOUND
    p[24 - argc] = 1;
#else
    p[23 + argc] = 1; /* argc is 1: unknown to the compiler */
#endif
    free((void *)p);
    return 0;
}
