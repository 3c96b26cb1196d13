/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table_spec: a map from frames to entries. */
#include "core/spec.h"

void frame_table_abs_init(struct frame_table_abs *s)
{
    INIT(s->entry, "frame_table.entry");
    INIT(s->total, "frame_table.total");
}

static bool is_frame(const struct frame_table_view *s, struct frame_id f) { return f.n < val(s->frame_table->total); }

enum verdict frame_table_init_spec(struct frame_table_view *s, const struct frame_table_init_ret *did, struct frame_table_init_ret *r)
{
    PRE(val(s->frame_table->total) == 0);
    r->ret = CHOICE(did, ret, UKERN_OK);
    ALLOW(r->ret == UKERN_OK || r->ret == UKERN_NOMEM); /* whether the arena has room */
    if (r->ret == UKERN_OK)
        let(s->frame_table->total, here->m->frames);
    return DEFINED;
}

enum verdict frame_table_get_spec(struct frame_table_view *s, struct frame_id f, const struct frame_table_get_ret *did,
                                  struct frame_table_get_ret *r)
{
    (void)did;
    PRE(is_frame(s, f));
    r->ret = get(s->frame_table->entry, f);
    return DEFINED;
}

enum verdict frame_table_set_spec(struct frame_table_view *s, struct frame_id f, struct frame_entry e, const struct frame_table_set_ret *did,
                                  struct frame_table_set_ret *r)
{
    (void)did, (void)r;
    PRE(is_frame(s, f));
    set(s->frame_table->entry, f, e);
    return DEFINED;
}

bool frame_table_relates_at(const struct frame_table_view *s, const struct map *m, uint64_t key)
{
    struct frame_id f = { (uint32_t)key };
    if (IS(s->frame_table->total, m))
        return AGREE(val(s->frame_table->total), here->m->frames, "frames in the memory");
    struct frame_entry abs = get(s->frame_table->entry, f), code = frame_table_get(f);
    return AGREE(abs.refs, code.refs, "references of frame %u", f.n) && AGREE(abs.owner, code.owner, "owner of frame %u", f.n) &&
           AGREE(abs.dirty, code.dirty, "whether frame %u was used before", f.n);
}

bool frame_table_relates(const struct frame_table_view *s)
{
    for (uint32_t n = 0; n < val(s->frame_table->total); n++)
        if (!frame_table_relates_at(s, &s->frame_table->entry.m, n))
            return false;
    return frame_table_relates_at(s, &s->frame_table->total.m, 0);
}

bool frame_table_invariant_at(const struct frame_table_view *s, const struct map *m, uint64_t key)
{
    (void)s, (void)m, (void)key;
    return true;
}

bool frame_table_invariant(const struct frame_table_view *s)
{
    (void)s;
    return true;
}
