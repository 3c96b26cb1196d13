/* SPDX-License-Identifier: BSD-2-Clause */
/* share_entry: what each space says about each other.                          Row mm/share_entry, CertiKOS MShareIntro
 *
 * State       entry : (i, j) -> (state, seen, va); absent is CertiKOS's boot value: DEAD, seen, va 0
 * Primitives  share_entry_init; share_entry_get; share_entry_set: NOMEM when the table of entries is full (never for a value that is the boot value, which frees the entry,
 *             nor for a pair that has an entry). PRE i != j, both below the limit of maps, state <= 2, seen <= 1
 *             share_entry_next: the lowest j >= from for which (i, j) or (j, i) has an entry; NOTFOUND
 * Limit       64 entries for each map that there can be (64 x the limit of maps of mm/pt_kern, so that mCertiKOS's 64 x 64 all fit)
 * Peek        share_entry_peek_count: entries in the table
 * Invariants  I1 i != j  I2 no entry has the boot value  I3 at most as many as the limit
 * Lock        none: mm/share's lock guards the table (local) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum share_state { SHARE_READY, SHARE_PENDING, SHARE_DEAD }; /* CertiKOS: READY 0, PEND 1, DEAD 2 */
struct share_pair { struct space_id i, j; };
struct share_entry { uint32_t state, seen; uint64_t va; };
#define SHARE_BOOT ((struct share_entry){ SHARE_DEAD, 1, 0 })

struct share_entry_abs { MAP(struct share_pair, struct share_entry) entry; };

enum ukern_status share_entry_init(void) must_use; /* NOMEM (arena) */
struct share_entry share_entry_get(struct share_pair p);
enum ukern_status share_entry_next(struct space_id i, uint32_t from, struct space_id *ret_j) must_use; /* NOTFOUND */
enum ukern_status share_entry_set(struct share_pair p, struct share_entry e) must_use;
uint32_t share_entry_peek_count(void);
