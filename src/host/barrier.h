/* SPDX-License-Identifier: BSD-2-Clause */
/* barrier: a memory barrier on all threads of the process, made by one of them.                   Row host/barrier
 *
 * For       pairs of which one side is hot and the other rare: the hot one orders its store before its load for the compiler
 *           only, the rare one calls barrier_all between its own store and load (mm/frame's caches)
 * Primitives barrier_offered  whether Linux does it (membarrier, PRIVATE_EXPEDITED); makes this process ready for it
 *           barrier_all      every thread of the process has passed a full barrier since the call; false: Linux refused
 * Source    membarrier(2), since Linux 4.14 */
#pragma once
#include <stdbool.h>

bool barrier_offered(void);
bool barrier_all(void);
