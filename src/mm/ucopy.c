/* SPDX-License-Identifier: BSD-2-Clause */
/* ucopy: see ucopy.h. Page by page through the direct map; the window is never used, so a task's mapping mistakes and
 * wild addresses cost it an error, not the kernel a fault. */
#include "mm/ucopy.h"
#include "core/sanitize.h"
#include "host/ram.h"
#include "mm/space.h"

/* The memory behind va up to the end of its page, when it has the permissions that are needed; else NULL. */
static uint8_t *ucopy_page(struct space_id s, uint64_t va, uint32_t needed)
{
    struct frame_id f;
    uint32_t perm;
    if (unlikely(space_translate(s, va, &f, &perm) != UKERN_OK || (perm & needed) != needed))
        return NULL;
    return frame_bytes(f) + (va & (FRAME_SIZE - 1));
}

/* How much of n bytes lies in the page of va. va + the result does not wrap: pages above the space are never mapped. */
static size_t ucopy_chunk(uint64_t va, uint64_t n)
{
    uint64_t room = FRAME_SIZE - (va & (FRAME_SIZE - 1));
    return (size_t)(n < room ? n : room);
}

/* A user's own view of its memory: its window. */
static uint8_t *ucopy_view(struct space_id s, uint64_t va) { return space_base(s) + va; }

enum ukern_status ucopy_in(struct space_id from, uint64_t va, void *to, uint64_t n, uint64_t *ret_done)
{
    uint8_t *target = to;
    uint64_t done = 0;
    while (done < n) {
        const uint8_t *source = ucopy_page(from, va + done, PERM_USER);
        if (unlikely(!source))
            break;
        size_t chunk = ucopy_chunk(va + done, n - done);
        memcpy(target + done, source, chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(target + done, ucopy_view(from, va + done), chunk);
        done += chunk;
    }
    *ret_done = done;
    return done == n ? UKERN_OK : UKERN_FAULT;
}

enum ukern_status ucopy_out(struct space_id to, uint64_t va, const void *from, uint64_t n, uint64_t *ret_done)
{
    const uint8_t *source = from;
    uint64_t done = 0;
    while (done < n) {
#ifndef UKERN_BUG_MM_COPY_WRITE
        uint8_t *target = ucopy_page(to, va + done, PERM_USER | PERM_WRITE);
#else
        uint8_t *target = ucopy_page(to, va + done, PERM_USER);
#endif
        if (unlikely(!target))
            break;
        size_t chunk = ucopy_chunk(va + done, n - done);
        memcpy(target, source + done, chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(ucopy_view(to, va + done), source + done, chunk);
        done += chunk;
    }
    *ret_done = done;
    return done == n ? UKERN_OK : UKERN_FAULT;
}

/* Ascending, also when a byte that was written is read again later in the chunk. */
static void ucopy_bytes(uint8_t *target, const uint8_t *source, size_t n)
{
#ifndef UKERN_BUG_MM_OVERLAP
    if (target + n <= source || source + n <= target) {
        memcpy(target, source, n);
        return;
    }
#else
    memmove(target, source, n);
    n = 0;
#endif
    for (volatile uint8_t *to = target; n > 0; n--)
        *to++ = *source++;
}

enum ukern_status ucopy_move(struct space_id from, uint64_t from_va, struct space_id to, uint64_t to_va, uint64_t n,
                             uint64_t *ret_done)
{
    uint64_t done = 0;
    while (done < n) {
        const uint8_t *source = ucopy_page(from, from_va + done, PERM_USER);
        uint8_t *target = ucopy_page(to, to_va + done, PERM_USER | PERM_WRITE);
        if (unlikely(!source || !target))
            break;
        size_t chunk = ucopy_chunk(from_va + done, ucopy_chunk(to_va + done, n - done));
        ucopy_bytes(target, source, chunk);
        if (unlikely(here->m->valgrind))
            sanitize_copied(ucopy_view(to, to_va + done), ucopy_view(from, from_va + done), chunk);
        done += chunk;
    }
    *ret_done = done;
    return done == n ? UKERN_OK : UKERN_FAULT;
}

enum ukern_status ucopy_check(struct space_id s, uint64_t va, uint64_t n, uint32_t perm)
{
    for (uint64_t done = 0; done < n; done += ucopy_chunk(va + done, n - done))
        if (unlikely(!ucopy_page(s, va + done, perm)))
            return UKERN_FAULT;
    return UKERN_OK;
}
