/* SPDX-License-Identifier: BSD-2-Clause */
/* pt: four-level page tables in the x86-64 format, in frames, walked in software.
 *                                                                Row mm/pt, CertiKOS MPTIntro, MPTOp, MPTComm
 * State       per root: a finite map va -> (frame, permission); tables are frames of their own
 * Primitives  pt_new      an empty root
 *             pt_insert   va -> frame
 *             pt_remove   va is unmapped; tables that become empty are freed
 *             pt_read     the frame and permission of the page that va lies in
 *             pt_next     the first mapped va >= `from`
 *             pt_prepare  gives a range all the tables it can need, or none: pt_insert in it cannot answer NOMEM
 *                         until something is removed. They stay, even empty, until a removal below them or pt_destroy
 *             pt_destroy  frees the tables; the mapped frames are the caller's (pt_next walks them)
 * Invariants  unless prepared, every table but the root has a mapped page below it; an entry for a table counts its
 *             child's present entries; a mapped frame's references are the caller's affair
 * Format      bit 0 P, 1 W, 2 U, 63 NX, bits 12..51 the frame; entries for tables carry P, W, U, and in bits 52..61,
 *             which the processor ignores there, the count of present entries in that table
 * Lock        none of its own: a root belongs to its space or VM */
#pragma once
#include "core/machine.h"

#define PT_VA_LIMIT (UINT64_C(1) << 47)

enum ukern_status pt_new(struct frame_id *ret_root) must_use; /* NOMEM */
void pt_destroy(struct frame_id root);
/* BADARG: va unaligned or not below PT_VA_LIMIT, no such frame, perm out of range; EXISTS: va is mapped;
 * NOMEM: no frame for a table, and then nothing changed. */
enum ukern_status pt_insert(struct frame_id root, uint64_t va, struct frame_id f, uint32_t perm) must_use;
enum ukern_status pt_remove(struct frame_id root, uint64_t va, struct frame_id *ret_frame) must_use; /* BADARG, NOTFOUND */
enum ukern_status pt_read(struct frame_id root, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use; /* NOTFOUND */
enum ukern_status pt_next(struct frame_id root, uint64_t from, uint64_t *ret_va, struct frame_id *ret_frame) must_use; /* NOTFOUND */
/* BADARG: as pt_insert, or no page, or the range leaves [0, PT_VA_LIMIT); NOMEM: nothing changed. */
enum ukern_status pt_prepare(struct frame_id root, uint64_t va, uint64_t pages) must_use;
