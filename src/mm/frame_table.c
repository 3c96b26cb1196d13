/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: see frame_table.h. Eight bytes a frame; an entry of zeros is what frame_table_init promises. */
#include "mm/frame_table.h"
#include "core/calculus.h"

struct frame_table_state {
    uint64_t total;
    _Atomic uint64_t entry[]; /* [total] */
};

enum ukern_status frame_table_init(void)
{
    struct ukern *m = here->m;
    struct frame_table_state *s = arena_take(&m->arena, sizeof *s + (size_t)m->frames * sizeof s->entry[0], 64);
    if (!s)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame_table (%u frames)", m->frames);
    s->total = m->frames;
    m->frame_table = s;
    return UKERN_OK;
}

static _Atomic uint64_t *frame_table_word(struct frame_id f)
{
    CHECK(f.n < here->m->frame_table->total, "frame number below %u expected, it is %u", (uint32_t)here->m->frame_table->total, f.n);
    return &here->m->frame_table->entry[f.n];
}

/* acquire and release: see the page. */
static struct frame_entry frame_table_load(struct frame_id f)
{
    uint64_t word = atomic_load_explicit(frame_table_word(f), memory_order_acquire);
    struct frame_entry e;
    memcpy(&e, &word, sizeof e);
    return e;
}

static void frame_table_store(struct frame_id f, struct frame_entry e)
{
    uint64_t word;
    memcpy(&word, &e, sizeof word);
    atomic_store_explicit(frame_table_word(f), word, memory_order_release);
}

struct frame_entry frame_table_get(struct frame_id f) { return EVENT_ATOMIC(frame_table_load(f)); }
void frame_table_set(struct frame_id f, struct frame_entry e) { EVENT_ATOMIC_DONE(frame_table_store(f, e)); }
