/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table: see frame_table.h. Eight bytes a frame; an entry of zeros is what frame_table_init promises. */
#include "mm/frame_table.h"

struct frame_entry {
    uint32_t refs;
    uint8_t type; /* enum frame_type */
    bool dirty;
};
static_assert(sizeof(struct frame_entry) == 8, "eight entries a cache line");
static_assert(FRAME_RESERVED == 0, "the arena's zeros are reserved frames");

struct frame_table_state {
    struct frame_entry *entry; /* [frames] */
};

static struct frame_entry *frame_table_entry(struct frame_id f)
{
    CHECK(f.n < here->m->frames, "frame number below %u expected, it is %u", here->m->frames, f.n);
    return &here->m->frame_table->entry[f.n];
}

enum ukern_status frame_table_init(void)
{
    struct ukern *m = here->m;
    struct frame_table_state *s = arena_array(&m->arena, struct frame_table_state, 1);
    struct frame_entry *entry = arena_array(&m->arena, struct frame_entry, m->frames);
    if (!s || !entry)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/frame_table (%u frames)", m->frames);
    s->entry = entry;
    m->frame_table = s;
    return UKERN_OK;
}

enum frame_type frame_table_type(struct frame_id f) { return (enum frame_type)frame_table_entry(f)->type; }
void frame_table_set_type(struct frame_id f, enum frame_type type) { frame_table_entry(f)->type = (uint8_t)type; }
uint32_t frame_table_refs(struct frame_id f) { return frame_table_entry(f)->refs; }
void frame_table_set_refs(struct frame_id f, uint32_t refs) { frame_table_entry(f)->refs = refs; }
bool frame_table_dirty(struct frame_id f) { return frame_table_entry(f)->dirty; }
void frame_table_set_dirty(struct frame_id f, bool dirty) { frame_table_entry(f)->dirty = dirty; }
