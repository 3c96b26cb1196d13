/* SPDX-License-Identifier: BSD-2-Clause */
/* pt: four-level page tables in the x86-64 format, in frames, walked in software.
 *                                                                Row mm/pt, CertiKOS MPTIntro, MPTOp, MPTComm
 * State       per root: a finite map va -> (frame, permission); tables are frames of their own
 * Primitives  pt_new      an empty root; NOMEM
 *             pt_insert   va -> frame; EXISTS when va is mapped, NOMEM (then nothing changed), BADARG: va unaligned or not
 *                         below 2^47, permission out of range
 *             pt_remove   NOTFOUND; tables that become empty are freed
 *             pt_read     NOTFOUND
 *             pt_destroy  frees the tables; the mapped frames are the caller's (pt_next walks them)
 *             pt_next     the first mapped va >= `from`; NOTFOUND
 * Format      bit 0 P, 1 W, 2 U, 63 NX, bits 12..51 the frame; intermediate entries carry P, W, U
 * Lock        none of its own: a root belongs to its space or VM */
#pragma once
#include "core/machine.h"

#define PT_VA_LIMIT (UINT64_C(1) << 47)

enum ukern_status pt_new(struct frame_id *ret_root) must_use;
void pt_destroy(struct frame_id root);
enum ukern_status pt_insert(struct frame_id root, uint64_t va, struct frame_id f, uint32_t perm) must_use;
enum ukern_status pt_remove(struct frame_id root, uint64_t va, struct frame_id *ret_frame) must_use;
enum ukern_status pt_read(struct frame_id root, uint64_t va, struct frame_id *ret_frame, uint32_t *ret_perm) must_use;
enum ukern_status pt_next(struct frame_id root, uint64_t from, uint64_t *ret_va, struct frame_id *ret_frame) must_use;
