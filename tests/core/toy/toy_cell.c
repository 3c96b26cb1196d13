/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_cell: an array. */
#include "toy_cell.h"
#include "core/calculus.h"

enum toy_bug toy_bug;
void (*toy_between)(void);
static struct toy_owner *cells;
static _Atomic uint32_t ticks;

enum ukern_status toy_cell_init(uint32_t total)
{
    atomic_store(&ticks, 0);
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

static void tick(void)
{
    atomic_fetch_add(&ticks, 1);
    if (toy_between)
        toy_between();
}

void toy_cell_tick(void) { EVENT_ATOMIC_DONE(tick()); }
uint32_t toy_cell_ticks(void) { return EVENT_ATOMIC(atomic_load(&ticks)); }
