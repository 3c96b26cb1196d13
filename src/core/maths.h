/* SPDX-License-Identifier: BSD-2-Clause */
/* maths: finite maps, of which abstract states consist, and the journal of what changes in them.      Row core/maths
 *
 *     struct frame_abs { MAP(struct frame_id, struct frame_use) used; VAR(uint32_t) total; };
 *
 * State       a map: key -> value, keys of at most 8 bytes, values of at most 24, compared as bytes (no padding in them);
 *             a variable is a map with the one key 0
 * Journal     every change is appended to the journal of the kernel thread that makes it: map, key, before, after. That one
 *             list says where the relation is compared, what a report shows, and how a step is taken back
 * Primitives  map_init, map_at, map_put; map_hash: of the content, in any order
 *             map_next, map_next_absent: for keys that are small numbers; from the first question on the map keeps the sets of
 *             numbers that are its keys and that are not, so that the answer costs a few words
 *             change_undo: false, and nothing is done, when somebody has changed that key since; change_redo
 *             change_text: "frame.used[3] : - -> 1,0"
 * Invariants  open addressing, linear probing: no free slot lies between a key's home and its place; at most 3/4 are full
 * Memory      tables and journals live in the machine's check_heap; a full heap ends the machine there
 * Names       map_init, map_at, map_put, map_next, map_next_absent, map_hash, map_slot_key, map_same, change_undo, change_redo,
 *             change_text
 * Lock        none: core/calculus locks the component that a map belongs to
 *
 * The fast build sees the types and nothing else: no object of this file is in it. */
#pragma once
#include "core/bits.h"

enum { MAP_VALUE = 24 };

struct map {
    const char *name;
    unsigned char *slots;     /* [1 << log2]: key, full, value; NULL until something is put */
    uint32_t vsize, stride, log2;
    bool wide;                /* the value is one uint64_t */
    size_t size;
    bool numbered;            /* somebody has asked for the next key: */
    struct bits present, absent;
    struct map *next;         /* all maps of a machine, in the order of their init */
};

struct change {
    struct map *map;
    uint64_t key;
    bool had, has; /* whether there was something before, is something after */
    unsigned char old[MAP_VALUE], new[MAP_VALUE];
};

struct journal {
    struct change *at;
    size_t n, room;
};

/* What the maps of a machine share. */
struct maths {
    struct check_heap heap;
    struct map *first, **last;
};

#define MAP(K, V) struct { struct map m; K *k; V *v; }
#define VAR(V) MAP(uint64_t, V)

#ifdef UKERN_CHECK
void map_init(struct map *m, const char *name, size_t key_size, size_t value_size, bool wide);
const void *map_at(const struct map *m, uint64_t key); /* its value, or NULL; until the next change of this map */
void map_put(struct map *m, uint64_t key, const void *value); /* NULL: takes it away */
uint64_t map_next(struct map *m, uint64_t from);       /* the lowest key >= from; UINT64_MAX: there is none */
uint64_t map_next_absent(struct map *m, uint64_t from); /* the lowest number >= from that is no key */
uint64_t map_hash(const struct map *m);
bool map_slot_key(const struct map *m, size_t slot, uint64_t *ret_key); /* false: the slot is free */
bool change_undo(const struct change *c) must_use;
void change_redo(const struct change *c);
int change_text(const struct change *c, char *text, size_t size); /* as snprintf */
#endif
