/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_inside: the set of free frames, as a buddy system.                                          Row mm/frame
 *
 * State       blocks of 2^order free frames, aligned to their size; the first frame of a block carries its order and links
 * Primitives  frame_blocks_init   the empty set of frames below a limit
 *             frame_blocks_add    a run of frames becomes free, and joins what is free beside it
 *             frame_blocks_take   a run of free frames, as long as is wanted or as is found
 * Invariants  no two blocks overlap; two buddies are never both free blocks of one order
 * Cost        at most a step per order, not per frame
 * Lock        the caller's */
#pragma once
#include "core/arena.h"

enum {
    FRAME_ORDERS = 21,        /* blocks of 1 frame to 4 GiB */
    FRAME_NOT_A_BLOCK = 0xff
};

struct frame_blocks {
    uint32_t limit;              /* frames are below it */
    uint32_t nonempty;           /* bit k: head[k] is a block */
    uint32_t head[FRAME_ORDERS]; /* NO_ID: no block of that order */
    uint32_t *next, *prev;       /* [limit], of a block's first frame; NO_ID ends the list */
    uint8_t *order;              /* [limit], of a block's first frame, else FRAME_NOT_A_BLOCK */
};

bool frame_blocks_init(struct frame_blocks *b, struct arena *a, uint32_t limit) must_use; /* false: the arena is full */
/* [first, first + n): none of them is in the set. */
void frame_blocks_add(struct frame_blocks *b, uint32_t first, uint32_t n);
/* How many were taken, 1 to want; 0: the set is empty. want > 0. */
uint32_t frame_blocks_take(struct frame_blocks *b, uint32_t want, uint32_t *ret_first) must_use;
