/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: allocation of physical frames, with reference counts.                    Row mm/frame, CertiKOS MATOp and MAT
 *
 * State       the set of free NORMAL frames; references of the others; how many are used, and were at most
 * Primitives  frame_init       usable frames become free
 *             frame_alloc      one free frame, zeroed, with one reference; NOMEM only when none is free
 *             frame_alloc_run  up to `want` consecutive free frames (as long a run as is found), likewise
 *             frame_ref        one more reference (shared memory, guest memory)
 *             frame_drop       one fewer; at zero the frame is free again
 *             frame_used, frame_peak, frame_usable   counts
 * Invariants  free + used = usable; a used frame has references >= 1; only NORMAL frames are ever given out
 * Policy      which free frame is unspecified
 * Lock        frame.lock, held only inside frame.c */
#pragma once
#include "core/machine.h"

enum ukern_status frame_init(void) must_use;
enum ukern_status frame_alloc(struct frame_id *ret_frame) must_use;
enum ukern_status frame_alloc_run(uint32_t want, struct frame_id *ret_first, uint32_t *ret_count) must_use;
enum ukern_status frame_ref(struct frame_id f) must_use;  /* BADARG: f is not in use */
enum ukern_status frame_drop(struct frame_id f);          /* BADARG: f is not in use (a double free) */
uint32_t frame_used(void);
uint32_t frame_peak(void);
uint32_t frame_usable(void);
