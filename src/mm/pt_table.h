/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_table: tables come with the first page below them, are paid for, and go with the last.   Row mm/pt_table, CertiKOS MPTComm
 *
 * State       root : root frame -> the container that pays; table : (root, place) -> frame, where place names the span
 *             of addresses below the table: level << 28 | va >> (21 + 9 level), level 0..2 that of the table's entries.
 *             Addresses: the user half, va < 2^47; fresh : tables that came in this step; empty between steps
 * Primitives  pt_table_new      a root for `who`: a table without entries; NOMEM, BADARG as container_alloc
 *             pt_table_end      it is a root no more, its frame is the caller's; PRE no table below it, and no entry in it
 *             pt_table_prepare  all tables that entries of `level` (0 or 1) for the addresses va..last lack (below a
 *                               large page none is lacking, nor can be); NOMEM: not all could be had, and then nothing
 *                               changed. PRE va <= last < 2^47
 *             pt_table_put      the entry of `level` (0 or 1) for va becomes e, a page or 0; PRE its table exists, and
 *                               the entry is no table's
 *             pt_table_get      the entry of the walk's end, as pt_walk_leaf
 *             pt_table_trim     frees the tables above va that have no entry, lowest level first, those of levels 0 to
 *                               `level` (at most 2: the root stays)
 * Order       of pt_table_prepare's calls: it decides how many tables k are missing; then k times container_alloc; the
 *             frames become tables in the order in which they came, tables by ascending address, a higher level before
 *             what is below it. When one is refused, those that came are given back with container_free, last first
 * Below       calls that change mm/pt_entry, in this order. pt_table_new: container_alloc, pt_entry_begin.
 *             pt_table_end: pt_entry_end. pt_table_prepare, after the k container_alloc, for each
 *             table: pt_entry_begin; pt_entry_set of the entry for it (P, W, U, count 0); unless that entry is in the
 *             root, pt_entry_set of the entry above that (the one for the table that it is in) with one more in its
 *             count. pt_table_put: pt_entry_set of the entry; when it was absent and is not any more, or the other way
 *             round, pt_entry_set of the entry for its table with one more, or one less, in its count. pt_table_trim,
 *             for each table: pt_entry_set of the entry for it to 0; unless that is in the root, pt_entry_set of the
 *             entry above that with one less; pt_entry_end; container_free
 * Invariants  I1 every table is reached from its root through its place  I2 the count in the entry of a table is its
 *             number of present entries I3 each table but a prepared one has an entry  I4 frames of tables are used,
 *             and paid by the root's container
 * Lock        none: a root belongs to its map (local) */
#pragma once
#include "mm/pt_walk.h"

struct pt_place { struct frame_id root; uint32_t place; };
static inline struct pt_place pt_place_of(struct frame_id root, uint32_t level, uint64_t va) /* outside: arithmetic */
{
    return (struct pt_place){ root, level << 28 | (uint32_t)(va >> (21 + 9 * level)) };
}

struct pt_table_abs { MAP(struct frame_id, struct container_id) root; MAP(struct pt_place, struct frame_id) table; MAP(uint32_t, struct pt_place) fresh; };

enum ukern_status pt_table_new(struct container_id who, struct frame_id *ret_root) must_use;
void pt_table_end(struct frame_id root);
enum ukern_status pt_table_prepare(struct frame_id root, uint64_t va, uint64_t last, uint32_t level) must_use;
void pt_table_put(struct frame_id root, uint64_t va, uint32_t level, struct pte e);
struct pt_leaf pt_table_get(struct frame_id root, uint64_t va);
void pt_table_trim(struct frame_id root, uint64_t va, uint32_t level);
