/* SPDX-License-Identifier: BSD-2-Clause */
/* trap: the kernel's entries.                                                Row trap, CertiKOS TSysCall
 *
 * Effect      trap_enter runs one call and returns its result to the task; trap_fault ends the task that faulted
 * Order       in_user is false from the first to the last moment in the kernel */
#pragma once
#include "host/fault.h"
