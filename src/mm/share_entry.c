/* SPDX-License-Identifier: BSD-2-Clause */
/* share_entry: see share_entry.h. An open hash table, at most two thirds full, linear probing; whoever goes is closed up
 * behind, so that there are no tombstones. */
#include "mm/share_entry.h"
#include "core/calculus.h"

enum { SHARE_ENTRIES_PER_MAP = 64 };

struct share_slot {
    uint64_t key; /* i << 32 | j; 0: nothing, as i != j */
    struct share_entry e;
};

struct share_entry_state {
    uint32_t maps, limit, count, mask;
    struct share_slot *slot; /* [mask + 1] */
    uint32_t *uses;          /* [maps]: entries in which a space takes part */
};

enum ukern_status share_entry_init(void)
{
    struct ukern *m = here->m;
    uint32_t maps = machine_maps(m), limit = maps * SHARE_ENTRIES_PER_MAP, slots = 64;
    while (slots < limit + limit / 2)
        slots *= 2;
    struct share_entry_state *s = arena_array(&m->arena, struct share_entry_state, 1);
    struct share_slot *slot = s ? arena_array(&m->arena, struct share_slot, slots) : NULL;
    uint32_t *uses = slot ? arena_array(&m->arena, uint32_t, maps) : NULL;
    if (!uses)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for mm/share_entry (%u entries)", limit);
    *s = (struct share_entry_state){ .maps = maps, .limit = limit, .mask = slots - 1, .slot = slot, .uses = uses };
    m->share_entry = s;
    return UKERN_OK;
}

static uint64_t share_key(struct share_pair p) { return (uint64_t)p.i.n << 32 | p.j.n; }
static uint32_t share_home(const struct share_entry_state *s, uint64_t key)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & s->mask;
}

/* Where the pair is, or where it would go. */
static uint32_t share_place(const struct share_entry_state *s, uint64_t key)
{
    uint32_t at = share_home(s, key);
    while (s->slot[at].key != 0 && s->slot[at].key != key)
        at = (at + 1) & s->mask;
    return at;
}

struct share_entry share_entry_get(struct share_pair p)
{
    const struct share_entry_state *s = here->m->share_entry;
    const struct share_slot *slot = &s->slot[share_place(s, share_key(p))];
    return slot->key ? slot->e : SHARE_BOOT;
}

static void share_count(struct share_entry_state *s, struct share_pair p, uint32_t by)
{
    s->count += by;
    s->uses[p.i.n] += by;
    s->uses[p.j.n] += by;
}

/* The place becomes free; what was pushed behind it by it moves up. */
static void share_close_up(struct share_entry_state *s, uint32_t hole)
{
#ifndef UKERN_BUG_MM_SHARE_HOLE
    for (uint32_t at = (hole + 1) & s->mask; s->slot[at].key; at = (at + 1) & s->mask) {
        uint32_t home = share_home(s, s->slot[at].key);
        if (((at - home) & s->mask) >= ((at - hole) & s->mask)) {
            s->slot[hole] = s->slot[at];
            hole = at;
        }
    }
#endif
    s->slot[hole] = (struct share_slot){ 0 };
}

enum ukern_status share_entry_set(struct share_pair p, struct share_entry e)
{
    struct share_entry_state *s = here->m->share_entry;
    uint32_t at = share_place(s, share_key(p));
    bool boot = e.state == SHARE_DEAD && e.seen == 1 && e.va == 0, there = s->slot[at].key != 0;
    if (!there && !boot) {
        if (s->count == s->limit)
            return UKERN_NOMEM;
        share_count(s, p, 1);
    }
    if (boot && there) {
        share_count(s, p, UINT32_MAX);
        share_close_up(s, at);
    }
    if (!boot)
        s->slot[at] = (struct share_slot){ share_key(p), e };
    return UKERN_OK;
}

enum ukern_status share_entry_next(struct space_id i, uint32_t from, struct space_id *ret_j)
{
    const struct share_entry_state *s = here->m->share_entry;
    uint32_t lowest = NO_ID;
    for (uint32_t at = 0; i.n < s->maps && s->uses[i.n] > 0 && at <= s->mask; at++) {
        uint32_t a = (uint32_t)(s->slot[at].key >> 32), b = (uint32_t)s->slot[at].key, other = a == i.n ? b : a;
        if (s->slot[at].key && (a == i.n || b == i.n) && other >= from && other < lowest)
            lowest = other;
    }
    if (lowest == NO_ID)
        return UKERN_NOTFOUND;
    *ret_j = (struct space_id){ lowest };
    return UKERN_OK;
}

uint32_t share_entry_peek_count(void) { return here->m->share_entry->count; }
