/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/pt_kern: the direct map of every frame, the same in all maps, and who has which root. */
#include "mm/pt_kern.h"
#include "mm/processor.h"
#include "mm/tables.h"
#include <stdio.h>
#include <time.h>

static struct ukern *machine_of(uint64_t frames, enum ukern_limits limits)
{
    struct ukern *m = NULL;
    struct ukern_params p = { .ram = frames * FRAME_SIZE, .max_tasks = 5, .max_vms = 2, .limits = limits };
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    return m;
}

static void direct_map_has(uint32_t root, uint32_t frame)
{
    uint64_t va = PT_KERNEL_BASE + (uint64_t)frame * FRAME_SIZE, frames = here->m->frames;
    bool tail = frame >= frames - frames % 512;
    struct pt_leaf leaf = pt_kern_read(va);
    struct processor_page p = { 0 };
    ck_assert_uint_eq(leaf.level, tail ? 0 : 1);
    ck_assert((leaf.e.bits & ~PTE_FRAME) == (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX | (tail ? 0 : PTE_PS)));
    ck_assert_uint_eq(pte_frame(leaf.e).n, tail ? frame : frame & ~511u);
    if (root == NO_ID)
        return;
    ck_assert(processor_walk(root, va, &p));
    ck_assert(p.frame == frame && p.perm == PERM_WRITE && p.order == (tail ? 0 : 9) && p.accessed && p.dirty);
    struct pt_leaf own = pt_walk_leaf((struct frame_id){ root }, va);
    ck_assert(own.e.bits == leaf.e.bits && own.level == leaf.level);
}

static void direct_map_ends(uint32_t root)
{
    uint64_t end = (uint64_t)here->m->frames << FRAME_SHIFT;
    const uint64_t beyond[] = { end, end + 4095, round_up(end, 1 << 21), round_up(end, 1 << 30), UINT64_C(1) << 39, (UINT64_C(1) << 47) - 1 };
    for (uint32_t i = 0; i < COUNT_OF(beyond); i++) {
        struct processor_page p;
        if (beyond[i] < end)
            continue;
        ck_assert(pt_kern_read(PT_KERNEL_BASE + beyond[i]).e.bits == 0);
        ck_assert(root == NO_ID || !processor_walk(root, PT_KERNEL_BASE + beyond[i], &p));
    }
}

START_TEST(the_direct_map_shows_every_frame)
{
    const uint32_t sizes[] = { 8, 511, 512, 513, 1023, 1024, 3 * 512 + 7, 262144 - 1, 262144, 262144 + 512, 262144 + 513 };
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ukern *m = machine_of(sizes[i], UKERN_LIMITS_OWN);
        struct harness_random r = { i };
        struct pt_id id = { 3 };
        ck_ok(pt_kern_new(id, ROOT_CONTAINER));
        uint32_t root = pt_kern_root(id).n, tables = frame_type_kernels();
        uint32_t step = sizes[i] > 4000 ? 509 : 1;
        for (uint32_t f = 0; f < sizes[i]; f += step)
            direct_map_has(root, f);
        for (uint32_t n = 0; n < 600; n++)
            direct_map_has(root, sizes[i] - 1 - (uint32_t)harness_below(&r, sizes[i] < 1100 ? sizes[i] : 1100));
        direct_map_ends(root);
        ck_assert_uint_eq(tables, 1 + (sizes[i] + 262143) / 262144 + (sizes[i] % 512 != 0));
        ck_assert_uint_eq(frame_used(), 1); /* the root: the other tables are the kernel's */
        harness_free(m);
    }
}
END_TEST

START_TEST(every_map_has_the_same_upper_half_and_an_empty_lower_one)
{
    struct ukern *m = machine_of(1500, UKERN_LIMITS_OWN);
    struct pt_id id = { 0 };
    for (; id.n < 7; id.n++) {
        ck_assert_uint_eq(pt_kern_root(id).n, NO_ID);
        ck_ok(pt_kern_new(id, ROOT_CONTAINER));
        struct frame_id root = pt_kern_root(id), first = pt_kern_root((struct pt_id){ 0 });
        ck_assert_uint_eq(pt_kern_payer(id).n, ROOT_CONTAINER.n);
        ck_assert(frame_refs(root) == 1 && frame_owner(root).n == ROOT_CONTAINER.n);
        for (uint32_t i = 0; i < 256; i++)
            ck_assert(pt_entry_get((struct pte_at){ root, i }).bits == 0);
        ck_assert(memcmp(frame_bytes(root) + 2048, frame_bytes(first) + 2048, 2048) == 0);
    }
    ck_assert_uint_eq(pt_kern_root(id).n, NO_ID);
    ck_assert_uint_eq(pt_kern_root((struct pt_id){ NO_ID }).n, NO_ID);
    struct frame_id old = pt_kern_root((struct pt_id){ 4 });
    pt_kern_end((struct pt_id){ 4 });
    ck_assert(pt_kern_root((struct pt_id){ 4 }).n == NO_ID && frame_refs(old) == 0);
    ck_ok(pt_kern_new((struct pt_id){ 4 }, ROOT_CONTAINER));
    for (id.n = 0; id.n < 7; id.n++)
        pt_kern_end(id);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(a_root_is_paid_for)
{
    struct ukern *m = machine_of(64, UKERN_LIMITS_OWN);
    struct container_id none = { 7 }, poor;
    struct pt_id id = { 1 };
    ck_ok(container_split(ROOT_CONTAINER, 1, &poor));
    ck_status(pt_kern_new(id, none), UKERN_BADARG);
    ck_ok(pt_kern_new(id, poor));
    ck_assert_uint_eq(pt_kern_payer(id).n, poor.n);
    ck_status(pt_kern_new((struct pt_id){ 2 }, poor), UKERN_NOMEM);
    ck_assert_uint_eq(pt_kern_root((struct pt_id){ 2 }).n, NO_ID);
    tables_leave_free(0);
    ck_status(pt_kern_new((struct pt_id){ 2 }, ROOT_CONTAINER), UKERN_NOMEM);
    pt_kern_end(id);
    ck_ok(container_revoke(poor));
    harness_free(m);
}
END_TEST

#ifndef UKERN_CHECK
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
#endif

/* 64 GiB: 66 tables. What they hold is looked at in steps; how long they take is printed, of the fast build. */
START_TEST(a_large_memory_needs_few_tables)
{
    uint32_t gib = harness_on_valgrind() ? 32 : 64; /* valgrind maps no more than 48 */
    struct ukern *m = machine_of(((uint64_t)gib << 18) + 3, UKERN_LIMITS_OWN);
    ck_assert_uint_eq(frame_type_kernels(), 1 + gib + 1 + 1);
    for (uint32_t f = 0; f < m->frames; f += 997)
        direct_map_has(NO_ID, f);
    for (uint32_t f = m->frames - 5; f < m->frames; f++)
        direct_map_has(NO_ID, f);
    direct_map_ends(NO_ID);
#ifndef UKERN_CHECK
    for (uint32_t i = 0; i < frame_type_kernels(); i++) /* as at boot: the host has no memory behind them yet */
        ram_forget(m, frame_type_kernel(i), 1);
    uint64_t start = cpu_ns();
    ck_ok(pt_kern_init()); /* once more, for the clock */
    printf("# pt_kern_init for %u GiB: %.2f ms\n", gib, (double)(cpu_ns() - start) / 1e6);
#endif
    harness_free(m);
}
END_TEST

START_TEST(mcertikos_has_64_maps)
{
    struct ukern *m = machine_of((1 << 18) + 1024, UKERN_LIMITS_MCERTIKOS);
    for (struct pt_id id = { 0 }; id.n < 64; id.n++)
        ck_ok(pt_kern_new(id, ROOT_CONTAINER));
    ck_assert_uint_eq(pt_kern_root((struct pt_id){ 64 }).n, NO_ID);
    direct_map_has(pt_kern_root((struct pt_id){ 63 }).n, 0);
    direct_map_has(pt_kern_root((struct pt_id){ 0 }).n, m->frames - 1);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/pt_kern", the_direct_map_shows_every_frame, every_map_has_the_same_upper_half_and_an_empty_lower_one, a_root_is_paid_for,
              a_large_memory_needs_few_tables, mcertikos_has_64_maps)
