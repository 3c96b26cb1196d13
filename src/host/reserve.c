/* SPDX-License-Identifier: BSD-2-Clause */
/* reserve: see reserve.h. The hint is always NULL: the sanitizers refuse fixed ranges. */
#include "host/reserve.h"
#include "core/sanitize.h"
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum ukern_status reserve_make(size_t size, struct arena *ret_arena)
{
    if (size == 0 || size > SIZE_MAX / 2)
        return UKERN_BADARG;
    size = (size_t)round_up(size, ARENA_PAGE);
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return UKERN_NOMEM;
    *ret_arena = (struct arena){ .base = base, .size = size };
    return UKERN_OK;
}

enum ukern_status reserve_guard(void *page)
{
    if (!is_aligned((uintptr_t)page, ARENA_PAGE))
        return UKERN_BADARG;
    /* A guard marker lives in the page table and splits no mapping; older kernels answer EINVAL. */
    if (madvise(page, ARENA_PAGE, MADV_GUARD_INSTALL) == 0)
        return UKERN_OK;
    return mprotect(page, ARENA_PAGE, PROT_NONE) == 0 ? UKERN_OK : UKERN_NOMEM;
}

void reserve_free(struct arena *a)
{
    if (!a->base)
        return;
    /* Whoever gets these addresses next must not find our red zones. */
    sanitize_unpoison(a->base, a->used);
    munmap(a->base, a->size);
    *a = (struct arena){ 0 };
}
