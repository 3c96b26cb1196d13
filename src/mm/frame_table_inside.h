/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table_inside: an entry in memory.                                                      Row mm/frame_table
 *
 * For       frame_table.c; and in the fast build mm/frame, where a call would cost more than what it does (bench: frame) */
#pragma once
#include "mm/frame_table.h"

struct frame_table_state {
    uint64_t total;
    _Atomic uint64_t entry[]; /* [total] */
};

static inline _Atomic uint64_t *frame_table_word(struct frame_id f)
{
    CHECK(f.n < here->m->frame_table->total, "frame number below %u expected, it is %u", (uint32_t)here->m->frame_table->total, f.n);
    return &here->m->frame_table->entry[f.n];
}

/* acquire and release: see the page of frame_table.h. */
static inline struct frame_entry frame_table_load(struct frame_id f)
{
    uint64_t word = atomic_load_explicit(frame_table_word(f), memory_order_acquire);
    struct frame_entry e;
    memcpy(&e, &word, sizeof e);
    return e;
}

static inline void frame_table_store(struct frame_id f, struct frame_entry e)
{
    uint64_t word;
    memcpy(&word, &e, sizeof word);
    atomic_store_explicit(frame_table_word(f), word, memory_order_release);
}

/* frame_table_get and _set for mm/frame: in the check build over the boundary, in the fast build without a call. */
static inline struct frame_entry frame_table_read(struct frame_id f)
{
#ifdef UKERN_CHECK
    return frame_table_get(f);
#else
    return frame_table_load(f);
#endif
}

static inline void frame_table_write(struct frame_id f, struct frame_entry e)
{
#ifdef UKERN_CHECK
    frame_table_set(f, e);
#else
    frame_table_store(f, e);
#endif
}
