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
    reserve_unmark(a->base, a->size); /* while they are still ours */
    munmap(a->base, a->size);
    *a = (struct arena){ 0 };
}

void reserve_unmark(void *p, size_t n)
{
#if SANITIZE_ADDRESS
    size_t scale, offset;
    __asan_get_shadow_mapping(&scale, &offset);
    uintptr_t low = ((uintptr_t)p >> scale) + offset, high = (((uintptr_t)p + n) >> scale) + offset;
    uintptr_t low_page = (uintptr_t)round_up(low, ARENA_PAGE), high_page = high & ~(uintptr_t)(ARENA_PAGE - 1);
    /* An eighth of the range is shadow. Whole pages of it are dropped, which reads as zero: "addressable". */
    if (low_page >= high_page) {
        sanitize_unpoison(p, n);
        return;
    }
    sanitize_unpoison(p, (low_page - low) << scale);
    sanitize_unpoison((void *)((high_page - offset) << scale), (high - high_page) << scale);
    madvise((void *)low_page, high_page - low_page, MADV_DONTNEED);
#else
    (void)p, (void)n;
#endif
}
