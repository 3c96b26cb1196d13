/* SPDX-License-Identifier: BSD-2-Clause */
/* bits: a set of small numbers that finds the next of its members at once.                               Row core/bits
 *
 * For         maps of the checker whose specs ask for "the lowest frame that is free": the answer costs a few words, whatever
 *             the size of the machine
 * State       level[0]: one bit for each number below `room`; level[k + 1]: one bit for each word of level[k], set when
 *             that word is not zero. From `room` on numbers are members when `rest` says so
 * Primitives  bits_put    i is a member from now on, or is none; the set grows as far as needed
 *             bits_next   the lowest member >= from; UINT64_MAX: there is none
 * Invariants  a bit of a level above is set exactly when its word is not zero; the uppermost level is one word
 * Limit       numbers below 2^32: a set takes room / 8 bytes of the check_heap, and a little
 * Lock        none: as the map's
 * Source      the 64-ary tree of summaries (van Emde Boas 1975, with words for recursion) */
#pragma once
#include "core/check_heap.h"

enum { BITS_LEVELS = 6 }; /* 64^6 > 2^32 */

struct bits {
    uint64_t *level[BITS_LEVELS];
    uint64_t room; /* a power of two, at least 64; 0: nothing was put yet */
    bool rest;
};

void bits_put(struct bits *b, struct check_heap *h, uint64_t i, bool member);
uint64_t bits_next(const struct bits *b, uint64_t from);
