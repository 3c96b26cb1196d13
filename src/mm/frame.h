/* SPDX-License-Identifier: BSD-2-Clause */
/* frame: allocation of physical frames, with reference counts.                             Row mm/frame, CertiKOS MAT
 *
 * State       used : frame -> (references, container that pays); every NORMAL frame that is not in it is free; peak : how many
 *             were used at most
 * Primitives  frame_init        nothing is used
 *             frame_alloc       one free frame for `who` (PRE below 2^16, here and in the next two), one reference, its bytes unspecified; NOMEM only when none is free
 *             frame_alloc_run   1 to `want` consecutive free frames, likewise; BADARG: want is 0; NOMEM: none is free
 *             frame_alloc_large 512 consecutive free frames, the first a multiple of 512, likewise, each with a reference of
 *                               its own; NOMEM only when there is no such run
 *             frame_clear       makes the bytes of frames zero; PRE all of them are used
 *             frame_ref         one more reference; BADARG: not used; NOMEM: it has 2^32-1. PRE the caller holds one already, or
 *                               keeps a holder from dropping its own
 *             frame_drop        one fewer; *ret_free: it was the last, and the frame is free; BADARG: not used (a double free)
 *             frame_refs        references; 0: free, or no NORMAL frame. Of a frame that the caller does not hold: with several CPUs
 *                               of no particular moment
 *             frame_owner       the container that pays; PRE used
 *             frame_used, frame_peak, frame_usable   how many are used, were at most, are NORMAL: for reports. With several CPUs
 *             the first two are of no particular moment; peak may be one more
 * Peek        frame_peek_piece: the free memory as the code keeps it, piece by piece: free blocks, then each CPU's cached frames. *at
 *             begins as all zeroes; true: at->first, at->count is the next piece; false: no more. For the relation only, while nobody allocates
 * Invariants  I1 only NORMAL frames are used  I2 references >= 1
 * Choice      which free frame, and how long a run. Policy `lowest` (params.frame_policy; the mcertikos preset sets it): the lowest free
 *             frame, runs as long as free frames follow the lowest one (up to want), the lowest large run
 * R           entry of mm/frame_table of every NORMAL frame; |used| + free blocks + CPUs' caches = all NORMAL frames (nothing lost)
 * Check build a free frame that was used before is filled with FRAME_POISON; a write to it is found when it is given out.
 *             AddressSanitizer reports every access to it through the direct map, in both builds
 * Lock        frame.lock guards the free blocks and entries of frames with several references. Each CPU has a cache of free frames
 *             that only it uses: no lock, no atomic read-modify-write, no shared line in frame_alloc and frame_drop; who finds nothing
 *             stops the other CPUs' caches (a word each, and the engine's barrier op, membarrier) under frame.lock and takes from them
 * Source      buddy system (Knowlton 1965), per-CPU caches (Bonwick and Adams 2001) */
#pragma once
#include "core/machine.h"
#include "core/maths.h"

enum { FRAME_POISON = 0xf5, FRAME_LARGE = 512 };
struct frame_use { uint32_t refs; struct container_id owner; };

struct frame_abs { MAP(struct frame_id, struct frame_use) used; VAR(uint32_t) peak; };

enum ukern_status frame_init(void) must_use; /* NOMEM (arena) */
enum ukern_status frame_alloc(struct container_id who, struct frame_id *ret_frame) must_use;
enum ukern_status frame_alloc_run(struct container_id who, uint32_t want, struct frame_id *ret_first, uint32_t *ret_count) must_use;
enum ukern_status frame_alloc_large(struct container_id who, struct frame_id *ret_first) must_use;
void frame_clear(struct frame_id first, uint32_t count);
enum ukern_status frame_ref(struct frame_id f) must_use;
enum ukern_status frame_drop(struct frame_id f, bool *ret_free);
uint32_t frame_refs(struct frame_id f);
struct container_id frame_owner(struct frame_id f);
uint32_t frame_used(void);
uint32_t frame_peak(void);
uint32_t frame_usable(void);
struct frame_piece { struct frame_id first; uint32_t count; uint64_t next[2]; }; /* next: frame.c's own cursor */
bool frame_peek_piece(struct frame_piece *at);
