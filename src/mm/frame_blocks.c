/* SPDX-License-Identifier: BSD-2-Clause */
/* frame_blocks: see frame_inside.h. */
#include "mm/frame_inside.h"

bool frame_blocks_init(struct frame_blocks *b, struct arena *a, uint32_t limit)
{
    uint32_t *next = arena_array(a, uint32_t, limit), *prev = arena_array(a, uint32_t, limit);
    uint8_t *order = arena_array(a, uint8_t, limit);
    if (!next || !prev || !order)
        return false;
    *b = (struct frame_blocks){ .limit = limit, .next = next, .prev = prev, .order = order };
    memset(b->head, 0xff, sizeof b->head);
    memset(order, FRAME_NOT_A_BLOCK, limit);
    return true;
}

static void block_link(struct frame_blocks *b, uint32_t n, uint32_t order)
{
    b->order[n] = (uint8_t)order;
    b->prev[n] = NO_ID;
    b->next[n] = b->head[order];
    if (b->head[order] != NO_ID)
        b->prev[b->head[order]] = n;
    b->head[order] = n;
    b->nonempty |= 1u << order;
}

static void block_unlink(struct frame_blocks *b, uint32_t n)
{
    uint32_t order = b->order[n], next = b->next[n], prev = b->prev[n];
    b->order[n] = FRAME_NOT_A_BLOCK;
    if (next != NO_ID)
        b->prev[next] = prev;
    if (prev != NO_ID) {
        b->next[prev] = next;
        return;
    }
    b->head[order] = next;
    if (next == NO_ID)
        b->nonempty &= ~(1u << order);
}

/* A block joins its buddy as long as that is free, too. */
static void block_add(struct frame_blocks *b, uint32_t n, uint32_t order)
{
    for (; order < FRAME_ORDERS - 1; order++) {
        uint32_t buddy = n ^ (1u << order);
        if (buddy >= b->limit || b->order[buddy] != order)
            break;
        block_unlink(b, buddy);
        n &= ~(1u << order);
    }
    block_link(b, n, order);
}

static uint32_t order_of_highest_bit(uint32_t x) { return 31 - (uint32_t)__builtin_clz(x); }
static uint32_t order_of_lowest_bit(uint32_t x) { return (uint32_t)__builtin_ctz(x); }

void frame_blocks_add(struct frame_blocks *b, uint32_t first, uint32_t n)
{
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

/* The smallest block that is long enough, else the largest. */
static uint32_t block_for(const struct frame_blocks *b, uint32_t want)
{
    uint32_t enough = want > 1 ? order_of_highest_bit(want - 1) + 1 : 0;
    uint32_t fitting = enough < FRAME_ORDERS ? b->nonempty >> enough << enough : 0;
    return b->head[fitting ? order_of_lowest_bit(fitting) : order_of_highest_bit(b->nonempty)];
}

uint32_t frame_blocks_take(struct frame_blocks *b, uint32_t want, uint32_t *ret_first)
{
    if (b->nonempty == 0)
        return 0;
    uint32_t first = block_for(b, want), count = 0;
    do { /* when it is not long enough, the blocks that happen to follow it are taken, too */
        uint32_t order = b->order[first + count];
        block_unlink(b, first + count);
        count += 1u << order;
    } while (count < want && first + count < b->limit && b->order[first + count] != FRAME_NOT_A_BLOCK);
    if (count > want) {
#ifndef UKERN_BUG_MM_RUN_END
        frame_blocks_add(b, first + want, count - want);
#else
        frame_blocks_add(b, first + want - 1, count - want + 1);
#endif
        count = want;
    }
    *ret_first = first;
    return count;
}
