/* SPDX-License-Identifier: BSD-2-Clause */
/* share_op: the steps of the handshake.                                           Row mm/share_op, CertiKOS MShareOp
 *
 * State       none of its own: mm/share_entry's
 * Primitives  share_op_pending  i offers va to j: (i,j) := (PENDING, seen, va); (j,i) stays; NOMEM: entry table
 *             share_op_dead     (i,j) and (j,i) := (DEAD, seen for i, unseen for j, 0): i gives up, j shall see it
 *             share_op_ready    i offers va, j had offered (j,i).va: space_resv2(i, va, j, (j,i).va, PERM_USER | PERM_WRITE). OK: (i,j) := (READY, seen, va), (j,i) := (READY, unseen, its va).
 *                               Any failure of it, or of the entry table: as share_op_dead, and that status. PRE (j,i) is PENDING
 *             share_op_seen     (i,j).seen := 1
 * Preconditions  i != j, both spaces exist; share_op_dead: one of the two has an entry (so it cannot fail)
 * Order       share_op_ready: share_entry_set(i,j) READY (it alone can be refused), space_resv2, share_entry_set(j,i) READY. share_op_dead: share_entry_set(i,j), then (j,i)
 * CertiKOS    shared_mem_to_pending, _to_dead, _to_ready, get_shared_mem_status_seen. There quota failure is 2 (both DEAD); what is undefined there (va mapped already) is a failure here
 * Lock        none: mm/share's (local) */
#pragma once
#include "mm/share_entry.h"

struct share_op_abs { VAR(uint32_t) none; }; /* no state */

enum ukern_status share_op_pending(struct share_pair p, uint64_t va) must_use;
void share_op_dead(struct share_pair p);
enum ukern_status share_op_ready(struct share_pair p, uint64_t va) must_use;
void share_op_seen(struct share_pair p);
