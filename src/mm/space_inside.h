/* SPDX-License-Identifier: BSD-2-Clause */
/* space_inside: what space.c and space_map.c share: the table of spaces, and what changes pages under a space's lock.
 *                                                                                                      Row mm/space
 * Lock        struct space's lock guards its info, its map, and its window; the functions here want it held */
#pragma once
#include "core/lock.h"
#include "host/window.h"
#include "mm/container.h"
#include "mm/pt.h"
#include "mm/space.h"
#include <ukern/user.h>

enum { SPACE_PIECE = 512 }; /* pages that go in one shoot-down */

struct space {
    struct lock lock;
    _Atomic bool exists;      /* written under the lock; read without it by who keeps the space from ending */
    _Atomic uint32_t keeper;  /* CPU + 1 that holds the lock by space_hold */
    struct space_info info;
} __attribute__((aligned(64)));

struct space_cpu {
    struct space_page piece[SPACE_PIECE]; /* pages on their way home, in one call */
};

struct space_state {
    uint32_t count;
    struct space *space;   /* [count], by the number of the map */
    struct space_cpu *cpu; /* [cpus] */
};

static inline struct pt_id space_pt(struct space_id s) { return (struct pt_id){ s.n }; }
static inline uint64_t space_bytes(uint32_t order) { return (uint64_t)FRAME_SIZE << order; }
struct space *space_slot(struct space_id s); /* NULL: no such id */
bool space_exists(const struct space *p);    /* of a slot, or NULL */

/* Fresh pages where none are: `pages` of order 0, or the 512 of one of order 9. As space_map answers after its checks. */
enum ukern_status space_reserve(struct space_id s, uint64_t va, uint32_t pages, uint32_t perm, uint32_t order) must_use;
/* All pages that begin in [va, end) go; nobody sees them in the window any more. */
void space_take_out(struct space_id s, uint64_t va, uint64_t end);
