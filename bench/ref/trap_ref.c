/* SPDX-License-Identifier: BSD-2-Clause */
/* trap_ref: kernel calls that do nothing: through a stack of their own, and Linux's cheapest. */
#include "ref.h"
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 16 * 1024 };

typedef struct ref_trap_result ref_trap_call(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
extern ref_trap_call *const ref_trap_table[2];
extern _Thread_local struct ref_trap *ref_trap_here;
_Thread_local struct ref_trap *ref_trap_here;

static struct ref_trap_result nothing(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    (void)a1, (void)a2, (void)a3;
    return (struct ref_trap_result){ call, a0 };
}

__attribute__((visibility("hidden"))) ref_trap_call *const ref_trap_table[2] = { nothing, nothing };

bool ref_trap_open(struct ref_trap *t)
{
    t->stack = aligned_alloc(64, STACK_BYTES);
    t->kstack_top = t->stack + STACK_BYTES;
    return t->stack;
}

void ref_trap_rounds(struct ref_trap *t, uint64_t n)
{
    ref_trap_here = t;
    for (; n; n--)
        ref_trap(1, n, 0, 0, 0);
    ref_trap_here = NULL;
}

void ref_trap_close(struct ref_trap *t)
{
    free(t->stack);
}

void ref_getppid_rounds(uint64_t n)
{
    for (; n; n--)
        syscall(SYS_getppid);
}
