/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table_spec: three maps; a setter changes one point of one. */
#include "core/spec.h"

void frame_table_abs_init(struct frame_table_abs *s)
{
    INIT(s->type, "frame_table.type");
    INIT(s->refs, "frame_table.refs");
    INIT(s->dirty, "frame_table.dirty");
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

enum verdict frame_table_type_spec(struct frame_table_view *s, struct frame_id f, const struct frame_table_type_ret *did,
                                   struct frame_table_type_ret *r)
{
    (void)did;
    PRE(is_frame(s, f));
    r->ret = (enum frame_type)get(s->frame_table->type, f);
    return DEFINED;
}

enum verdict frame_table_set_type_spec(struct frame_table_view *s, struct frame_id f, enum frame_type type,
                                       const struct frame_table_set_type_ret *did, struct frame_table_set_type_ret *r)
{
    (void)did, (void)r;
    PRE(is_frame(s, f) && type <= FRAME_NORMAL);
    set(s->frame_table->type, f, type);
    return DEFINED;
}

enum verdict frame_table_refs_spec(struct frame_table_view *s, struct frame_id f, const struct frame_table_refs_ret *did,
                                   struct frame_table_refs_ret *r)
{
    (void)did;
    PRE(is_frame(s, f));
    r->ret = get(s->frame_table->refs, f);
    return DEFINED;
}

enum verdict frame_table_set_refs_spec(struct frame_table_view *s, struct frame_id f, uint32_t refs,
                                       const struct frame_table_set_refs_ret *did, struct frame_table_set_refs_ret *r)
{
    (void)did, (void)r;
    PRE(is_frame(s, f));
    set(s->frame_table->refs, f, refs);
    return DEFINED;
}

enum verdict frame_table_dirty_spec(struct frame_table_view *s, struct frame_id f, const struct frame_table_dirty_ret *did,
                                    struct frame_table_dirty_ret *r)
{
    (void)did;
    PRE(is_frame(s, f));
    r->ret = get(s->frame_table->dirty, f) != 0;
    return DEFINED;
}

enum verdict frame_table_set_dirty_spec(struct frame_table_view *s, struct frame_id f, bool dirty,
                                        const struct frame_table_set_dirty_ret *did, struct frame_table_set_dirty_ret *r)
{
    (void)did, (void)r;
    PRE(is_frame(s, f));
    set(s->frame_table->dirty, f, dirty);
    return DEFINED;
}

bool frame_table_relates_at(const struct frame_table_view *s, const struct map *m, uint64_t key)
{
    struct frame_id f = { (uint32_t)key };
    if (IS(s->frame_table->total, m))
        return AGREE(val(s->frame_table->total), here->m->frames, "frames in the memory");
    return AGREE(get(s->frame_table->type, f), frame_table_type(f), "type of frame %u", f.n) &&
           AGREE(get(s->frame_table->refs, f), frame_table_refs(f), "references of frame %u", f.n) &&
           AGREE(get(s->frame_table->dirty, f), frame_table_dirty(f), "whether frame %u may be other than zero", f.n);
}

bool frame_table_relates(const struct frame_table_view *s)
{
    for (uint32_t n = 0; n < val(s->frame_table->total); n++)
        if (!frame_table_relates_at(s, &s->frame_table->type.m, n))
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
