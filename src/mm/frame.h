/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: allocation of physical frames, with reference counts.                    Row mm/frame, CertiKOS MATOp and MAT
 *
 * State       the set of free NORMAL frames; references of the others; how many are used, and were at most
 * Primitives  frame_init       usable frames become free
 *             frame_alloc      one free frame, zeroed, with one reference; NOMEM only when none is free
 *             frame_alloc_run  up to `want` consecutive free frames (as long a run as is found), likewise
 *             frame_ref        one more reference (shared memory, guest memory)
 *             frame_drop       one fewer; at zero the frame is free again
 *             frame_used, frame_peak, frame_usable   counts; of one moment each, without the lock
 * Invariants  free + used = usable; a used frame has references >= 1; only NORMAL frames are ever given out
 * Policy      which free frame is unspecified
 * Check build a free frame that was used before is filled with FRAME_POISON; a write to it is found when it is given out.
 *             AddressSanitizer reports every access to it through the direct map, in both builds
 * Lock        frame.lock, held only inside frame.c; frames are zeroed outside it
 * Source      buddy system (Knowlton 1965) */
#pragma once
#include "core/machine.h"

enum { FRAME_POISON = 0xf5 };

enum ukern_status frame_init(void) must_use;                                       /* NOMEM: arena */
enum ukern_status frame_alloc(struct frame_id *ret_frame) must_use;                /* NOMEM */
/* 1 <= *ret_count <= want. BADARG: want is 0. NOMEM: no frame is free. */
enum ukern_status frame_alloc_run(uint32_t want, struct frame_id *ret_first, uint32_t *ret_count) must_use;
enum ukern_status frame_ref(struct frame_id f) must_use;  /* BADARG: f is not in use; NOMEM: it has 2^32-1 references */
enum ukern_status frame_drop(struct frame_id f);          /* BADARG: f is not in use (a double free) */
uint32_t frame_used(void);
uint32_t frame_peak(void);
uint32_t frame_usable(void);
