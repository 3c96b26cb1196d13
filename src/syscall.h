/* SPDX-License-Identifier: BSD-2-Clause */
/* syscall: the kernel's calls by number: checks, then the layers below.                   Row syscall, CertiKOS TTrapArg and TTrap
 *
 * Effect      one function per row of UKERN_CALLS (ukern/user.h); an unknown number is BADARG; a user address that
 *             faults ends the task, since no correct program hands one over
 * Lock        none of its own
 * Pointers    calls: the table of the kernel's calls */
#pragma once
#include "core/machine.h"
#include <ukern/user.h>

struct ukern_result syscall_dispatch(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
