/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: a heap block read after it was freed. -DSOUND: the same without the bug. */
#include <stdlib.h>

int main(void)
{
    volatile char *volatile p = malloc(24);
    if (p == NULL)
        return 2;
    p[0] = 0;
#ifdef SOUND
    int value = p[0];
    free((void *)p);
    return value;
#else
    free((void *)p);
    return p[0] == 77 ? 3 : 0;
#endif
}
