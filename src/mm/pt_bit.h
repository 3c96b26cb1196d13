/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_bit: which ids of maps are taken.                                                    Row mm/pt_bit, CertiKOS MPTBit
 *
 * State       taken : the set of ids that are taken, all below the limit (mm/pt_kern)
 * Primitives  pt_bit_init   none is taken; under limits = mcertikos id 0, the kernel's own, is
 *             pt_bit_take   the lowest free id; NOMEM: all are taken
 *             pt_bit_give   free again; BADARG: not taken
 *             pt_bit_is     whether it is taken
 * Invariants  I1 ids are below the limit
 * Lock        pt_bit.lock */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

struct pt_bit_abs { MAP(struct pt_id, uint8_t) taken; };

enum ukern_status pt_bit_init(void) must_use; /* NOMEM (arena) */
enum ukern_status pt_bit_take(struct pt_id *ret_id) must_use;
enum ukern_status pt_bit_give(struct pt_id id);
bool pt_bit_is(struct pt_id id);
bool pt_bit_peek(struct pt_id id); /* what memory says, without the lock, for R; false at and above the limit */
