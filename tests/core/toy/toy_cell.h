/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_cell: one cell for each item: who owns it.
 *
 * State       owner : item -> owner, nobody where nothing was set; total : items
 * Primitives  toy_cell_init  total cells, nobody's; NOMEM
 *             toy_cell_get, toy_cell_set   PRE an item below total
 *             toy_cell_tick, toy_cell_ticks   one more, how many: any CPU, without lock
 * Lock        none: of whoever owns the item; ticks are atomic */
#pragma once
#include "core/maths.h"
#include "toy.h"

struct toy_cell_abs { MAP(struct toy_item, struct toy_owner) owner; VAR(uint32_t) total, ticks; };

enum ukern_status toy_cell_init(uint32_t total) must_use;
struct toy_owner toy_cell_get(struct toy_item i);
void toy_cell_set(struct toy_item i, struct toy_owner who);
void toy_cell_tick(void);
uint32_t toy_cell_ticks(void);
