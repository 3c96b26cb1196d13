/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_blocks: see frame_inside.h. */
#include "mm/frame_inside.h"

/* ---- a set of small integers, with its lowest member at hand ---- */

static bool bits_init(struct frame_bits *b, struct arena *a, uint64_t n)
{
    do {
        n = (n + 63) / 64;
        b->level[b->levels] = arena_array(a, uint64_t, n);
        if (!b->level[b->levels++])
            return false;
    } while (n > 1);
    return true;
}

static bool bits_has(const struct frame_bits *b, uint32_t i) { return b->level[0][i / 64] >> i % 64 & 1; }
static bool bits_empty(const struct frame_bits *b) { return b->level[b->levels - 1][0] == 0; }

static void bits_set(struct frame_bits *b, uint32_t i)
{
    for (uint32_t level = 0; level < b->levels; level++, i /= 64) {
        uint64_t *word = &b->level[level][i / 64], old = *word;
        *word = old | UINT64_C(1) << i % 64;
        if (old)
            return; /* the levels above know */
    }
}

static void bits_clear(struct frame_bits *b, uint32_t i)
{
    for (uint32_t level = 0; level < b->levels; level++, i /= 64) {
        uint64_t *word = &b->level[level][i / 64];
        *word &= ~(UINT64_C(1) << i % 64);
        if (*word)
            return;
    }
}

/* The lowest member of those below the i-th word of a level; there is one. */
static uint32_t bits_descend(const struct frame_bits *b, uint32_t level, uint32_t i)
{
    for (;; level--) {
        i = i * 64 + (uint32_t)__builtin_ctzll(b->level[level][i]);
        if (level == 0)
            return i;
    }
}

static uint32_t bits_lowest(const struct frame_bits *b) { return bits_descend(b, b->levels - 1, 0); }

/* The lowest member from i on; NO_ID: none below `limit`. */
static uint32_t bits_next(const struct frame_bits *b, uint32_t i, uint32_t limit)
{
    for (uint32_t level = 0; level < b->levels && i < limit; level++, i = i / 64 + 1, limit = (limit + 63) / 64) {
        uint64_t rest = b->level[level][i / 64] >> i % 64 << i % 64;
        if (!rest)
            continue;
        i = i / 64 * 64 + (uint32_t)__builtin_ctzll(rest);
        return level ? bits_descend(b, level - 1, i) : i;
    }
    return NO_ID;
}

/* ---- blocks ---- */

bool frame_blocks_init(struct frame_blocks *b, struct arena *a, uint32_t limit)
{
    *b = (struct frame_blocks){ .limit = limit };
    for (uint32_t k = 0; k < FRAME_ORDERS; k++) /* room for the buddy of the last block, too */
        if (!bits_init(&b->order[k], a, ((uint64_t)limit >> k) + 2))
            return false;
    return true;
}

static void block_link(struct frame_blocks *b, uint32_t n, uint32_t order)
{
    bits_set(&b->order[order], n >> order);
    b->nonempty |= 1u << order;
}

static void block_unlink(struct frame_blocks *b, uint32_t n, uint32_t order)
{
    bits_clear(&b->order[order], n >> order);
    if (bits_empty(&b->order[order]))
        b->nonempty &= ~(1u << order);
}

static void frames_count(struct frame_blocks *b, uint32_t by)
{
    atomic_store_explicit(&b->frames, frame_blocks_count(b) + by, memory_order_relaxed);
}

#ifdef UKERN_BUG_MM_BUDDY_NEXT
static uint32_t buddy_of(uint32_t n, uint32_t order) { return n + (1u << order); }
#else
static uint32_t buddy_of(uint32_t n, uint32_t order) { return n ^ 1u << order; }
#endif

/* A block joins its buddy as long as that is free, too. */
static void block_add(struct frame_blocks *b, uint32_t n, uint32_t order)
{
    for (; order < FRAME_ORDERS - 1 && bits_has(&b->order[order], buddy_of(n, order) >> order); order++) {
        block_unlink(b, buddy_of(n, order), order);
        n &= ~(1u << order);
    }
    block_link(b, n, order);
}

static uint32_t order_of_highest_bit(uint32_t x) { return 31 - (uint32_t)__builtin_clz(x); }
static uint32_t order_of_lowest_bit(uint32_t x) { return (uint32_t)__builtin_ctz(x); }
/* The order of the smallest block that has room for `want`. */
static uint32_t order_for(uint32_t want) { return want > 1 ? order_of_highest_bit(want - 1) + 1 : 0; }

void frame_blocks_add(struct frame_blocks *b, uint32_t first, uint32_t n)
{
    frames_count(b, n);
    while (n) { /* the largest block that is aligned and fits */
        uint32_t order = order_of_highest_bit(n);
        if (first && order_of_lowest_bit(first) < order)
            order = order_of_lowest_bit(first);
        if (order > FRAME_ORDERS - 1)
            order = FRAME_ORDERS - 1;
        block_add(b, first, order);
        first += 1u << order;
        n -= 1u << order;
    }
}

/* Bit k: there is a block of order k, and it is at least that order. */
static uint32_t orders_from(const struct frame_blocks *b, uint32_t order)
{
    return order < FRAME_ORDERS ? b->nonempty >> order << order : 0;
}

bool frame_blocks_fit(const struct frame_blocks *b, uint32_t want) { return orders_from(b, order_for(want)) != 0; }

/* The lowest block of the lowest of these orders; at least one. */
static uint32_t block_smallest(const struct frame_blocks *b, uint32_t orders)
{
    uint32_t order = order_of_lowest_bit(orders);
    return bits_lowest(&b->order[order]) << order;
}

/* The lowest block of any of these orders; at least one. */
static uint32_t block_lowest(const struct frame_blocks *b, uint32_t orders)
{
    uint32_t lowest = UINT32_MAX;
    for (; orders; orders &= orders - 1) {
        uint32_t n = block_smallest(b, orders);
        lowest = n < lowest ? n : lowest;
    }
    return lowest;
}

static uint32_t block_for(const struct frame_blocks *b, enum frame_take how, uint32_t want)
{
    uint32_t fitting = orders_from(b, order_for(want));
    if (how == FRAME_TAKE_LOWEST)
        return block_lowest(b, b->nonempty);
    if (how == FRAME_TAKE_SCRAPS)
        return block_smallest(b, b->nonempty);
    return block_smallest(b, fitting ? fitting : 1u << order_of_highest_bit(b->nonempty));
}

uint32_t frame_blocks_order(const struct frame_blocks *b, uint32_t first)
{
    if (first >= b->limit)
        return FRAME_NOT_A_BLOCK;
    for (uint32_t set = b->nonempty; set; set &= set - 1) {
        uint32_t order = order_of_lowest_bit(set);
        if (first & ((1u << order) - 1))
            break;
        if (bits_has(&b->order[order], first >> order))
            return order;
    }
    return FRAME_NOT_A_BLOCK;
}

/* The run of free blocks that begins at `first`, until it is long enough. Takes `want` of it; the rest stays free. */
static uint32_t blocks_cut(struct frame_blocks *b, uint32_t first, uint32_t want)
{
    uint32_t count = 0;
    for (uint32_t order; count < want && (order = frame_blocks_order(b, first + count)) != FRAME_NOT_A_BLOCK; count += 1u << order)
        block_unlink(b, first + count, order);
    frames_count(b, 0 - count);
    if (count <= want)
        return count;
#ifndef UKERN_BUG_MM_RUN_END
    frame_blocks_add(b, first + want, count - want);
#else
    frame_blocks_add(b, first + want - 1, count - want + 1);
#endif
    return want;
}

/* The first frame of the block that ends just below `first`; `first`: there is none. */
static uint32_t block_below(const struct frame_blocks *b, uint32_t first)
{
    for (uint32_t set = first ? b->nonempty : 0; set; set &= set - 1) {
        uint32_t order = order_of_lowest_bit(set);
        if (first & ((1u << order) - 1))
            break;
        if (bits_has(&b->order[order], (first >> order) - 1))
            return first - (1u << order);
    }
    return first;
}

uint32_t frame_blocks_take(struct frame_blocks *b, enum frame_take how, uint32_t want, uint32_t *ret_first)
{
    if (b->nonempty == 0)
        return 0;
    uint32_t first = block_for(b, how, want), block = first, below;
    if (how == FRAME_TAKE_RUN && !frame_blocks_fit(b, want)) /* what lies below the largest block makes it longer */
        for (; (below = block_below(b, first)) != first && block - first < want; first = below)
            ;
    *ret_first = first;
    return blocks_cut(b, *ret_first, want);
}

bool frame_blocks_take_aligned(struct frame_blocks *b, enum frame_take how, uint32_t order, uint32_t *ret_first)
{
    uint32_t fitting = orders_from(b, order);
    if (!fitting)
        return false;
    *ret_first = how == FRAME_TAKE_LOWEST ? block_lowest(b, fitting) : block_smallest(b, fitting);
    blocks_cut(b, *ret_first, 1u << order);
    return true;
}

uint32_t frame_blocks_next(const struct frame_blocks *b, uint32_t order, uint32_t from)
{
    uint32_t i = (uint32_t)(((uint64_t)from + (1u << order) - 1) >> order);
    uint32_t n = bits_next(&b->order[order], i, (b->limit >> order) + 1);
    return n == NO_ID ? NO_ID : n << order;
}
