/* SPDX-License-Identifier: BSD-2-Clause */
/* fault: hardware exceptions of hosted tasks, which reach a Linux process as signals.            Row host/fault
 *
 * State       cpu->fault, filled by the handler on the CPU that faulted
 * Effect      ukern_catch_faults installs handlers for the whole process; a signal while cpu->in_user makes the task
 *             continue in trap_fault on its kernel stack; any other signal ends the process as if there were no handler
 * Upward      trap_enter, trap_fault (src/trap.c): the kernel's entries, called from switch.S */
#pragma once
#include "core/machine.h"
#include <ukern/user.h>

/* Handlers run on a stack of the CPU's own (`low`, of `size` bytes): the task's may be what overflowed. Per host thread. */
void fault_stack(uint8_t *low, size_t size);

struct ukern_result trap_enter(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, struct cpu *c);
void trap_fault(struct cpu *c) __attribute__((noreturn));
