/* SPDX-License-Identifier: BSD-2-Clause */
/* arena: the machine's one reservation of host memory for its mutable state.                     Row core/arena
 *
 * State       base, size, used : one contiguous zeroed reservation (host/reserve makes it), handed out from the bottom,
 *             never given back before the machine is freed
 * Primitives  arena_take       n zeroed bytes, aligned; NULL when it is full
 *             arena_take_pages the same, on its own pages, with a page below that is never handed out (for stacks)
 * Invariants  pieces lie in [base, base + used), do not overlap, and used <= size
 * Sanitizer   under ASan each piece is followed by a red zone, so running over its end is reported
 * Lock        none: only boot and object tables that are sized at boot take from it, on one thread */
#pragma once
#include "core/lib.h"

struct arena {
    uint8_t *base;
    size_t size, used;
};

enum { ARENA_PAGE = 4096 };

/* n zeroed bytes aligned to `align` (a power of two), or NULL; then nothing was taken. n = 0 gives a valid pointer. */
void *arena_take(struct arena *a, size_t n, size_t align) must_use;
/* n zeroed bytes (rounded up to whole pages) that begin on a page, or NULL. The page just below belongs to nobody: the
 * caller makes it inaccessible with reserve_guard (host/reserve), which core cannot reach. */
void *arena_take_pages(struct arena *a, size_t n) must_use;

/* What arena_array needs; SIZE_MAX, which no arena has, when the product overflows. */
static inline size_t arena_product(size_t one, size_t n)
{
    size_t bytes;
    return __builtin_mul_overflow(one, n, &bytes) ? SIZE_MAX : bytes;
}
/* An array of n zeroed elements, on cache lines of its own where it begins, or NULL. */
#define arena_array(a, type, n) \
    ((type *)arena_take((a), arena_product(sizeof(type), (size_t)(n)), _Alignof(type) < 64 ? 64 : _Alignof(type)))
