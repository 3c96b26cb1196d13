/* SPDX-License-Identifier: BSD-2-Clause */
/* Positive control: a signed sum that overflows. -DSOUND: the same without the bug. */
#include <limits.h>

int main(int argc, char **argv)
{
    (void)argv;
#ifdef SOUND
    volatile int sum = INT_MAX - argc;
#else
    volatile int sum = INT_MAX;
    sum = sum + argc;
#endif
    return sum == 0;
}
