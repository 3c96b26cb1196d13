/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_walk: from a root and an address to entries: the arithmetic of indices.             Row mm/pt_walk, CertiKOS MPTOp
 *
 * State       none of its own: it reads mm/pt_entry through the address. Level 3 is the root's, level 0 is pages'; an
 *             entry of level l covers 2^(12 + 9 l) bytes
 * Primitives  pt_walk_leaf   the entry at which the walk ends: absent at some level, a 2 MiB page (level 1, PS), or
 *                            level 0; the hot path
 *             pt_walk_table  the table whose entries have `level` (3: the root itself); NO_FRAME when the walk ends
 *                            above
 *             pt_walk_get    the entry of that level; absent when there is no table for it
 *             pt_walk_set    likewise; PRE there is a table for it
 * Preconditions  root is a table, and so is whatever the entries on the way lead to; level 0..3; va is canonical (bits 47..63 equal)
 * Invariants  none
 * Lock        none (local) */
#pragma once
#include "mm/pt_entry.h"

struct pt_leaf { struct pte e; uint32_t level, zero; };
static inline uint32_t pt_walk_shift(uint32_t level) { return FRAME_SHIFT + PT_INDEX_BITS * level; } /* outside: arithmetic */

struct pt_walk_abs { VAR(uint32_t) none; }; /* no state */

struct pt_leaf pt_walk_leaf(struct frame_id root, uint64_t va);
struct frame_id pt_walk_table(struct frame_id root, uint64_t va, uint32_t level);
struct pte pt_walk_get(struct frame_id root, uint64_t va, uint32_t level);
void pt_walk_set(struct frame_id root, uint64_t va, uint32_t level, struct pte e);
