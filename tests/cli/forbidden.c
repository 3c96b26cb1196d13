/* SPDX-License-Identifier: BSD-2-Clause */
/* forbidden: a program module that makes a system call of its own, which no task may: seccomp's positive control.
 * Its arguments: open, exec, clone, socket, exec-memory, kill, allowed. */
#include <ukern/user.h>

static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static bool is(const char *a, const char *b)
{
    while (*a != 0 && *a == *b)
        a++, b++;
    return *a == *b;
}

int forbidden(const struct ukern_start *start)
{
    const char *what = start->argc > 1 ? start->argv[1] : "open";
    long result = -1;
    if (is(what, "open"))
        result = call(257, -100, (long)"/etc/passwd", 0, 0);
    else if (is(what, "exec"))
        result = call(59, (long)"/bin/true", 0, 0, 0);
    else if (is(what, "clone"))
        result = call(56, 17, 0, 0, 0);
    else if (is(what, "socket"))
        result = call(41, 1, 1, 0, 0);
    else if (is(what, "exec-memory"))
        result = call(10, (long)((unsigned long)forbidden & ~4095ul), 4096, 4 | 1, 0);
    else if (is(what, "kill"))
        result = call(62, 1, 0, 0, 0);
    else if (is(what, "allowed"))
        result = call(186, 0, 0, 0, 0); /* gettid */
    ukern_print(start, "forbidden: %s gave %ld\n", what, result);
    return 0;
}
