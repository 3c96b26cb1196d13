/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_ref: one page in and out: a free list under a ticket lock, and malloc. */
#include "ref.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, PAGES = 64, NOBODY = PAGES };

bool ref_frames_open(struct ref_frames *f)
{
    memset(f, 0, sizeof *f);
    f->next = calloc(PAGES, sizeof *f->next);
    f->ram = aligned_alloc(PAGE, PAGES * PAGE);
    if (!f->next || !f->ram)
        return false;
    memset(f->ram, 1, PAGES * PAGE);
    for (uint32_t i = 0; i < PAGES; i++)
        f->next[i] = i + 1;
    return true;
}

static inline uint32_t pop(struct ref_frames *f)
{
    ref_lock_take(&f->lock);
    uint32_t page = f->first;
    if (page != NOBODY)
        f->first = f->next[page];
    ref_lock_give(&f->lock);
    return page;
}

static inline void push(struct ref_frames *f, uint32_t page)
{
    ref_lock_take(&f->lock);
    f->next[page] = f->first;
    f->first = page;
    ref_lock_give(&f->lock);
}

void ref_frames_rounds(struct ref_frames *f, uint64_t n)
{
    for (; n; n--)
        push(f, pop(f));
}

void ref_frames_close(struct ref_frames *f)
{
    free(f->next);
    free(f->ram);
}

void ref_malloc_rounds(uint64_t n)
{
    for (; n; n--) {
        void *p = malloc(PAGE);
        __asm__ volatile("" : "+r"(p) : : "memory");
        free(p);
    }
}
