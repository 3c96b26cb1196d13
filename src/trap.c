/* SPDX-License-Identifier: BSD-2-Clause */
/* trap: the two ways into the kernel: a call, and a fault.                       Row trap, CertiKOS TSysCall
 *
 * Called by host/switch.S on the kernel stack of the thread that runs on this CPU. */
#include "trap.h"
#include "host/fault.h"
#include "host/switch.h"
#include "sched/thread.h"
#include "syscall.h"

struct ukern_result trap_enter(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, struct cpu *c)
{
    side_in_kernel(c->side);
    c->in_user = false;
    /* The compiler must not move kernel work before the line above: a signal handler looks at it. */
    atomic_signal_fence(memory_order_seq_cst);
    cpu_count(COUNT_CALLS);
    struct ukern_result r = syscall_dispatch(call, a0, a1, a2, a3);
    thread_end_call();
    atomic_signal_fence(memory_order_seq_cst);
    c->in_user = true;
    side_to_user(c->side);
    return r;
}

void trap_fault(struct cpu *c)
{
    side_faulted(c);
    struct fault f = c->fault;
    if (f.signal == 0)
        thread_die("%s (at code address %#llx)", f.why, (unsigned long long)f.at);
    const char *where = thread_address_text(f.address);
    thread_die("%s: %#llx%s (at code address %#llx)", fault_text(f.signal), (unsigned long long)f.address, where,
               (unsigned long long)f.at);
}
