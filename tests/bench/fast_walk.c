/* SPDX-License-Identifier: BSD-2-Clause */
/* fast_walk: the kernel's page walk and its reference, to be counted by callgrind.
 *
 * For tests/bench/fast_test.sh. Linked with bench/ref and src/mm/pt.c alone: what pt.c needs for making tables is here. */
#include "../../bench/ref/ref.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 16, PAGES = 8, ROUNDS = 1000 };

_Thread_local struct cpu *here;

uint64_t count_own_walk(uint32_t root);
uint64_t count_ref_walk(uint32_t root);

enum ukern_status container_alloc(struct container_id who, struct frame_id *ret_frame)
{
    struct ukern *m = here->m;
    (void)who;
    if (m->cpus == FRAMES) /* a count that nothing else needs here */
        return UKERN_NOMEM;
    *ret_frame = (struct frame_id){ m->frames - FRAMES + m->cpus++ };
    return UKERN_OK;
}

enum ukern_status container_free(struct frame_id f)
{
    (void)f;
    return UKERN_OK;
}

void frame_clear(struct frame_id first, uint32_t count) { (void)first, (void)count; } /* calloc's zeroes */

/* The walks that are counted: two loops that differ in the function they call, and in nothing else. */
__attribute__((noinline)) uint64_t count_own_walk(uint32_t root)
{
    struct frame_id frame = { 0 };
    uint32_t perm = 0;
    uint64_t va = 0;
    for (uint64_t n = ROUNDS; n; n--) {
        if (pt_read((struct frame_id){ root }, va, &frame, &perm) != UKERN_OK)
            abort();
        va = (uint64_t)((frame.n + perm) & (PAGES - 1)) << FRAME_SHIFT;
    }
    return frame.n;
}

__attribute__((noinline)) uint64_t count_ref_walk(uint32_t root)
{
    uint32_t frame = 0, perm = 0;
    uint64_t va = 0;
    for (uint64_t n = ROUNDS; n; n--) {
        if (ref_walk(root, va, &frame, &perm))
            abort();
        va = (uint64_t)((frame + perm) & (PAGES - 1)) << FRAME_SHIFT;
    }
    return frame;
}

static uint64_t count_reference(const struct ref_walk *w, uint64_t n)
{
    (void)n;
    return count_ref_walk(w->root);
}

int main(void)
{
    static struct ukern machine;
    static struct cpu cpu;
    struct ref_walk ref;
    struct frame_id root;
    machine.frames = 4 * FRAMES;
    machine.ram = calloc(machine.frames, FRAME_SIZE);
    cpu.m = &machine;
    here = &cpu;
    if (!machine.ram || !ref_walk_open(&ref, PAGES) || pt_new(&root) != UKERN_OK)
        return 1;
    for (uint32_t i = 0; i < PAGES; i++)
        if (pt_insert(root, (uint64_t)i << FRAME_SHIFT, (struct frame_id){ 4 + i }, PERM_WRITE | PERM_USER) != UKERN_OK)
            return 1;
    uint64_t own = count_own_walk(root.n), reference = ref_walk_in(&ref, count_reference, 0);
    ref_walk_close(&ref);
    free(machine.ram);
    here = NULL;
    printf("both walks end at frame %llu\n", (unsigned long long)own);
    return own == reference ? 0 : 1;
}
