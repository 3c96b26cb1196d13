/* SPDX-License-Identifier: BSD-2-Clause */
/* space: see space.h. This file has the table of spaces; space_map.c changes their pages. */
#include "mm/space.h"
#include "core/lock.h"
#include "mm/container.h"
#include "mm/pt.h"
#include "mm/space_inside.h"
#include <ukern/user.h>

struct space_state {
    struct lock lock;
    uint32_t count, first_free;
    struct space *space; /* [count] */
};

enum ukern_status space_init(void)
{
    struct ukern *m = here->m;
    struct space_state *s = arena_array(&m->arena, struct space_state, 1);
    uint32_t count = m->params.max_tasks;
    struct space *space = arena_array(&m->arena, struct space, count);
    if (!s || !space)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/space (%u spaces)", count);
    *s = (struct space_state){ .count = count, .first_free = NO_ID, .space = space };
    lock_init(&s->lock, LAYER_mm_space);
    for (uint32_t n = count; n-- > 0; s->first_free = n)
        space[n] = (struct space){ .root = NO_FRAME, .next_free = s->first_free };
    m->space = s;
    return UKERN_OK;
}

struct space *space_of(struct space_id id)
{
    struct space_state *s = here->m->space;
    if (unlikely(id.n >= s->count || s->space[id.n].root.n == NO_ID))
        return NULL;
    return &s->space[id.n];
}

static uint32_t space_slot_take(struct space_state *s)
{
    LOCK_SCOPE(&s->lock);
    uint32_t n = s->first_free;
    if (n != NO_ID)
        s->first_free = s->space[n].next_free;
    return n;
}

static void space_slot_give(struct space_state *s, uint32_t n)
{
    LOCK_SCOPE(&s->lock);
    s->space[n].next_free = s->first_free;
    s->first_free = n;
}

enum ukern_status space_new(struct space_id *ret_space)
{
    struct space_state *s = here->m->space;
    struct frame_id root;
    uint32_t n = space_slot_take(s);
    if (n == NO_ID)
        return UKERN_NOMEM;
    if (window_make((struct pt_id){ n }, UKERN_WINDOW, UKERN_WINDOW) != UKERN_OK || pt_new(&root) != UKERN_OK) {
        window_free((struct pt_id){ n });
        space_slot_give(s, n);
        return UKERN_NOMEM;
    }
    s->space[n].root = root;
    *ret_space = (struct space_id){ n };
    return UKERN_OK;
}

void space_destroy(struct space_id id)
{
    struct space *p = space_of(id);
    if (!p)
        return;
    window_free(space_pt(id)); /* first: no host address may show a frame that is somebody else's */
    uint64_t va = 0;
    struct frame_id f;
    for (; pt_next(p->root, va, &va, &f) == UKERN_OK; va += FRAME_SIZE)
        container_free(f);
    pt_destroy(p->root);
    p->root = NO_FRAME;
    space_slot_give(here->m->space, id.n);
}

void space_free(struct ukern *m) { window_done(m); }

enum ukern_status space_translate(struct space_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm)
{
    struct space *p = space_of(id);
    if (unlikely(!p || va >= UKERN_WINDOW))
        return UKERN_NOTFOUND;
    return pt_read(p->root, va, ret_frame, ret_perm);
}

uint8_t *space_base(struct space_id id)
{
    return window_base(space_pt(id));
}
