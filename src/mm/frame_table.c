/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: see frame_table.h. Eight bytes a frame; an entry of zeros is what frame_table_init promises. */
#include "mm/frame_table_inside.h"
#include "core/calculus.h"

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

struct frame_entry frame_table_get(struct frame_id f) { return EVENT_ATOMIC(frame_table_load(f)); }
void frame_table_set(struct frame_id f, struct frame_entry e) { EVENT_ATOMIC_DONE(frame_table_store(f, e)); }
