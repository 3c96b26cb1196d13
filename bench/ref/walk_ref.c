/* SPDX-License-Identifier: BSD-2-Clause */
/* walk_ref: a software walk of four-level x86-64 page tables: four loads, each of which needs the one before. */
#include "ref.h"
#include <stdlib.h>
#include <string.h>

enum { PRESENT = 1, WRITE = 2, USER = 4, LARGE = 128, TABLE = 4096 };
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define NO_EXECUTE (UINT64_C(1) << 63)

/* No globals: a thread knows its CPU, a CPU its machine, a machine its memory. */
struct ref_cpu {
    struct ref_machine *machine;
};
struct ref_machine {
    uint8_t *ram;
};
extern __attribute__((visibility("hidden"))) _Thread_local struct ref_cpu *ref_walk_here;
_Thread_local struct ref_cpu *ref_walk_here;

static inline uint64_t entry_at(const uint8_t *ram, uint64_t table, uint64_t index)
{
    return ((const uint64_t *)(const void *)(ram + table))[index];
}

int ref_walk(uint32_t root, uint64_t va, uint32_t *ret_frame, uint32_t *ret_perm)
{
    if (__builtin_expect(va >> 47 != 0, 0))
        return 1;
    const uint8_t *ram = ref_walk_here->machine->ram;
    uint64_t e = entry_at(ram, (uint64_t)root << 12, va >> 39);
    if (__builtin_expect(!(e & PRESENT), 0))
        return 1;
    e = entry_at(ram, e & ADDRESS, va >> 30 & 511);
    if (__builtin_expect(!(e & PRESENT), 0))
        return 1;
    e = entry_at(ram, e & ADDRESS, va >> 21 & 511);
    if (__builtin_expect(!(e & PRESENT), 0))
        return 1;
    e = entry_at(ram, e & ADDRESS, va >> 12 & 511);
    if (__builtin_expect(!(e & PRESENT), 0))
        return 1;
    *ret_frame = (uint32_t)((e & ADDRESS) >> 12);
    *ret_perm = (uint32_t)((e >> 1 & 3) | (~e >> 63) << 2); /* write 1, user 2, execute 4 */
    return 0;
}

struct ref_leaf ref_walk_leaf(uint32_t root, uint64_t va)
{
    const uint8_t *ram = ref_walk_here->machine->ram;
    uint64_t e = entry_at(ram, (uint64_t)root << 12, va >> 39 & 511);
    if (__builtin_expect(!(e & PRESENT), 0))
        return (struct ref_leaf){ e, 3, 0 };
    e = entry_at(ram, e & ADDRESS, va >> 30 & 511);
    if (__builtin_expect(!(e & PRESENT), 0))
        return (struct ref_leaf){ e, 2, 0 };
    e = entry_at(ram, e & ADDRESS, va >> 21 & 511);
    if (__builtin_expect((e & (PRESENT | LARGE)) != PRESENT, 0))
        return (struct ref_leaf){ e, 1, 0 };
    return (struct ref_leaf){ entry_at(ram, e & ADDRESS, va >> 12 & 511), 0, 0 };
}

/* Tables for `pages` pages from 0, at most 512: root, two middle tables, one leaf table; page i is frame 4 + i. */
bool ref_walk_open(struct ref_walk *w, uint32_t pages)
{
    w->ram = aligned_alloc(TABLE, 4 * TABLE);
    if (!w->ram)
        return false;
    memset(w->ram, 0, 4 * TABLE);
    w->root = 0;
    w->pages = pages;
    uint64_t *table = (uint64_t *)(void *)w->ram;
    for (uint64_t level = 0; level < 3; level++)
        table[level * 512] = (level + 1) * TABLE | PRESENT | WRITE | USER;
    for (uint64_t i = 0; i < pages; i++)
        table[3 * 512 + i] = (4 + i) * TABLE | PRESENT | WRITE | USER | NO_EXECUTE;
    return true;
}

/* The caller's memory is the memory of this thread's machine while `use` runs. */
uint64_t ref_walk_in(const struct ref_walk *w, uint64_t (*use)(const struct ref_walk *w, uint64_t n), uint64_t n)
{
    struct ref_machine machine = { w->ram };
    struct ref_cpu cpu = { &machine };
    ref_walk_here = &cpu;
    uint64_t result = use(w, n);
    ref_walk_here = NULL;
    return result;
}

/* Each address depends on the frame found before, so walks cannot overlap. */
static uint64_t rounds(const struct ref_walk *w, uint64_t n)
{
    uint64_t va = 0;
    uint32_t frame = 0, perm = 0;
    for (; n; n--) {
        if (ref_walk(w->root, va, &frame, &perm))
            return 0;
        va = (uint64_t)((frame + perm) & (w->pages - 1)) * TABLE;
    }
    return frame;
}

uint64_t ref_walk_rounds(const struct ref_walk *w, uint64_t n)
{
    return ref_walk_in(w, rounds, n);
}

void ref_walk_close(struct ref_walk *w)
{
    free(w->ram);
}
