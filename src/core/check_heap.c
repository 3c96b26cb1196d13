/* SPDX-License-Identifier: BSD-2-Clause */
/* check_heap: see check_heap.h. */
#include "core/check_heap.h"
#include "core/sanitize.h"

enum ukern_status check_heap_make(struct check_heap *h, struct arena *a, size_t size, bool shared,
                                  void (*full)(struct check_heap *h, size_t wanted) __attribute__((noreturn)))
{
    uint8_t *base = arena_take(a, size, ARENA_PAGE);
    if (!base)
        return UKERN_NOMEM;
    *h = (struct check_heap){ .base = base, .size = size, .shared = shared, .full = full };
    return UKERN_OK;
}

static void heap_lock(struct check_heap *h)
{
    if (!h->shared)
        return;
    for (uint32_t turns = 1; atomic_exchange_explicit(&h->taken, 1, memory_order_acquire); turns++)
        here->m->ops->spin(here, turns);
}

static void heap_unlock(struct check_heap *h)
{
    if (h->shared)
        atomic_store_explicit(&h->taken, 0, memory_order_release);
}

static uint32_t class_of(size_t n)
{
    uint32_t log2 = n <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(n - 1);
#ifdef UKERN_BUG_CALC_HEAP_CLASS
    log2 = n <= 1 ? 0 : 63 - (uint32_t)__builtin_clzll(n);
#endif
    return log2 < CHECK_HEAP_SMALLEST ? CHECK_HEAP_SMALLEST : log2;
}

/* A piece that came back, or NULL. */
static void *reuse(struct check_heap *h, uint32_t class, size_t n)
{
    void *piece = h->free[class];
    if (!piece)
        return NULL;
    sanitize_unpoison(piece, (size_t)1 << class);
    memcpy(&h->free[class], piece, sizeof piece);
    memset(piece, 0, n);
    return piece;
}

/* A piece that nobody had: the arena's zeros. */
static void *fresh(struct check_heap *h, uint32_t class)
{
    size_t bytes = (size_t)1 << class;
    if (bytes > h->size - h->used)
        return NULL;
    void *piece = h->base + h->used;
    h->used += bytes;
    return piece;
}

void *check_heap_take(struct check_heap *h, size_t n)
{
    uint32_t class = class_of(n);
    heap_lock(h);
    void *piece = NULL;
    if (class < CHECK_HEAP_CLASSES && ++h->takes != h->fail_at)
        piece = reuse(h, class, n);
    if (!piece && class < CHECK_HEAP_CLASSES && h->takes != h->fail_at)
        piece = fresh(h, class);
    heap_unlock(h);
    if (!piece)
        h->full(h, n);
    return piece;
}

void check_heap_give(struct check_heap *h, void *piece, size_t n)
{
    if (!piece)
        return;
    uint32_t class = class_of(n);
    heap_lock(h);
    memcpy(piece, &h->free[class], sizeof piece);
    h->free[class] = piece;
    sanitize_poison(piece, (size_t)1 << class);
    heap_unlock(h);
}

void *check_heap_grow(struct check_heap *h, void *list, size_t one, size_t *room)
{
    size_t old = *room * one, next = *room ? 2 * *room : 64;
    void *wider = check_heap_take(h, next * one);
    if (list)
        memcpy(wider, list, old);
    check_heap_give(h, list, old);
    *room = next;
    return wider;
}
