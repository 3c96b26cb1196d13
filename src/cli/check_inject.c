/* SPDX-License-Identifier: BSD-2-Clause */
/* check_inject: see check.h. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
int check_inject(struct checking *c)
{
    (void)c;
    return EXIT_FAILED;
}
#endif
