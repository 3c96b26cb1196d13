/* SPDX-License-Identifier: BSD-2-Clause */
/* own_core: functions of the kernel, called as the kernel calls them: the lock, the page walk, frames.
 *
 * They run inside a hosted task, where `here` is a CPU of a real machine; the task is alone on it, so reaching under the
 * kernel's calls disturbs nobody. */
#include "core/lock.h"
#include "floors.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include "mm/pt_bit.h"
#include "own_task.h"
#include <stdio.h>
#include <stdlib.h>

enum { WALK_PAGES = 64 }; /* as the floor has */

static int lock_rounds(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    _Alignas(64) struct lock l;
    uint64_t counter = 0;
    lock_init(&l, LAYER_core_lock);
    b->start = bench_now();
    for (uint64_t n = b->n; n; n--) {
        lock_take(&l);
        __atomic_store_n(&counter, __atomic_load_n(&counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
        lock_give(&l);
    }
    b->end = bench_now();
    return counter == b->n ? 0 : own_fail(b, "the count under a lock", UKERN_FAILED);
}

static int walk_rounds(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    struct pt_id id;
    struct frame_id frame = { 0 };
    uint32_t perm = 0, order;
    enum ukern_status st = pt_bit_take(&id);
    if (st == UKERN_OK)
        st = pt_new(id, ROOT_CONTAINER);
    for (uint32_t i = 0; st == UKERN_OK && i < WALK_PAGES; i++)
        st = pt_insert(id, (uint64_t)i << FRAME_SHIFT, (struct frame_id){ i + 4 }, PERM_WRITE | PERM_USER, 0);
    if (st != UKERN_OK)
        return own_fail(b, "making page tables", st);
    uint64_t va = 0;
    b->start = bench_now();
    for (uint64_t n = b->n; n && st == UKERN_OK; n--) {
        st = pt_read(id, va, &frame, &perm);
        va = (uint64_t)((frame.n + perm) & (WALK_PAGES - 1)) << FRAME_SHIFT;
    }
    b->end = bench_now();
    for (uint32_t i = 0; st == UKERN_OK && i < WALK_PAGES; i++)
        st = pt_remove(id, (uint64_t)i << FRAME_SHIFT, &frame, &order);
    if (st != UKERN_OK)
        return own_fail(b, "walking", st);
    pt_end(id);
    pt_bit_give(id);
    return 0;
}

static int frame_rounds(const struct ukern_start *start)
{
    struct own_block *b = own_block_of(start);
    struct frame_id frame;
    bool last;
    enum ukern_status st = UKERN_OK;
    b->start = bench_now();
    for (uint64_t n = b->n; n && st == UKERN_OK; n--) {
        st = frame_alloc(ROOT_CONTAINER, &frame);
        if (st == UKERN_OK)
            st = frame_drop(frame, &last);
    }
    b->end = bench_now();
    return st == UKERN_OK ? 0 : own_fail(b, "allocating a frame", st);
}

static const struct own_program programs[][2] = {
    { { "lock", lock_rounds, 0 }, { NULL, NULL, 0 } },
    { { "walk", walk_rounds, 0 }, { NULL, NULL, 0 } },
    { { "frame", frame_rounds, 0 }, { NULL, NULL, 0 } },
};
enum { LOCK, WALK, FRAME };

struct core_state {
    struct bench_place place;
    uint64_t which;
};

static bool core_open(const struct bench_place *place, uint64_t arg, void **ret_state, bool *ret_skip, char *ret_why)
{
    (void)ret_skip;
    struct core_state *s = malloc(sizeof *s);
    if (!s) {
        snprintf(ret_why, BENCH_WHY, "out of memory");
        return false;
    }
    *s = (struct core_state){ *place, arg };
    *ret_state = s;
    return true;
}

static bool core_run(void *state, uint64_t n, uint64_t *ret_ns, char *ret_why)
{
    struct core_state *s = state;
    return own_run(&s->place, programs[s->which], 0, n, ret_ns, NULL, ret_why);
}

#define SIDE(symbol, which, shown, text)                                                                            \
    const struct bench_side symbol = { .name = shown, .what = text, .open = core_open, .run = core_run,             \
                                       .close = free, .arg = which };

SIDE(own_lock, LOCK, "lock", "lock_take and lock_give, one increment inside")
SIDE(own_walk, WALK, "pt_read", "dependent reads of 64 pages")
SIDE(own_frame, FRAME, "frame", "frame_alloc and frame_drop, on the CPU's cache")
