/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: memory that nobody can reach any more. -DSOUND: the same without the bug. */
#include <stdlib.h>

static char *volatile last;

int main(void)
{
    for (int i = 0; i < 10; i++) {
        char *p = malloc(100);
        last = p;
#ifdef SOUND
        free(p);
#endif
    }
    last = NULL;
    return 0;
}
