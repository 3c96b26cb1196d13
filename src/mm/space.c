/* SPDX-License-Identifier: BSD-2-Clause */
/* space: see space.h. This file has the table of spaces; space_map.c changes their pages. */
#include "mm/space.h"
#include "mm/container.h"
#include "mm/pt.h"
#include "mm/pt_bit.h"
#include "mm/space_inside.h"
#include <ukern/user.h>

struct space_state {
    uint32_t count;
    struct space *space; /* [count] */
};

enum ukern_status space_init(void)
{
    struct ukern *m = here->m;
    struct space_state *s = arena_array(&m->arena, struct space_state, 1);
    uint32_t count = machine_maps(m);
    struct space *space = arena_array(&m->arena, struct space, count);
    if (!s || !space)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/space (%u spaces)", count);
    *s = (struct space_state){ .count = count, .space = space };
    for (uint32_t n = 0; n < count; n++)
        space[n].map.n = NO_ID;
    m->space = s;
    return UKERN_OK;
}

struct space *space_of(struct space_id id)
{
    struct space_state *s = here->m->space;
    if (unlikely(id.n >= s->count || s->space[id.n].map.n == NO_ID))
        return NULL;
    return &s->space[id.n];
}

enum ukern_status space_new(struct space_id *ret_space)
{
    struct space_state *s = here->m->space;
    struct pt_id id;
    enum ukern_status st = pt_bit_take(&id);
    if (st != UKERN_OK)
        return st;
    if (window_make(id, UKERN_WINDOW, UKERN_WINDOW) != UKERN_OK || pt_new(id, ROOT_CONTAINER) != UKERN_OK) {
        window_free(id);
        pt_bit_give(id);
        return UKERN_NOMEM;
    }
    s->space[id.n].map = id;
    *ret_space = (struct space_id){ id.n };
    return UKERN_OK;
}

void space_destroy(struct space_id id)
{
    struct space *p = space_of(id);
    if (!p)
        return;
    window_free(p->map); /* first: no host address may show a frame that is somebody else's */
    uint64_t va;
    struct frame_id f;
    uint32_t order;
    while (pt_next(p->map, 0, &va, &f, &order) == UKERN_OK && pt_remove(p->map, va, &f, &order) == UKERN_OK)
        container_free(f);
    enum ukern_status st = pt_trim(p->map, 0, PT_VA_LIMIT >> FRAME_SHIFT);
    CHECK(st == UKERN_OK, "the whole of a map can be trimmed, it answers %s", ukern_status_name(st));
    (void)st;
    pt_end(p->map);
    p->map.n = NO_ID;
    pt_bit_give((struct pt_id){ id.n });
}

void space_free(struct ukern *m) { window_done(m); }

enum ukern_status space_translate(struct space_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct space *p = space_of(id);
    if (unlikely(!p || va >= UKERN_WINDOW))
        return UKERN_NOTFOUND;
    return pt_read(p->map, va, ret_frame, ret_perm);
}

uint8_t *space_base(struct space_id id)
{
    return window_base(space_pt(id));
}
