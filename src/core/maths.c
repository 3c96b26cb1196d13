/* SPDX-License-Identifier: BSD-2-Clause */
/* maths: see maths.h. Deletion shifts back what follows, so that there are no marks of what was. */
#include "core/maths.h"
#include <stdio.h>

enum { VALUE_AT = 12, FIRST_LOG2 = 2 };

void map_init(struct map *m, const char *name, size_t key_size, size_t value_size, bool wide)
{
    struct maths *all = here->m->maths;
    CHECK(key_size <= 8, "key of %s: at most 8 bytes expected, it has %zu", name, key_size);
    CHECK(value_size <= MAP_VALUE, "value of %s: at most %d bytes expected, it has %zu", name, MAP_VALUE, value_size);
    *m = (struct map){ .name = name, .vsize = (uint32_t)value_size, .wide = wide, .log2 = FIRST_LOG2,
                       .absent.rest = true, .stride = (uint32_t)round_up(VALUE_AT + value_size, 8) };
    *all->last = m;
    all->last = &m->next;
}

/* ---- slots: 8 bytes of key, 4 that say whether it is full, the value ---- */

static unsigned char *slot_at(const struct map *m, size_t i) { return m->slots + i * m->stride; }
static size_t slots_of(const struct map *m) { return (size_t)1 << m->log2; }

static bool slot_full(const struct map *m, size_t i)
{
    uint32_t full;
    memcpy(&full, slot_at(m, i) + 8, sizeof full);
    return full != 0;
}

static uint64_t slot_key(const struct map *m, size_t i)
{
    uint64_t key;
    memcpy(&key, slot_at(m, i), sizeof key);
    return key;
}

static void slot_fill(struct map *m, size_t i, uint64_t key, const void *value)
{
    uint32_t full = 1;
    memcpy(slot_at(m, i), &key, sizeof key);
    memcpy(slot_at(m, i) + 8, &full, sizeof full);
    memcpy(slot_at(m, i) + VALUE_AT, value, m->vsize);
}

static void slot_clear(struct map *m, size_t i) { memset(slot_at(m, i), 0, m->stride); }

/* ---- where a key is ---- */

static size_t home(const struct map *m, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - m->log2)); /* Fibonacci hashing (Knuth 6.4) */
}

static size_t after(const struct map *m, size_t i) { return (i + 1) & (slots_of(m) - 1); }

/* The key's slot, or the free one where it would go. */
static size_t find(const struct map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (slot_full(m, i) && slot_key(m, i) != key)
        i = after(m, i);
    return i;
}

const void *map_at(const struct map *m, uint64_t key)
{
    if (!m->slots)
        return NULL;
    size_t i = find(m, key);
    return slot_full(m, i) ? slot_at(m, i) + VALUE_AT : NULL;
}

bool map_slot_key(const struct map *m, size_t slot, uint64_t *ret_key)
{
    if (!m->slots || !slot_full(m, slot))
        return false;
    *ret_key = slot_key(m, slot);
    return true;
}

/* ---- changes ---- */

static void grow(struct map *m)
{
    struct check_heap *h = &here->m->maths->heap;
    struct map old = *m;
    if (old.slots)
        m->log2++;
    /* Taken before anything is changed: a full heap ends the machine here, with the map as it was. */
    m->slots = check_heap_take(h, slots_of(m) * m->stride);
    for (size_t i = 0; old.slots && i < slots_of(&old); i++)
        if (slot_full(&old, i))
            memcpy(slot_at(m, find(m, slot_key(&old, i))), slot_at(&old, i), m->stride);
    check_heap_give(h, old.slots, slots_of(&old) * old.stride);
}

static void number(struct map *m, uint64_t key, bool is_key)
{
    if (!m->numbered)
        return;
    bits_put(&m->present, &here->m->maths->heap, key, is_key);
    bits_put(&m->absent, &here->m->maths->heap, key, !is_key);
}

static void put_in(struct map *m, uint64_t key, const void *value)
{
    if (!m->slots)
        grow(m);
    size_t i = find(m, key);
    if (!slot_full(m, i) && 4 * (m->size + 1) > 3 * slots_of(m)) {
        grow(m);
        i = find(m, key);
    }
    if (!slot_full(m, i)) {
        m->size++;
        number(m, key, true);
    }
    slot_fill(m, i, key, value);
}

/* Whether what lies at j may move to the free slot i before it: i is not before its home. */
static bool may_move(const struct map *m, size_t i, size_t j)
{
    size_t h = home(m, slot_key(m, j));
#ifdef UKERN_BUG_CALC_SHIFT
    return h <= i || h > j;
#else
    return i <= j ? (h <= i || h > j) : (h <= i && h > j);
#endif
}

static void take_out(struct map *m, uint64_t key)
{
    if (!map_at(m, key))
        return;
    size_t i = find(m, key);
    m->size--;
    number(m, key, false);
    for (size_t j = after(m, i); slot_full(m, j); j = after(m, j))
        if (may_move(m, i, j)) {
            memcpy(slot_at(m, i), slot_at(m, j), m->stride);
            i = j;
        }
    slot_clear(m, i);
}

static void put(struct map *m, uint64_t key, bool has, const void *value)
{
    if (has)
        put_in(m, key, value);
    else
        take_out(m, key);
}

static void journal_add(const struct change *c)
{
    struct journal *j = here->journal;
    if (j->n == j->room)
        j->at = check_heap_grow(&here->m->maths->heap, j->at, sizeof *j->at, &j->room);
    j->at[j->n++] = *c;
}

void map_put(struct map *m, uint64_t key, const void *value)
{
    struct change c = { .map = m, .key = key, .has = value != NULL };
    const void *old = map_at(m, key);
    c.had = old != NULL;
    if (old)
        memcpy(c.old, old, m->vsize);
    if (value)
        memcpy(c.new, value, m->vsize);
    if (c.had == c.has && memcmp(c.old, c.new, m->vsize) == 0)
        return; /* no change leaves no footprint */
#ifdef UKERN_BUG_CALC_JOURNAL_LOST
    if (c.had || !c.has)
#endif
    journal_add(&c);
    put(m, key, c.has, c.new);
}

bool change_undo(const struct change *c)
{
    const void *now = map_at(c->map, c->key);
    if ((now != NULL) != c->has || (now && memcmp(now, c->new, c->map->vsize) != 0))
        return false;
    put(c->map, c->key, c->had, c->old);
    return true;
}

void change_redo(const struct change *c)
{
    put(c->map, c->key, c->has, c->new);
    journal_add(c);
}

/* ---- questions ---- */

/* Once for each map of which it is asked; number() keeps it true from then on. */
static void number_all(struct map *m)
{
    if (m->numbered)
        return;
    m->numbered = true;
    for (size_t i = 0; m->slots && i < slots_of(m); i++)
        if (slot_full(m, i))
            number(m, slot_key(m, i), true);
}

uint64_t map_next(struct map *m, uint64_t from)
{
    number_all(m);
    return bits_next(&m->present, from);
}

uint64_t map_next_absent(struct map *m, uint64_t from)
{
    number_all(m);
    return bits_next(&m->absent, from);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t map_hash(const struct map *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; m->slots && i < slots_of(m); i++) {
        if (!slot_full(m, i))
            continue;
        uint64_t word[MAP_VALUE / 8] = { 0 }, h = mix(slot_key(m, i) + 1);
        memcpy(word, slot_at(m, i) + VALUE_AT, m->vsize);
        for (size_t k = 0; k < COUNT_OF(word); k++)
            h = mix(h ^ word[k]) + k + 1;
        sum += h; /* a sum: the order of the slots says nothing */
    }
    return sum;
}

/* ---- text ---- */

static int words_text(const unsigned char *bytes, size_t n, bool wide, char *text, size_t size)
{
    int at = 0;
    size_t step = wide ? 8 : 4;
    for (size_t i = 0; i < n; i += step) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < step ? n - i : step);
        at += snprintf(text + at, (size_t)at < size ? size - (size_t)at : 0, word >> 16 ? "%s0x%llx" : "%s%llu", i ? "," : "",
                       (unsigned long long)word);
        if ((size_t)at >= size)
            break;
    }
    return at;
}

int change_text(const struct change *c, char *text, size_t size)
{
    char key[48], before[120] = "-", after_text[120] = "-";
    words_text((const unsigned char *)&c->key, c->key >> 32 ? 8 : 4, false, key, sizeof key);
    if (c->had)
        words_text(c->old, c->map->vsize, c->map->wide, before, sizeof before);
    if (c->has)
        words_text(c->new, c->map->vsize, c->map->wide, after_text, sizeof after_text);
    return snprintf(text, size, "%s[%s] : %s -> %s", c->map->name, key, before, after_text);
}
