/* SPDX-License-Identifier: BSD-2-Clause */
/* pt: a page map is a finite map from addresses to frames.                                    Row mm/pt, CertiKOS MPTInit
 *
 * State       map : map -> who pays (maps that exist); page : (map, page number) -> (frame, permission, order, aged),
 *             order 0: 4 KiB, 9: 2 MiB at its first page number; table : (map, place) -> (frame, entries: how many
 *             pages and tables are directly below it), places as in mm/pt_table, and of level 3 the root; fresh :
 *             tables that came in this step; empty between steps
 * Primitives  pt_new      an empty map; NOMEM, BADARG as container_alloc. PRE the id is below the limit (mm/pt_kern)
 *                         and free
 *             pt_end      the map goes; PRE it exists, has no page and no table but its root
 *             pt_insert   a page; takes no reference of the frame: whoever inserts has one. BADARG: no such map, va
 *                         unaligned for the order or not below PT_VA_LIMIT, a frame not in the memory (or, large, the
 *                         first no multiple of 512), permission above PERM_ALL, order neither 0 nor 9; EXISTS: some of
 *                         it is mapped; NOMEM: no frame for a table, nothing changed
 *             pt_remove   the page that begins at va goes (all of a large one); its frame and order; tables that become
 *                         empty are freed. BADARG: no such map, unaligned, range; NOTFOUND: no page begins there
 *             pt_read     the page that va lies in: frame of va's own 4 KiB, permission. NOTFOUND: none, or no such
 *                         map. PRE none
 *             pt_next     the first page that ends above `from`: where it begins, frame, order; NOTFOUND: none, or no
 *                         such map
 *             pt_prepare  gives `pages` 4 KiB pages from va all the tables that they can need for pages of `order`, or
 *                         none: pt_insert there then cannot answer NOMEM until something near is removed or trimmed.
 *                         BADARG: as pt_insert, or no page, or the range leaves the map; NOMEM: nothing changed
 *             pt_trim     frees the tables over the range that have no page; BADARG as pt_prepare
 *             pt_touch    what the MMU does: marks the page of va accessed, and dirty when `write`; NOTFOUND
 *             pt_age      its aged bits (1 accessed, 2 dirty), and clears them; NOTFOUND
 * Order       of calls to mm/container: pt_insert and pt_prepare as mm/pt_table says (Order); pt_remove and pt_trim
 *             free tables by ascending address, lower levels first; pt_new one container_alloc, pt_end one
 *             container_free. A large page takes the place of a prepared table that has no page: pt_insert then frees
 *             that table, after it has made those that are lacking
 * Below       calls that change mm/pt_table, in this order. pt_insert: pt_table_prepare(va, last byte of the page,
 *             order / 9); of a large page where a table of level 0 is: pt_table_trim(va, 0); pt_table_put. pt_remove:
 *             pt_table_put 0, pt_table_trim(va, 2). pt_prepare: pt_table_prepare. pt_trim: by ascending address
 *             pt_table_trim(va, 2) once for each span whose lowest table (of level 0, 1 or 2) has no entry, va the
 *             first address of the range that is in the span. pt_touch, pt_age: pt_table_put, when a bit changes
 * Invariants  I1 pages do not overlap  I2 there are exactly the tables that pages or preparations need: above each page
 *             one table of level 2, 1 and (4 KiB) 0  I3 frames of tables are used, paid by the map's container, and in
 *             one place only
 * Lock        none: a map belongs to its space or VM (local); maps of different ids are independent */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

#define PT_VA_LIMIT (UINT64_C(1) << 47)
enum { PT_ACCESSED = 1, PT_DIRTY = 2 };
struct pt_at { uint64_t key; };                       /* map << 36 | page number */
struct pt_level { uint64_t key; };                    /* map << 36 | level << 28 | va >> (21 + 9 level) */
struct pt_table_use { struct frame_id frame; uint32_t entries; };
struct pt_page { struct frame_id frame; uint8_t perm, order, aged, zero; };
static inline struct pt_at pt_at(struct pt_id id, uint64_t va) { return (struct pt_at){ (uint64_t)id.n << 36 | va >> FRAME_SHIFT }; } /* outside: arithmetic */

struct pt_abs {
    MAP(struct pt_id, struct container_id) map;
    MAP(struct pt_at, struct pt_page) page;
    MAP(struct pt_level, struct pt_table_use) table;
    MAP(uint32_t, struct pt_level) fresh;
};

enum ukern_status pt_new(struct pt_id id, struct container_id who) must_use;
void pt_end(struct pt_id id);
enum ukern_status pt_insert(struct pt_id id, uint64_t va, struct frame_id f, uint32_t perm, uint32_t order) must_use;
enum ukern_status pt_remove(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_order) must_use;
enum ukern_status pt_read(struct pt_id id, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
enum ukern_status pt_next(struct pt_id id, uint64_t from, uint64_t *ret_va, struct frame_id *ret_frame, uint32_t *ret_order) must_use;
enum ukern_status pt_prepare(struct pt_id id, uint64_t va, uint64_t pages, uint32_t order) must_use;
enum ukern_status pt_trim(struct pt_id id, uint64_t va, uint64_t pages) must_use;
enum ukern_status pt_touch(struct pt_id id, uint64_t va, bool write) must_use;
enum ukern_status pt_age(struct pt_id id, uint64_t va, uint32_t *ret_aged) must_use;
