/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_table_spec: a function from frames to entries; setting changes one point of it.    Specification of mm/frame_table
 *
 * Environment   here->m->frames (the size of the memory), the arena */
#include "core/spec.h"

void frame_table_abs_init(struct frame_table_abs *s)
{
    INIT(s->entry, "frame_table.entry");
    INIT(s->total, "frame_table.total");
}

static bool in_memory(const struct frame_table_view *s, struct frame_id f) { return f.n < val(s->frame_table->total); }

enum verdict frame_table_init_spec(struct frame_table_view *s, const struct frame_table_init_ret *did,
                                   struct frame_table_init_ret *r)
{
    PRE(val(s->frame_table->total) == 0);
    r->ret = UKERN_NOMEM;
    if (did && did->ret == UKERN_NOMEM) /* the arena is full: the environment's choice */
        return DEFINED;
    r->ret = UKERN_OK;
    let(s->frame_table->total, here->m->frames);
    return DEFINED;
}

enum verdict frame_table_get_spec(struct frame_table_view *s, struct frame_id f, const struct frame_table_get_ret *did,
                                  struct frame_table_get_ret *r)
{
    (void)did;
    PRE(in_memory(s, f));
    r->ret = get(s->frame_table->entry, f); /* what was never set is all zeroes */
    return DEFINED;
}

enum verdict frame_table_set_spec(struct frame_table_view *s, struct frame_id f, struct frame_entry e,
                                  const struct frame_table_set_ret *did, struct frame_table_set_ret *r)
{
    (void)did, (void)r;
    PRE(in_memory(s, f));
#ifdef UKERN_BUG_SPEC_OWNER_KEPT
    if (e.refs == 0)
        e.owner = get(s->frame_table->entry, f).owner;
#endif
    set(s->frame_table->entry, f, e);
    return DEFINED;
}

bool frame_table_relates_at(const struct frame_table_view *s, const struct map *m, uint64_t key)
{
    if (m != &s->frame_table->entry.m)
        return true;
    struct frame_id f = { (uint32_t)key };
    struct frame_entry abs = get(s->frame_table->entry, f), code = frame_table_get(f);
    return AGREE(abs.refs, code.refs, "references of frame %u", f.n) &&
           AGREE(abs.owner, code.owner, "owner of frame %u", f.n) &&
           AGREE(abs.dirty, code.dirty, "whether frame %u is dirty", f.n) &&
           AGREE(abs.zero, code.zero, "the unused byte of frame %u", f.n);
}

bool frame_table_relates(const struct frame_table_view *s)
{
    for (uint32_t n = 0; n < val(s->frame_table->total); n++)
        if (!frame_table_relates_at(s, &s->frame_table->entry.m, n))
            return false;
    return true;
}

bool frame_table_invariant_at(const struct frame_table_view *s, const struct map *m, uint64_t key)
{
    return m != &s->frame_table->entry.m ||
           HOLDS(in_memory(s, (struct frame_id){ (uint32_t)key }), "entry of frame %u, outside the memory", (uint32_t)key);
}

bool frame_table_invariant(const struct frame_table_view *s)
{
    EACH(s->frame_table->entry, f)
        if (!frame_table_invariant_at(s, &s->frame_table->entry.m, f.n))
            return false;
    return true;
}
