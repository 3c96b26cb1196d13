/* SPDX-License-Identifier: BSD-2-Clause */
/* arena: the machine's one reservation of host memory for its mutable state.                     Row core/arena
 *
 * State       base, size, used : one contiguous zeroed reservation, handed out from the bottom, never given back
 *             before the machine is freed
 * Primitives  arena_take       n zeroed bytes, aligned; NULL when it is full
 *             arena_take_pages the same, on its own pages with an unmapped guard page below (for stacks)
 * Lock        none: only boot and object tables that are sized at boot take from it, on one thread */
#pragma once
#include "core/lib.h"

struct arena {
    uint8_t *base;
    size_t size, used;
};

/* n zeroed bytes aligned to `align` (a power of two), or NULL. */
void *arena_take(struct arena *a, size_t n, size_t align);
#define arena_array(a, type, n) ((type *)arena_take((a), sizeof(type) * (size_t)(n), _Alignof(type) < 64 ? 64 : _Alignof(type)))
