/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_stock: a stack of free items; owners are in their cells. */
#include "toy_stock.h"
#include "core/calculus.h"
#include "core/lock.h"
#include "toy_cell.h"

static struct {
    struct lock lock;
    struct toy_item *free;
    uint32_t n;
} stock;

enum ukern_status toy_stock_init(uint32_t total)
{
    enum ukern_status st = toy_cell_init(total);
    struct toy_item *free = arena_array(&here->m->arena, struct toy_item, total);
    if (st != UKERN_OK || !free)
        return UKERN_NOMEM;
    lock_init(&stock.lock, toy_stock_layer.rank);
    stock.free = free;
    stock.n = 0;
    for (uint32_t i = toy_bug == TOY_LOSES; i < total; i++)
        stock.free[stock.n++] = (struct toy_item){ i };
    return EVENT_OWNED(UKERN_OK);
}

enum ukern_status toy_stock_alloc(struct toy_owner who, struct toy_item *ret_item, uint32_t *ret_left)
{
    LOCK_SCOPE(&stock.lock);
    if (stock.n == 0) {
        if (toy_bug == TOY_OUTPUT_ANYWAY)
            *ret_left = 0;
        return EVENT(UKERN_NOMEM);
    }
    struct toy_item i = stock.free[--stock.n];
    if (toy_bug == TOY_FORBIDDEN && toy_cell_get((struct toy_item){ i.n + 1 }).n)
        i.n++; /* somebody has it */
    toy_cell_set(i, who);
    *ret_item = i;
    *ret_left = stock.n + (toy_bug == TOY_WRONG_SECOND);
    return EVENT(UKERN_OK);
}

void toy_stock_free(struct toy_item i)
{
    LOCK_SCOPE(&stock.lock);
    if (toy_bug != TOY_KEEPS)
        toy_cell_set(i, (struct toy_owner){ 0 });
    stock.free[stock.n++] = i;
    EVENT_DONE();
}

struct toy_owner toy_stock_owner(struct toy_item i)
{
    LOCK_SCOPE(&stock.lock);
    return EVENT(toy_cell_get(i));
}

uint32_t toy_stock_peek_free(void) { return stock.n; }
