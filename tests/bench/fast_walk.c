/* SPDX-License-Identifier: BSD-2-Clause */
/* fast_walk: the kernel's page walk and its reference, to be counted by callgrind, and timed.
 *
 * For tests/bench/fast_test.sh. Linked with bench/ref, src/mm/pt_entry.c and src/mm/pt_walk.c alone, as the fast build links
 * them. Without argument each walk is done 1000 times; with one (rounds) both are timed, and the ratio is printed. */
#include "../../bench/ref/ref.h"
#include "mm/pt_walk.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FRAMES = 16, PAGES = 8, ROUNDS = 1000 };

_Thread_local struct cpu *here;

uint64_t count_own_walk(uint32_t root, uint64_t rounds);
uint64_t count_ref_walk(uint32_t root, uint64_t rounds);

/* The walks that are counted: loops that differ in the function they call, and in nothing else. */
#define COUNTED(name, leaf_type, walk, entry)                                                                       \
    __attribute__((noinline)) uint64_t name(uint32_t root, uint64_t rounds)                                         \
    {                                                                                                               \
        struct leaf_type leaf = { 0 };                                                                              \
        uint64_t va = 0;                                                                                            \
        for (uint64_t n = rounds; n; n--) {                                                                         \
            leaf = walk;                                                                                            \
            if (!(leaf.entry & PTE_P))                                                                              \
                abort();                                                                                            \
            va = leaf.entry & (PAGES - 1) << FRAME_SHIFT;                                                           \
        }                                                                                                           \
        return leaf.entry;                                                                                          \
    }
COUNTED(count_own_walk, pt_leaf, pt_walk_leaf((struct frame_id){ root }, va), e.bits)
COUNTED(count_ref_walk, ref_leaf, ref_walk_leaf(root, va), entry)

static uint64_t count_reference(const struct ref_walk *w, uint64_t n) { return count_ref_walk(w->root, n); }

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Pages 0..PAGES-1 are frames 4, 5, ...; the tables are frames 0..3. */
static void map_pages(void)
{
    for (uint32_t level = 3; level > 0; level--)
        pt_entry_set((struct pte_at){ { 3 - level }, 0 }, (struct pte){ (uint64_t)(4 - level) << FRAME_SHIFT | PTE_P | PTE_W | PTE_U });
    for (uint32_t i = 0; i < PAGES; i++)
        pt_entry_set((struct pte_at){ { 3 }, i }, (struct pte){ (uint64_t)(4 + i) << FRAME_SHIFT | PTE_P | PTE_W | PTE_U | PTE_NX });
}

int main(int argc, char **argv)
{
    static struct ukern machine;
    static struct cpu cpu;
    struct ref_walk ref;
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : ROUNDS, best_own = UINT64_MAX, best_ref = UINT64_MAX, own = 0, reference = 0;
    machine.frames = FRAMES;
    machine.ram = aligned_alloc(FRAME_SIZE, (size_t)FRAMES * FRAME_SIZE);
    cpu.m = &machine;
    here = &cpu;
    if (!machine.ram || !ref_walk_open(&ref, PAGES))
        return 1;
    memset(machine.ram, 0, (size_t)FRAMES * FRAME_SIZE);
    map_pages();
    for (int turn = 0; turn < (argc > 1 ? 20 : 1); turn++) { /* in turns, so that what disturbs one disturbs the other */
        uint64_t start = now_ns();
        own = count_own_walk(0, rounds);
        uint64_t middle = now_ns();
        reference = ref_walk_in(&ref, count_reference, rounds);
        uint64_t end = now_ns();
        best_own = middle - start < best_own ? middle - start : best_own;
        best_ref = end - middle < best_ref ? end - middle : best_ref;
    }
    ref_walk_close(&ref);
    free(machine.ram);
    here = NULL;
    printf("both walks end at entry %#llx\n", (unsigned long long)own);
    if (argc > 1)
        printf("ns each: %.2f, reference %.2f, ratio %.3f\n", (double)best_own / (double)rounds, (double)best_ref / (double)rounds,
               (double)best_own / (double)best_ref);
    return own == reference ? 0 : 1;
}
