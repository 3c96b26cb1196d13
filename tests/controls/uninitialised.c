/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: a decision that depends on memory which nobody wrote. -DSOUND: the same without the bug. */
#include <stdlib.h>

int main(void)
{
    volatile int *p = malloc(sizeof(int));
    if (p == NULL)
        return 2;
#ifdef SOUND
    p[0] = 1;
#endif
    if (p[0] == 77)
        abort();
    free((void *)p);
    return 0;
}
