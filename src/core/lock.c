/* SPDX-License-Identifier: BSD-2-Clause */
/* lock: the contended path, and the check build's rules. */
#include "core/lock.h"

void lock_wait(struct lock *l, uint16_t ticket)
{
#ifdef UKERN_BUG_LOCK_IMPATIENT
    return;
#endif
    for (uint32_t turns = 1; atomic_load_explicit(&l->serving, memory_order_acquire) != ticket; turns++) {
        engine_point(POINT_SPIN, 0, 0);
#ifdef UKERN_CHECK
        if (machine_is_broken(here->m)) /* the holder may be the CPU that has parked */
            here->m->ops->park(here);
#endif
        here->m->ops->spin(here, turns);
    }
}

#ifdef UKERN_CHECK
static const char *const names[] = { LAYER_NAMES };

static void lock_note(struct lock *l)
{
    struct cpu *c = here;
    uint32_t n = c->held_count;
    CHECK(n < COUNT_OF(c->held), "%u locks held at once", n);
    CHECK(l->holder == NO_ID, "lock of %s is held by cpu%u", names[l->rank], l->holder);
    c->held[n] = l->rank;
    c->held_count = n + 1;
    l->holder = c->id;
    EVENT_POINT(l->rank);
}

void lock_taken(struct lock *l)
{
    struct cpu *c = here;
    uint32_t n = c->held_count;
    CHECK(n == 0 || l->rank < c->held[n - 1], "lock of %s taken while holding that of %s: only ever go down src/LAYERS",
          names[l->rank], names[c->held[n - 1]]);
    lock_note(l);
}

void lock_taken_second(struct lock *l)
{
    struct cpu *c = here;
    uint32_t n = c->held_count;
    CHECK(n > 0 && l->rank == c->held[n - 1], "second lock of a pair: its rank is %s's, that of the first is not", names[l->rank]);
    CHECK(n < 2 || l->rank < c->held[n - 2], "a pair of locks of %s taken while holding a third", names[l->rank]);
    lock_note(l);
}

void lock_giving(struct lock *l)
{
    struct cpu *c = here;
    CHECK(l->holder == c->id, "lock of %s given by cpu%u, held by cpu%d", names[l->rank], c->id, (int)l->holder);
    CHECK(c->held_count > 0 && c->held[c->held_count - 1] == l->rank, "lock of %s is not the innermost", names[l->rank]);
    c->held_count--;
    l->holder = NO_ID;
}

bool lock_held(const struct lock *l) { return l->holder == here->id; }
#endif
