/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_cell: an array. */
#include "toy_cell.h"

enum toy_bug toy_bug;
void (*toy_between)(void);
static struct toy_owner *cells;

enum ukern_status toy_cell_init(uint32_t total)
{
    cells = arena_array(&here->m->arena, struct toy_owner, total + 1); /* TOY_FORBIDDEN looks one further */
    return cells ? UKERN_OK : UKERN_NOMEM;
}

struct toy_owner toy_cell_get(struct toy_item i)
{
    struct toy_owner who = cells[i.n];
    who.n += toy_bug == TOY_WRONG_RESULT;
    return who;
}

void toy_cell_set(struct toy_item i, struct toy_owner who) { cells[i.n] = who; }
