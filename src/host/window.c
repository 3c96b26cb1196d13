/* SPDX-License-Identifier: BSD-2-Clause */
/* window: see window.h. Reserved addresses are PROT_NONE and stay mapped, so nobody else's mmap can land in them. */
#include "host/window.h"
#include "host/ram.h"
#include "host/reserve.h"
#include <sys/mman.h>

enum { NOTHING = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

struct window {
    uint8_t *base; /* NULL: none */
    uint64_t size;
};

struct window_state {
    uint32_t count;
    struct window *of;
};

enum ukern_status window_init(struct ukern *m, uint32_t count)
{
    struct window_state *s = arena_array(&m->arena, struct window_state, 1);
    struct window *of = s ? arena_array(&m->arena, struct window, count) : NULL;
    if (!of)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for host/window (%u windows)", count);
    *s = (struct window_state){ .count = count, .of = of };
    m->window = s;
    return UKERN_OK;
}

static struct window *window_of(struct pt_id id)
{
    struct window_state *s = here->m->window;
    return id.n < s->count ? &s->of[id.n] : NULL;
}

static enum ukern_status window_refused(void)
{
    cpu_host_refused();
    return UKERN_NOMEM;
}

enum ukern_status window_make(struct pt_id id, uint64_t size, uint64_t align)
{
    struct window *w = window_of(id);
    if (!w || w->base || size == 0 || !is_aligned(size, FRAME_SIZE) || align < FRAME_SIZE || (align & (align - 1)) != 0 ||
        size > PTRDIFF_MAX - align)
        return UKERN_BADARG;
    if (cpu_host_must_refuse())
        return window_refused();
    /* Too much by `align`, then the ends go back: the only way to an alignment without asking for a fixed address. */
    uint64_t whole = size + (align - FRAME_SIZE);
    uint8_t *got = mmap(NULL, whole, PROT_NONE, NOTHING, -1, 0);
    if (got == MAP_FAILED)
        return window_refused();
    uint8_t *base = (uint8_t *)round_up((uintptr_t)got, align);
    uint64_t before = (uint64_t)(base - got), after = whole - size - before;
    if (before)
        munmap(got, before);
    if (after)
        munmap(base + size, after);
    *w = (struct window){ .base = base, .size = size };
    return UKERN_OK;
}

static bool window_holds(const struct window *w, uint64_t offset, uint32_t n)
{
    return w && w->base && n > 0 && is_aligned(offset, FRAME_SIZE) && range_in(offset, (uint64_t)n << FRAME_SHIFT, w->size);
}

enum ukern_status window_map(struct pt_id id, uint64_t offset, struct frame_id first, uint32_t n, bool writable)
{
    struct ukern *m = here->m;
    const struct window *w = window_of(id);
    if (!window_holds(w, offset, n) || !range_in(first.n, n, m->frames))
        return UKERN_BADARG;
    if (cpu_host_must_refuse())
        return window_refused();
    void *got = mmap(w->base + offset, (size_t)n << FRAME_SHIFT, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                     MAP_SHARED | MAP_NORESERVE | MAP_FIXED, ram_fd(m), (off_t)first.n << FRAME_SHIFT);
    return got == MAP_FAILED ? window_refused() : UKERN_OK;
}

enum ukern_status window_unmap(struct pt_id id, uint64_t offset, uint32_t n)
{
    const struct window *w = window_of(id);
    if (!window_holds(w, offset, n))
        return UKERN_BADARG;
    if (cpu_host_must_refuse())
        return window_refused();
    size_t bytes = (size_t)n << FRAME_SHIFT;
    bool hidden = mmap(w->base + offset, bytes, PROT_NONE, NOTHING | MAP_FIXED, -1, 0) != MAP_FAILED;
#ifndef UKERN_BUG_MM_STILL_VISIBLE
    /* At the limit of mappings Linux refuses any mmap, but not an mprotect that splits nothing: what is left of a run
     * of frames whose successor could not be mapped is hidden so. */
    hidden = hidden || mprotect(w->base + offset, bytes, PROT_NONE) == 0;
#endif
    if (!hidden)
        return window_refused();
    reserve_unmark(w->base + offset, bytes); /* a task that was killed leaves its stack's red zones behind */
    return UKERN_OK;
}

static void window_drop(struct window *w)
{
    if (!w->base)
        return;
    reserve_unmark(w->base, w->size);
    munmap(w->base, w->size);
    *w = (struct window){ 0 };
}

void window_free(struct pt_id id)
{
    struct window *w = window_of(id);
    if (w)
        window_drop(w);
}

uint8_t *window_base(struct pt_id id)
{
    const struct window *w = window_of(id);
    return w ? w->base : NULL;
}

void window_done(struct ukern *m)
{
    for (uint32_t i = 0; m->window && i < m->window->count; i++)
        window_drop(&m->window->of[i]);
}
