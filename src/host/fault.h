/* SPDX-License-Identifier: BSD-2-Clause */
/* fault: hardware exceptions of hosted tasks, which reach a Linux process as signals.            Row host/fault
 *
 * State       cpu->fault, filled by the handler on the CPU that faulted
 * Effect      ukern_catch_faults installs handlers for the whole process; a signal while cpu->in_user makes the task
 *             continue in trap_fault on its kernel stack; any other signal ends the process as if there were no handler
 * Stack       handlers run on the CPU's own signal stack (host/engine sets it): the task's may be what overflowed
 * Upward      trap_enter, trap_fault (src/trap.c): the kernel's entries, called from switch_asm.S
 * Pointers    on_fault: by Linux; switch_fault: where a task goes on that faulted */
#pragma once
#include "core/machine.h"
#include <ukern/user.h>

struct ukern_result trap_enter(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, struct cpu *c);
void trap_fault(struct cpu *c) __attribute__((noreturn));
/* What a task did to get that signal, in words that follow its name. */
const char *fault_text(int signal);
