/* SPDX-License-Identifier: BSD-2-Clause */
/* bits: see bits.h. */
#include "core/bits.h"

enum { WORD = 6 }; /* a word has 2^6 bits */

static uint64_t words_in(uint64_t room, uint32_t k)
{
    uint64_t n = room >> (WORD * (k + 1));
    return n ? n : 1;
}

/* The levels that a set of this room has: up to the first that is one word. */
static uint32_t levels_in(uint64_t room)
{
    uint32_t k = 1;
    while (words_in(room, k - 1) > 1)
        k++;
    return k;
}

static uint64_t bit(uint64_t i) { return UINT64_C(1) << (i & 63); }

static void write(uint64_t *words, uint64_t i, bool set)
{
    words[i >> WORD] = set ? words[i >> WORD] | bit(i) : words[i >> WORD] & ~bit(i);
}

static void summarize(struct bits *b)
{
    for (uint32_t k = 1; k < levels_in(b->room); k++)
        for (uint64_t w = 0; w < words_in(b->room, k - 1); w++)
            write(b->level[k], w, b->level[k - 1][w] != 0);
}

static void grow(struct bits *b, struct check_heap *h, uint64_t room)
{
    struct bits old = *b;
    b->room = room;
    for (uint32_t k = 0; k < levels_in(room); k++)
        b->level[k] = check_heap_take(h, words_in(room, k) * sizeof(uint64_t));
    memset(b->level[0], b->rest ? 0xff : 0, words_in(room, 0) * sizeof(uint64_t));
    if (old.room > 0)
        memcpy(b->level[0], old.level[0], words_in(old.room, 0) * sizeof(uint64_t));
    for (uint32_t k = 0; old.room > 0 && k < levels_in(old.room); k++)
        check_heap_give(h, old.level[k], words_in(old.room, k) * sizeof(uint64_t));
    summarize(b);
}

void bits_put(struct bits *b, struct check_heap *h, uint64_t i, bool member)
{
    CHECK(i >> 32 == 0, "a set of small numbers: below 2^32 expected, %llu came", (unsigned long long)i);
    uint64_t room = b->room ? b->room : 64;
    while (room <= i)
        room *= 2;
    if (room > b->room)
        grow(b, h, room);
    write(b->level[0], i, member);
    for (uint32_t k = 1; k < levels_in(b->room); k++) {
        i >>= WORD;
        write(b->level[k], i, b->level[k - 1][i] != 0);
#ifdef UKERN_BUG_BITS_SUMMARY
        if (!member)
            write(b->level[k], i, false);
#endif
    }
}

/* The lowest member in the part that is summarized by bit i of level k; that bit is set. */
static uint64_t lowest_below(const struct bits *b, uint32_t k, uint64_t i)
{
    while (k-- > 0)
        i = i << WORD | (uint64_t)__builtin_ctzll(b->level[k][i]);
    return i;
}

uint64_t bits_next(const struct bits *b, uint64_t from)
{
    uint64_t i = from;
    for (uint32_t k = 0; b->room > 0 && k < levels_in(b->room) && i >> WORD < words_in(b->room, k); k++) {
        uint64_t later = b->level[k][i >> WORD] & (UINT64_MAX << (i & 63));
        if (later != 0)
            return lowest_below(b, k, (i & ~UINT64_C(63)) | (uint64_t)__builtin_ctzll(later));
        i = (i >> WORD) + 1; /* the next word, in the level above */
    }
    if (!b->rest)
        return UINT64_MAX;
    return from < b->room ? b->room : from;
}
