/* SPDX-License-Identifier: BSD-2-Clause */
/* toy_quota: nobody takes more items than it may.
 *
 * State       left : owner -> how many more items it may take; who has none left is not in it
 * Primitives  toy_quota_init    owner 1 may take all `total` items; NOMEM
 *             toy_quota_move    passes n from one to another; NOMEM when `from` has fewer left
 *             toy_quota_alloc   an item; NOMEM: none left to it
 *             toy_quota_two     two items, or none; NOMEM
 *             toy_quota_free    PRE `id` has the item
 *             toy_quota_refill  n more out of nothing: what the invariant forbids
 * Outside     toy_quota_total: reads without the lock
 * Invariants  I1 nobody may take more items than there are
 * Lock        quota.lock */
#pragma once
#include "core/maths.h"
#include "toy.h"

struct toy_quota_abs { MAP(struct toy_owner, uint32_t) left; };

enum ukern_status toy_quota_init(uint32_t total) must_use;
enum ukern_status toy_quota_move(struct toy_owner from, struct toy_owner to, uint32_t n);
enum ukern_status toy_quota_alloc(struct toy_owner id, struct toy_item *ret_item) must_use;
enum ukern_status toy_quota_two(struct toy_owner id,
                                struct toy_item *ret_a, struct toy_item *ret_b) must_use;
void toy_quota_free(struct toy_owner id, struct toy_item i);
bool toy_quota_refill(struct toy_owner id, uint32_t n, uint32_t *ret_left);
uint32_t toy_quota_total(void);
uint32_t toy_quota_peek(struct toy_owner id);
