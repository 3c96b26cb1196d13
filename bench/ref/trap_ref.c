/* SPDX-License-Identifier: BSD-2-Clause */
/* trap_ref: kernel calls that do nothing: through a stack of their own, and Linux's cheapest. */
#include "ref.h"
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 16 * 1024 };

extern __attribute__((visibility("hidden"))) _Thread_local struct ref_trap *ref_trap_here;
_Thread_local struct ref_trap *ref_trap_here;
_Static_assert(offsetof(struct ref_trap, in_user) == 8, "trap_ref_asm.S knows where it lies");

struct ref_trap_result ref_trap_enter(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

/* What a kernel cannot leave out: it is no longer in the task, then looks the call up, then it is in the task again. */
__attribute__((visibility("hidden"))) struct ref_trap_result ref_trap_enter(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2,
                                                                            uint64_t a3)
{
    struct ref_trap *t = ref_trap_here;
    (void)a1, (void)a2, (void)a3;
    t->in_user = false;
    __asm__ volatile("" : : : "memory");
    t->in_user = true;
    return (struct ref_trap_result){ call, a0 };
}

bool ref_trap_open(struct ref_trap *t)
{
    t->stack = aligned_alloc(64, STACK_BYTES);
    if (!t->stack)
        return false;
    t->kstack_top = t->stack + STACK_BYTES;
    t->in_user = true;
    return true;
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
