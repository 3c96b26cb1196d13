/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_inside: the set of free frames, as a buddy system.                                          Row mm/frame
 *
 * State       blocks of 2^order free frames, aligned to their size. For each order the set of its blocks as a bitmap of several
 *             levels: a bit says whether a word of the level below has any, so the lowest block is found in a few steps
 * Primitives  frame_blocks_init   the empty set of frames below a limit
 *             frame_blocks_add    a run of frames becomes free, and joins what is free beside it
 *             frame_blocks_take   a run of free frames, as long as is wanted or as is found
 *             frame_blocks_order  the order of the block that begins at a frame
 *             frame_blocks_next   walks the blocks of one order
 * Invariants  no two blocks overlap; two buddies are never both free blocks of one order: so an aligned run of 2^k free frames
 *             always lies in one block
 * Cost        at most a step per order and level, not per frame; a machine that was just made has touched a few pages
 * Lock        the caller's */
#pragma once
#include "core/arena.h"
#include <stdatomic.h>

enum {
    FRAME_ORDERS = 21, /* blocks of 1 frame to 4 GiB */
    FRAME_LEVELS = 6,  /* 64^6 bits are more than there are frames */
    FRAME_NOT_A_BLOCK = 0xff
};

/* Which run frame_blocks_take takes. */
enum frame_take {
    FRAME_TAKE_SCRAPS, /* from the smallest block: large ones stay whole           */
    FRAME_TAKE_RUN,    /* from the smallest block that is long enough, else the largest */
    FRAME_TAKE_LOWEST  /* from the lowest free frame on                            */
};

struct frame_bits {
    uint32_t levels;
    uint64_t *level[FRAME_LEVELS]; /* [0]: a bit per block; the last one is one word */
};

struct frame_blocks {
    _Atomic uint32_t frames;     /* (any) in all blocks; written under the caller's lock */
    uint32_t limit;              /* frames are below it */
    uint32_t nonempty;           /* bit k: there is a block of order k */
    struct frame_bits order[FRAME_ORDERS];
};

bool frame_blocks_init(struct frame_blocks *b, struct arena *a, uint32_t limit) must_use; /* false: the arena is full */
/* [first, first + n): none of them is in the set. */
void frame_blocks_add(struct frame_blocks *b, uint32_t first, uint32_t n);
/* How many were taken, 1 to want; 0: the set is empty. want > 0. */
uint32_t frame_blocks_take(struct frame_blocks *b, enum frame_take how, uint32_t want, uint32_t *ret_first) must_use;
/* 2^order frames, the first a multiple of it; false: there is no such run. */
bool frame_blocks_take_aligned(struct frame_blocks *b, enum frame_take how, uint32_t order, uint32_t *ret_first) must_use;
uint32_t frame_blocks_order(const struct frame_blocks *b, uint32_t first); /* FRAME_NOT_A_BLOCK: none begins there */
/* The first frame of the first block of that order that begins at `from` or above; NO_ID: none. */
uint32_t frame_blocks_next(const struct frame_blocks *b, uint32_t order, uint32_t from);
static inline uint32_t frame_blocks_count(const struct frame_blocks *b) { return atomic_load_explicit(&b->frames, memory_order_relaxed); }
/* Whether there is a block of at least `want` frames. */
bool frame_blocks_fit(const struct frame_blocks *b, uint32_t want);
