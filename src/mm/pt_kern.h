/* SPDX-License-Identifier: BSD-2-Clause */
/* pt_kern: every map's upper half is the kernel's: the same in all, never changed.         Row mm/pt_kern, CertiKOS MPTKern
 *
 * State       top : index 256..511 -> entry of the root, the kernel's half; root : map -> (its root frame, who pays)
 * Half        the direct map: address PT_KERNEL_BASE + p shows physical address p for all frames of the memory (any type),
 *             with W and NX, without U, with A and D set; 2 MiB pages, and for the last (total mod 512) frames 4 KiB
 *             pages. Its tables are the KERNEL frames of mm/frame_type, taken in order: level 2 tables ascending, then
 *             level 1 tables ascending, then the one of level 0; no count in their entries (nothing is ever removed).
 *             An entry for such a table has P, W and A: nothing in this half is left for a processor to set
 * Primitives  pt_kern_init  builds the kernel's half; no map exists
 *             pt_kern_new   map `id` exists: a root (pt_table_new) with the kernel's half; NOMEM, BADARG as
 *                           container_alloc. PRE id < pt limit, and there is none
 *             pt_kern_end   it does not; PRE it exists and has no table in the user half
 *             pt_kern_root  its root frame, NO_FRAME: there is none
 *             pt_kern_payer its container; PRE it exists
 *             pt_kern_read  what the kernel's half has at va (as pt_walk_leaf of any map's root); PRE va >=
 *                           PT_KERNEL_BASE
 * Invariants  I1 entries 256..511 of every root are `top`  I2 a root belongs to one map
 * Below       calls that change lower layers, in this order. pt_kern_init: for the tables in the order above
 *             pt_entry_begin, then by ascending (level, address), highest level first, pt_entry_set of each entry that
 *             is not absent (an entry for a table before what is in that table). pt_kern_new: pt_table_new; pt_walk_set
 *             of level 3 for each entry of `top` that is not absent, ascending. pt_kern_end: pt_walk_set of these to 0,
 *             ascending; pt_table_end; container_free
 * Limit       ids are below max_tasks + max_vms of the params (64 under limits = mcertikos)
 * Lock        none: constant after boot, and a map belongs to its space or VM (local) */
#pragma once
#include "mm/pt_table.h"

#define PT_KERNEL_BASE UINT64_C(0xffff800000000000)
struct pt_root { struct frame_id root; struct container_id payer; };

struct pt_kern_abs { MAP(uint32_t, struct pte) top; MAP(struct pt_id, struct pt_root) root; };

enum ukern_status pt_kern_init(void) must_use; /* NOMEM (arena) */
enum ukern_status pt_kern_new(struct pt_id id, struct container_id who) must_use;
void pt_kern_end(struct pt_id id);
struct frame_id pt_kern_root(struct pt_id id);
struct container_id pt_kern_payer(struct pt_id id);
struct pt_leaf pt_kern_read(uint64_t va);
