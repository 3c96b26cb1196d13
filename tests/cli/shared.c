/* SPDX-License-Identifier: BSD-2-Clause */
/* shared: a program module with writable data, which must be refused by name; -DCONSTANT: one without. */
#include <ukern/user.h>

#ifdef CONSTANT
static const char *const words[] = { "constant", "data" };
int shared(const struct ukern_start *start)
{
    ukern_print(start, "shared: %s %s\n", words[0], words[1]);
    return 0;
}
#else
static int visit_counter;
__thread int per_thread;
int shared(const struct ukern_start *start)
{
    ukern_print(start, "shared: visit %d of %d\n", ++visit_counter, ++per_thread);
    return 0;
}
#endif
