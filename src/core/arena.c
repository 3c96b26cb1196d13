/* SPDX-License-Identifier: BSD-2-Clause */
/* arena: see arena.h. A bump allocator: `used` only grows. */
#include "core/arena.h"
#include "core/sanitize.h"

enum { RED_ZONE = SANITIZE_ADDRESS ? 64 : 0 };

void *arena_take(struct arena *a, size_t n, size_t align)
{
    CHECK(align != 0 && (align & (align - 1)) == 0, "alignment must be a power of two, it is %zu", align);
    /* The base is a page boundary at least; larger alignments are of the address, not of the offset. */
    uintptr_t base = (uintptr_t)a->base, at = base + a->used;
    size_t gap = (size_t)(-at & (align - 1)), room = a->size - a->used;
    if (n > room || gap + RED_ZONE > room - n)
        return NULL;
    uint8_t *piece = a->base + a->used + gap;
    a->used += gap + n + RED_ZONE;
    sanitize_poison(piece + n, RED_ZONE);
    return piece;
}

void *arena_take_pages(struct arena *a, size_t n)
{
    if (n > a->size)
        return NULL;
    size_t pages = (size_t)round_up(n, ARENA_PAGE);
    uint8_t *guard = arena_take(a, ARENA_PAGE + pages, ARENA_PAGE);
    return guard ? guard + ARENA_PAGE : NULL;
}
