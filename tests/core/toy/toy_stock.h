/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_stock: free items, and who has the others.
 *
 * State       owner : item -> owner, of those that are taken; total : items
 * Primitives  toy_stock_init   `total` free items; NOMEM
 *             toy_stock_alloc  a free item for `who`, and how many are left; NOMEM: none is free
 *             toy_stock_free   PRE the item is taken
 *             toy_stock_owner  of an item, nobody when it is free; PRE it is one
 * Choice      which free item
 * Lock        stock.lock */
#pragma once
#include "core/maths.h"
#include "toy.h"

struct toy_stock_abs { MAP(struct toy_item, struct toy_owner) owner; VAR(uint32_t) total; };

enum ukern_status toy_stock_init(uint32_t total) must_use;
enum ukern_status toy_stock_alloc(struct toy_owner who, struct toy_item *ret_item, uint32_t *ret_left) must_use;
void toy_stock_free(struct toy_item i);
struct toy_owner toy_stock_owner(struct toy_item i);
uint32_t toy_stock_peek_free(void);
