/* SPDX-License-Identifier: BSD-2-Clause */
/* share: two spaces agree on a page that both see.                                      Row mm/share, CertiKOS MShare
 *
 * State       none of its own: mm/share_entry's, through the handshake
 * Primitives  share_status  PENDING when (i,j) was seen before and j's offer (j,i) is PENDING; else (i,j)'s state. Then (i,j) is seen. BADARG: i = j, or one is no space
 *             share_offer   i offers va to j. (i,j) PENDING already: nothing, PENDING. (j,i) not PENDING: (i,j) becomes PENDING with va, PENDING. (j,i) PENDING: the page is made
 *                           (paid by i) and both are READY, or that fails and both are DEAD. *ret_state: which of the three. BADARG: i = j, no such space, va unaligned or outside; BUSY: (i,j) is READY; NOMEM: entry table full
 *             share_revoke  either ends it: READY: the page goes from both spaces (where it is still mapped) and with its last reference home; PENDING: the offer is withdrawn; both DEAD. BADARG; NOTFOUND: it was DEAD both ways; NOMEM: Linux refused
 *                           the unmapping of one: then both entries stay (and the other page may be gone already): revoke again
 *             share_gone    all that space i shares or offers is revoked: before its end
 * Order       share_status: share_op_seen, when it was not. share_revoke: READY: space_unmap(i, its va, 1), space_unmap(j, its va, 1), NOTFOUND is passed over; then share_op_dead
 *             share_gone: by ascending j with an entry (i,j) or (j,i): as share_revoke does, NOMEM passed over; then both entries become the boot value, (i,j) first
 * Invariants  I1 (i,j) READY iff (j,i) READY  I2 entries are between spaces that exist
 * CertiKOS    shared_mem_status, offer_shared_mem: 0 READY, 1 PEND, 2 DEAD. BUSY and revoke are ours: the original is undefined, or has none
 * Lock        share.lock, above the spaces' */
#pragma once
#include "mm/share_op.h"

struct share_abs { VAR(uint32_t) none; }; /* no state */

enum ukern_status share_init(void) must_use;
enum ukern_status share_status(struct share_pair p, uint32_t *ret_state) must_use;
enum ukern_status share_offer(struct share_pair p, uint64_t va, uint32_t *ret_state) must_use;
enum ukern_status share_revoke(struct share_pair p) must_use;
void share_gone(struct space_id i);
