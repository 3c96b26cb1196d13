/* SPDX-License-Identifier: BSD-2-Clause */
/* floors: sides of bench/ref that one thread runs alone. */
#include "floors.h"
#include "ref/ref.h"
#include <stdio.h>
#include <stdlib.h>

enum { WALK_PAGES = 64, WORK_UNITS = 1000 };

static bool no_memory(char *ret_why)
{
    snprintf(ret_why, BENCH_WHY, "out of memory");
    return false;
}

/* A state of its own type, opened by `opener`, timed over `rounds`. */
#define STATEFUL(name, type, opener, rounds, closer)                                                                 \
    static bool name##_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip,         \
                            char *ret_why)                                                                           \
    {                                                                                                                \
        (void)place, (void)arg, (void)ret_skip;                                                                      \
        type *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);                                                     \
        if (!s || !(opener))                                                                                         \
            return free(s), no_memory(ret_why);                                                                      \
        *ret_state = s;                                                                                              \
        return true;                                                                                                 \
    }                                                                                                                \
    static bool name##_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)                                 \
    {                                                                                                                \
        (void)ret_why;                                                                                               \
        type *s = state;                                                                                             \
        uint64_t start = bench_now();                                                                                \
        rounds;                                                                                                      \
        *ret_ns = bench_now() - start;                                                                               \
        return true;                                                                                                 \
    }                                                                                                                \
    static void name##_close(void *state)                                                                            \
    {                                                                                                                \
        type *s = state;                                                                                             \
        closer;                                                                                                      \
        free(s);                                                                                                     \
    }

struct counted_lock {
    struct ref_lock lock;
    uint64_t counter;
};

static bool lock_clear(struct counted_lock *s)
{
    *s = (struct counted_lock){ 0 };
    return true;
}

STATEFUL(switch, struct ref_switch, ref_switch_open(s), ref_switch_rounds(s, n), ref_switch_close(s))
STATEFUL(trap, struct ref_trap, ref_trap_open(s), ref_trap_rounds(s, n), ref_trap_close(s))
STATEFUL(lock, struct counted_lock, lock_clear(s), ref_lock_rounds(&s->lock, &s->counter, n), (void)s)
STATEFUL(walk, struct ref_walk, ref_walk_open(s, WALK_PAGES), ref_walk_rounds(s, n), ref_walk_close(s))
STATEFUL(freelist, struct ref_frames, ref_frames_open(s), ref_frames_rounds(s, n), ref_frames_close(s))

#define STATELESS(name, rounds)                                                                                      \
    static bool name##_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)                                 \
    {                                                                                                                \
        (void)state, (void)ret_why;                                                                                  \
        uint64_t start = bench_now();                                                                                \
        rounds;                                                                                                      \
        *ret_ns = bench_now() - start;                                                                               \
        return true;                                                                                                 \
    }

STATELESS(getppid, ref_getppid_rounds(n))
STATELESS(malloc, ref_malloc_rounds(n))
STATELESS(work, ref_work_rounds(WORK_UNITS, n))
STATELESS(work_more, ref_work_rounds(WORK_UNITS * 12 / 10, n))

#define SIDE(symbol, stem, shown, text, ns, source)                                                                  \
    const struct bench_side symbol = { .name = shown, .what = text, .anchor_ns = ns, .anchor_source = source,        \
                                       .open = stem##_open, .run = stem##_run, .close = stem##_close };
#define PLAIN(symbol, stem, shown, text, ns, source)                                                                 \
    const struct bench_side symbol = { .name = shown, .what = text, .anchor_ns = ns, .anchor_source = source,        \
                                       .run = stem##_run };

SIDE(floor_switch, switch, "raw switch", "two contexts, callee-saved registers, pop+jmp: there and back", 3.40, "performance.md 2.1")
SIDE(floor_trap, trap, "raw trap", "on to another stack, one call through a table, and back", 0, NULL)
PLAIN(floor_getppid, getppid, "getppid", "Linux's cheapest system call", 76, "performance.md 2.1")
SIDE(floor_lock, lock, "ticket lock", "taken and given alone, one increment inside", 6.02, "performance.md 2.3")
SIDE(floor_walk, walk, "raw walk", "four dependent loads in x86-64 page tables", 7.7, "performance.md 2.4")
SIDE(floor_freelist, freelist, "free list", "one page out and in, a ticket lock on each", 12.1, "performance.md 2.4")
PLAIN(floor_malloc, malloc, "malloc", "malloc(4096) and free, not zeroed", 14.6, "performance.md 2.4")
PLAIN(floor_work, work, "work", "a fixed chain of dependent instructions", 0, NULL)
PLAIN(floor_work_more, work_more, "work + 20 %", "a fifth more of the same chain", 0, NULL)
