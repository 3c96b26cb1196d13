/* SPDX-License-Identifier: BSD-2-Clause */
/* fast_lock: core/lock.h compiled, for tests/bench/fast_test.sh to read the instructions of. */
#include "core/lock.h"

void own_lock_take(struct lock *l);
void own_lock_give(struct lock *l);

void own_lock_take(struct lock *l) { lock_take(l); }
void own_lock_give(struct lock *l) { lock_give(l); }
