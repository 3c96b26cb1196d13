/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/space and host/window: random calls on two spaces against a model (pages of both, references of frames), what
 * the host can see through the windows, and every shortage: frames, slots, addresses, host mappings. */
#include "mm/space.h"
#include "core/sanitize.h"
#include "harness.h"
#include "host/ram.h"
#include "host/window.h"
#include "mm/frame.h"
#include "mm/container.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ukern/user.h>

/* Tests that take what the host's tools need for themselves. */
#if defined(__SANITIZE_THREAD__)
#define HOST_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOST_IS_OURS 0
#endif
#endif
#ifndef HOST_IS_OURS
#define HOST_IS_OURS (!SANITIZE_ADDRESS && !harness_on_valgrind())
#endif

/* ---- the model: three groups of pages in each of two spaces ---- */

enum { GROUPS = 3, GROUP = 16, PAGES = GROUPS * GROUP, SPACES = 2, RAM_FRAMES = 120 };
static const uint64_t group_page[GROUPS] = { 0, 512 - 8, (UKERN_WINDOW >> FRAME_SHIFT) - GROUP }; /* start, edge of a table, end */

struct page {
    bool mapped;
    uint32_t frame, perm;
};
struct model {
    struct space_id id[SPACES];
    struct page page[SPACES][PAGES];
    uint64_t stamp[RAM_FRAMES]; /* of frames that are mapped somewhere: their first and last word */
    uint64_t stamps;
};

static uint64_t page_va(uint32_t page) { return (group_page[page / GROUP] + page % GROUP) << FRAME_SHIFT; }

static uint32_t model_refs(const struct model *m, uint32_t frame)
{
    uint32_t refs = 0;
    for (uint32_t s = 0; s < SPACES; s++)
        for (uint32_t i = 0; i < PAGES; i++)
            refs += m->page[s][i].mapped && m->page[s][i].frame == frame;
    return refs;
}

static uint64_t *word_of(uint32_t frame, bool last)
{
    return (uint64_t *)(void *)(frame_bytes((struct frame_id){ frame }) + (last ? FRAME_SIZE - 8 : 0));
}

static void model_stamp(struct model *m, uint32_t frame)
{
    m->stamp[frame] = ++m->stamps;
    *word_of(frame, false) = *word_of(frame, true) = m->stamps;
}

static void agrees_at(struct model *m, uint32_t s, uint32_t i, bool look)
{
    const struct page *p = &m->page[s][i];
    struct frame_id f = { 4711 };
    uint32_t perm = 99;
    uint64_t va = page_va(i);
    ck_status(space_translate(m->id[s], va + 4095, &f, &perm), p->mapped ? UKERN_OK : UKERN_NOTFOUND);
    ck_assert(f.n == (p->mapped ? p->frame : 4711) && perm == (p->mapped ? p->perm : 99));
    uint64_t *shown = (uint64_t *)(void *)(space_base(m->id[s]) + va);
    bool visible = p->mapped && p->perm & PERM_USER;
    if (look) {
        ck_assert_int_eq(harness_readable(shown), visible);
        ck_assert_int_eq(harness_writable(shown), visible && p->perm & PERM_WRITE);
    }
    if (!visible)
        return;
    ck_assert_uint_eq(shown[0], m->stamp[p->frame]);
    ck_assert_uint_eq(shown[FRAME_SIZE / 8 - 1], m->stamp[p->frame]);
    if (p->perm & PERM_WRITE) { /* what the task writes is in the memory */
        shown[0] = shown[FRAME_SIZE / 8 - 1] = m->stamp[p->frame] = ++m->stamps;
        ck_assert_uint_eq(*word_of(p->frame, true), m->stamps);
    }
}

static void agrees(struct model *m, bool look)
{
    for (uint32_t s = 0; s < SPACES; s++)
        for (uint32_t i = 0; i < PAGES; i++)
            agrees_at(m, s, i, look);
    for (uint32_t f = 0; f < RAM_FRAMES; f++) {
        uint32_t refs = model_refs(m, f);
        ck_assert_msg(refs == 0 || frame_refs((struct frame_id){ f }) == refs, "frame %u has %u references, expected %u", f,
                      frame_refs((struct frame_id){ f }), refs);
    }
}

static bool model_any(const struct model *m, uint32_t s, uint32_t first, uint32_t n, bool mapped)
{
    for (uint32_t i = first; i < first + n; i++)
        if (m->page[s][i].mapped == mapped)
            return true;
    return false;
}

/* Takes over what space_map did: which frames is its choice. */
static void model_map(struct model *m, uint32_t s, uint32_t first, uint32_t n, uint32_t perm)
{
    static const uint8_t zero[FRAME_SIZE];
    for (uint32_t i = first; i < first + n; i++) {
        struct frame_id f;
        uint32_t got;
        ck_ok(space_translate(m->id[s], page_va(i), &f, &got));
        ck_assert_msg(model_refs(m, f.n) == 0, "frame %u is mapped elsewhere and came as a fresh page", f.n);
        ck_assert(memcmp(frame_bytes(f), zero, FRAME_SIZE) == 0);
        m->page[s][i] = (struct page){ true, f.n, perm };
        model_stamp(m, f.n);
    }
}

/* Runs of consecutive frames that are mapped somewhere, for space_map_frames. */
static uint32_t some_frames(const struct model *m, struct harness_random *r, uint32_t want, uint32_t *ret_first)
{
    uint32_t first = (uint32_t)harness_below(r, RAM_FRAMES), n = 0;
    while (n < want && first + n < RAM_FRAMES && model_refs(m, first + n))
        n++;
    *ret_first = first;
    return n;
}

static void step_map_frames(struct model *m, struct harness_random *r, uint32_t s, uint32_t first, uint32_t n, uint32_t perm)
{
    uint32_t frame, run = some_frames(m, r, n, &frame);
    uint64_t va = page_va(first);
    if (run == 0)
        return;
    n = run;
    if (model_any(m, s, first, n, true)) {
        ck_status(space_map_frames(m->id[s], va, (struct frame_id){ frame }, n, perm), UKERN_EXISTS);
        return;
    }
    enum ukern_status st = space_map_frames(m->id[s], va, (struct frame_id){ frame }, n, perm);
    ck_assert(st == UKERN_OK || (st == UKERN_NOMEM && frame_usable() - frame_used() < 4));
    for (uint32_t i = 0; st == UKERN_OK && i < n; i++)
        m->page[s][first + i] = (struct page){ true, frame + i, perm };
}

static void step(struct model *m, struct harness_random *r)
{
    uint32_t s = (uint32_t)harness_below(r, SPACES), at = (uint32_t)harness_below(r, GROUP);
    uint32_t first = (uint32_t)harness_below(r, GROUPS) * GROUP + at, n = 1 + (uint32_t)harness_below(r, GROUP - at);
    if (harness_below(r, 2) && n > 2)
        n = 2;
    uint32_t perm = (uint32_t)harness_below(r, PERM_ALL + 1) | (harness_below(r, 4) ? PERM_USER : 0);
    uint64_t va = page_va(first);
    enum ukern_status st;
    switch (harness_below(r, 5)) {
    case 0 ... 1:
        st = space_map(m->id[s], va, n, perm);
        if (model_any(m, s, first, n, true))
            ck_status(st, UKERN_EXISTS);
        else if (st == UKERN_OK)
            model_map(m, s, first, n, perm);
        else
            ck_assert(st == UKERN_NOMEM && frame_usable() - frame_used() < n + 4);
        break;
    case 2:
        step_map_frames(m, r, s, first, n, perm);
        break;
    default:
        st = space_unmap(m->id[s], va, n);
        ck_status(st, model_any(m, s, first, n, false) ? UKERN_NOTFOUND : UKERN_OK);
        for (uint32_t i = first; st == UKERN_OK && i < first + n; i++)
            m->page[s][i].mapped = false;
    }
}

START_TEST(random_calls_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct ukern *machine = harness_make(RAM_FRAMES * FRAME_SIZE);
        struct harness_random r = { seed };
        struct model m = { 0 };
        for (uint32_t s = 0; s < SPACES; s++)
            ck_ok(space_new(&m.id[s]));
        for (uint32_t i = 0, n = harness_rounds(1200); i < n; i++) {
            step(&m, &r);
            if (i % 6 == 0)
                agrees(&m, i % 96 == 0);
        }
        agrees(&m, true);
        space_destroy(m.id[0]);
        for (uint32_t i = 0; i < PAGES; i++)
            m.page[0][i].mapped = false;
        for (uint32_t i = 0; i < PAGES; i++)
            agrees_at(&m, 1, i, true);
        space_destroy(m.id[1]);
        ck_assert_uint_eq(frame_used(), 0);
        harness_free(machine);
    }
}
END_TEST

/* ---- wrong arguments ---- */

START_TEST(wrong_ranges_are_refused)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    static const struct { uint64_t va; uint32_t pages; } wrong[] = {
        { 0x1000, 0 }, { 1, 1 }, { 4095, 1 }, { UKERN_WINDOW, 1 }, { UKERN_WINDOW - 4096, 2 }, { UINT64_MAX - 4095, 1 },
        { UINT64_MAX - 4095, 2 }, { UINT64_C(1) << 47, 1 }, { UINT64_C(0xffff800000000000), 1 }, { 0, UINT32_MAX }, { 0, (1u << 20) + 1 },
        { UKERN_WINDOW - 4096, UINT32_MAX },
    };
    struct space_id s;
    struct frame_id f = { 4711 };
    uint32_t perm = 99;
    ck_ok(space_new(&s));
    ck_ok(space_map(s, 0, 4, PERM_USER));
    uint32_t used = frame_used();
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(space_map(s, wrong[i].va, wrong[i].pages, PERM_USER), UKERN_BADARG);
        ck_status(space_map_frames(s, wrong[i].va, f, wrong[i].pages, PERM_USER), UKERN_BADARG);
        ck_status(space_unmap(s, wrong[i].va, wrong[i].pages), UKERN_BADARG);
    }
    static const uint64_t outside[] = { UKERN_WINDOW, UINT64_MAX, UINT64_C(1) << 47, (UINT64_C(1) << 48) | 4096, UINT64_C(0xffff800000000000) };
    for (uint32_t i = 0; i < COUNT_OF(outside); i++)
        ck_status(space_translate(s, outside[i], &f, &perm), UKERN_NOTFOUND);
    ck_status(space_map(s, 0x10000, 1, PERM_ALL + 1), UKERN_BADARG);
    ck_status(space_map(s, 0, 1u << 20, PERM_USER), UKERN_EXISTS);
    ck_status(space_unmap(s, 0, 5), UKERN_NOTFOUND);
    ck_assert(frame_used() == used && f.n == 4711 && perm == 99);
    space_destroy(s);
    harness_free(m);
}
END_TEST

START_TEST(wrong_spaces_are_refused)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id gone;
    struct frame_id f;
    uint32_t perm;
    ck_ok(space_new(&gone));
    space_destroy(gone);
    const struct space_id wrong[] = { gone, { 16 }, { 17 }, NO_SPACE };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(space_map(wrong[i], 0, 1, PERM_USER), UKERN_BADARG);
        ck_status(space_map_frames(wrong[i], 0, (struct frame_id){ 0 }, 1, PERM_USER), UKERN_BADARG);
        ck_status(space_unmap(wrong[i], 0, 1), UKERN_BADARG);
        ck_status(space_translate(wrong[i], 0, &f, &perm), UKERN_NOTFOUND);
        ck_assert_ptr_null(space_base(wrong[i]));
        space_destroy(wrong[i]);
    }
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(frames_that_are_not_in_use_are_refused)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f;
    ck_ok(space_new(&s));
    ck_ok(container_alloc(ROOT_CONTAINER, &f));
    uint32_t used = frame_used();
    ck_status(space_map_frames(s, 0, f, 2, PERM_USER), UKERN_BADARG); /* the second one is free */
    ck_status(space_map_frames(s, 0, (struct frame_id){ 63 }, 2, PERM_USER), UKERN_BADARG);
    ck_status(space_map_frames(s, 0, NO_FRAME, 1, PERM_USER), UKERN_BADARG);
    ck_assert(frame_used() == used && frame_refs(f) == 1);
    ck_assert(!harness_readable(space_base(s)));
    space_destroy(s);
    harness_free(m);
}
END_TEST

/* ---- shortage ---- */

static void leave_free(uint32_t k)
{
    struct frame_id f;
    while (frame_usable() - frame_used() > k)
        ck_ok(container_alloc(ROOT_CONTAINER, &f));
}

/* Leaves k free frames, no two of them neighbours, so that each run has one frame. */
static void leave_scattered(uint32_t k)
{
    struct frame_id taken[RAM_FRAMES], last = NO_FRAME;
    uint32_t n = 0, freed = 0;
    while (container_alloc(ROOT_CONTAINER, &taken[n]) == UKERN_OK)
        n++;
    for (uint32_t i = 0; i < n && freed < k; i++)
        if (last.n == NO_ID || taken[i].n > last.n + 1 || taken[i].n + 1 < last.n) {
            last = taken[i];
            ck_ok(container_free(last));
            freed++;
        }
    ck_assert_uint_eq(freed, k);
}

static void map_with(uint32_t k, uint32_t needed, uint64_t va, uint32_t pages, bool given)
{
    struct ukern *m = harness_make(96 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f, first = { 0 };
    uint32_t perm, count = 0;
    ck_ok(space_new(&s));
    ck_ok(space_map(s, 0, 1, PERM_USER));
    if (given)
        ck_ok(container_alloc_run(ROOT_CONTAINER, pages, &first, &count));
    leave_scattered(k);
    bool enough = k >= needed;
    ck_status(given ? space_map_frames(s, va, first, pages, PERM_USER | PERM_WRITE) : space_map(s, va, pages, PERM_USER | PERM_WRITE),
              enough ? UKERN_OK : UKERN_NOMEM);
    ck_assert_uint_eq(frame_usable() - frame_used(), enough ? k - needed : k);
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t at = va + (uint64_t)i * FRAME_SIZE;
        ck_status(space_translate(s, at, &f, &perm), enough ? UKERN_OK : UKERN_NOTFOUND);
        ck_assert_int_eq(harness_writable(space_base(s) + at), enough);
        ck_assert(!given || frame_refs((struct frame_id){ first.n + i }) == (enough ? 2 : 1));
    }
    ck_ok(space_translate(s, 0, &f, &perm));
    uint32_t used = frame_used();
    space_destroy(s); /* 1 page, 4 tables, and what came */
    ck_assert_uint_eq(used - frame_used(), 5 + (enough ? needed : 0));
    harness_free(m);
}

START_TEST(with_too_few_frames_nothing_changes)
{
    for (uint32_t k = 0; k <= 12; k++) {
        map_with(k, 5, 0x1000, 5, false);                   /* no table is missing */
        map_with(k, 4 + 1, (1 << 21) - 2 * 4096, 4, false); /* one table */
        map_with(k, 3 + 2, 3u << 30, 3, false);             /* a directory and a table */
        map_with(k, 1, 1 << 21, 3, true);                   /* given frames, one table */
    }
}
END_TEST

/* Bytes of host addresses that the process has reserved. */
static uint64_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert(f && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    return pages * UINT64_C(4096);
}

START_TEST(slots_run_out_and_come_back)
{
    struct ukern *m = harness_make(128 * FRAME_SIZE);
    enum { MAPS = 16 + 4 }; /* a page map for each task and each VM */
    struct space_id s[MAPS + 1];
    for (uint32_t i = 0; i < MAPS; i++)
        ck_ok(space_new(&s[i]));
    s[MAPS] = (struct space_id){ 4711 };
    ck_status(space_new(&s[MAPS]), UKERN_NOMEM);
    ck_assert_uint_eq(s[MAPS].n, 4711);
    ck_assert_uint_eq(frame_used(), MAPS);
    space_destroy(s[5]);
    ck_ok(space_new(&s[MAPS]));
    for (uint32_t i = 0; i < MAPS + 1; i++)
        if (i != 5)
            space_destroy(s[i]);
    ck_assert_uint_eq(frame_used(), 0);
    leave_free(0);
    uint64_t before = address_space();
    for (uint32_t i = 0; i < 20; i++)
        ck_status(space_new(&s[0]), UKERN_NOMEM); /* no frame for the root; slot and window come home */
    ck_assert_uint_lt(address_space() - before, UKERN_WINDOW);
    ck_ok(container_free((struct frame_id){ 100 }));
    for (uint32_t i = 0; i < 20; i++) {
        ck_ok(space_new(&s[0]));
        space_destroy(s[0]);
    }
    harness_free(m);
}
END_TEST

START_TEST(without_host_addresses_there_is_no_space)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    if (HOST_IS_OURS) {
        struct rlimit old, low;
        ck_assert_int_eq(getrlimit(RLIMIT_AS, &old), 0);
        low = old;
        low.rlim_cur = UINT64_C(4) << 30;
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &low), 0);
        ck_status(space_new(&s), UKERN_NOMEM);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);
        ck_assert_uint_eq(frame_used(), 0);
    }
    ck_ok(space_new(&s)); /* and the slot was not lost */
    harness_free(m);
}
END_TEST

/* Uses up the process's mappings: pages of one reservation, alternately readable. */
static uint8_t *take_all_mappings(size_t *ret_size)
{
    *ret_size = (size_t)1 << 34; /* enough for two million mappings: some distributions allow one */
    uint8_t *p = mmap(NULL, *ret_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert(p != MAP_FAILED);
    for (size_t at = FRAME_SIZE; at < *ret_size && mprotect(p + at, FRAME_SIZE, PROT_READ) == 0;)
        at += 2 * FRAME_SIZE;
    return p;
}

START_TEST(without_host_mappings_nothing_changes)
{
    if (!HOST_IS_OURS)
        return;
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f, shared;
    uint32_t perm;
    size_t size;
    ck_ok(space_new(&s));
    ck_ok(space_map(s, 0x10000, 3, PERM_USER | PERM_WRITE));
    ck_ok(container_alloc(ROOT_CONTAINER, &shared));
    uint8_t *all = take_all_mappings(&size);
    uint32_t used = frame_used();
    enum ukern_status map = space_map(s, 0x40000, 2, PERM_USER), frames = space_map_frames(s, 0x50000, shared, 1, PERM_USER);
    enum ukern_status unmap = space_unmap(s, 0x11000, 1), invisible = space_map(s, 0x60000, 1, PERM_WRITE);
    munmap(all, size);
    ck_status(map, UKERN_NOMEM);
    ck_status(frames, UKERN_NOMEM);
    ck_status(unmap, UKERN_NOMEM);
    ck_ok(invisible); /* a page that is not the user's needs no mapping */
    ck_assert_uint_eq(frame_used(), used + 1);
    ck_assert_uint_eq(frame_refs(shared), 1);
    ck_status(space_translate(s, 0x40000, &f, &perm), UKERN_NOTFOUND);
    ck_status(space_translate(s, 0x50000, &f, &perm), UKERN_NOTFOUND);
    ck_ok(space_translate(s, 0x11000, &f, &perm));
    ck_assert(harness_writable(space_base(s) + 0x11000) && !harness_readable(space_base(s) + 0x40000));
    ck_ok(space_unmap(s, 0x11000, 1));
    ck_ok(space_map(s, 0x40000, 2, PERM_USER));
    space_destroy(s);
    harness_free(m);
}
END_TEST

/* Three pages of three runs need three mappings, or six with their surroundings: some succeed before one fails. */
static bool map_with_mappings(uint32_t spare)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f;
    uint32_t perm;
    size_t size;
    ck_ok(space_new(&s));
    ck_ok(space_map(s, 0x40000 - FRAME_SIZE, 1, PERM_USER | PERM_WRITE));
    leave_scattered(4);
    uint32_t used = frame_used();
    uint8_t *all = take_all_mappings(&size);
    for (uint32_t i = 0; i < spare; i++) /* one readable page fewer: two mappings */
        mprotect(all + FRAME_SIZE + (size_t)i * 2 * FRAME_SIZE, FRAME_SIZE, PROT_NONE);
    enum ukern_status st = space_map(s, 0x40000, 3, PERM_USER | PERM_WRITE);
    munmap(all, size);
    ck_assert(st == UKERN_OK || st == UKERN_NOMEM);
    ck_assert_uint_eq(frame_used(), used + (st == UKERN_OK ? 3 : 0));
    for (uint32_t i = 0; i < 3; i++) {
        ck_status(space_translate(s, 0x40000 + i * FRAME_SIZE, &f, &perm), st == UKERN_OK ? UKERN_OK : UKERN_NOTFOUND);
        ck_assert_int_eq(harness_readable(space_base(s) + 0x40000 + i * FRAME_SIZE), st == UKERN_OK);
    }
    ck_assert(harness_writable(space_base(s) + 0x40000 - 1));
    harness_free(m);
    return st == UKERN_OK;
}

START_TEST(every_host_mapping_fails_in_turn)
{
    uint32_t spare = 0;
    if (!HOST_IS_OURS)
        return;
    while (!map_with_mappings(spare))
        spare++;
    ck_assert_uint_ge(spare, 1);
    ck_assert_uint_le(spare, 4);
}
END_TEST

/* ---- several CPUs ---- */

enum { CPUS = 3, TURNS = 200 };

/* Makes and destroys spaces of its own; what it wrote must still be there when it looks. */
static void *race(void *arg)
{
    struct cpu *cpu = arg;
    uintptr_t wrong = 0;
    here = cpu;
    for (uint32_t i = 0, n = harness_rounds(TURNS); i < n; i++) {
        struct space_id s[3];
        uint32_t count = 0;
        for (; count < COUNT_OF(s) && space_new(&s[count]) == UKERN_OK; count++) {
            wrong += space_map(s[count], 0x1000, 1, PERM_USER | PERM_WRITE) != UKERN_OK;
            *(volatile uint32_t *)(void *)(space_base(s[count]) + 0x1000) = cpu->id * 1000 + count;
        }
        for (uint32_t k = 0; k < count; k++) {
            wrong += *(volatile uint32_t *)(void *)(space_base(s[k]) + 0x1000) != cpu->id * 1000 + k;
            space_destroy(s[k]);
        }
    }
    here = NULL;
    return (void *)wrong;
}

START_TEST(cpus_race_for_slots)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = CPUS, .max_tasks = 6, .max_vms = 1 }; /* fewer than they want */
    ck_ok(harness_boot(&p, 0, &m));
    pthread_t thread[CPUS];
    for (uint32_t i = 0; i < CPUS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, race, &m->cpu[i]), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(frame_used(), 0);
    struct space_id s;
    for (uint32_t i = 0; i < 7; i++)
        ck_ok(space_new(&s));
    ck_status(space_new(&s), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

/* ---- windows ---- */

START_TEST(windows_are_aligned_apart_and_dark)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id a, b;
    ck_ok(space_new(&a));
    ck_ok(space_new(&b));
    uint8_t *base = space_base(a), *other = space_base(b);
    ck_assert_uint_eq((uintptr_t)base & (UKERN_WINDOW - 1), 0);
    ck_assert_uint_eq((uintptr_t)other & (UKERN_WINDOW - 1), 0);
    ck_assert_ptr_ne(base, other);
    ck_assert(!harness_readable(base) && !harness_readable(base + UKERN_WINDOW - 1) && !harness_readable(other + 12345678));
    ck_ok(space_map(a, 0, 1, PERM_USER | PERM_WRITE));
    base[17] = 42;
    space_destroy(a);
    ck_assert(!harness_readable(base));
    ck_ok(space_new(&a));
    ck_ok(space_map(a, 0, 1, PERM_USER));
    ck_assert_uint_eq(space_base(a)[17], 0); /* nothing is left of the first */
    space_destroy(a);
    space_destroy(b);
    harness_free(m);
}
END_TEST

START_TEST(windows_refuse_what_they_do_not_hold)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    const struct pt_id w = { 3 }, none = { 20 };
    ck_status(window_make(w, 0, 4096), UKERN_BADARG);
    ck_status(window_make(w, 4097, 4096), UKERN_BADARG);
    ck_status(window_make(w, 4096, 0), UKERN_BADARG);
    ck_status(window_make(w, 4096, 4097), UKERN_BADARG);
    ck_status(window_make(w, 4096, 2048), UKERN_BADARG);
    ck_status(window_make(w, 4096, 3 * 4096), UKERN_BADARG);
    ck_status(window_make(w, UINT64_MAX - 4095, 4096), UKERN_BADARG);
    ck_status(window_make(w, UINT64_C(1) << 48, 4096), UKERN_NOMEM);
    ck_assert_ptr_null(window_base(w));
    ck_status(window_make(none, 4096, 4096), UKERN_BADARG);
    ck_status(window_map(w, 0, (struct frame_id){ 3 }, 1, true), UKERN_BADARG); /* it has none yet */
    ck_status(window_unmap(w, 0, 1), UKERN_BADARG);
    ck_assert(here->host_refused);
    ck_ok(window_make(w, 16 * 4096, 1 << 20));
    ck_status(window_make(w, 4096, 4096), UKERN_BADARG);
    uint8_t *base = window_base(w);
    ck_assert_uint_eq((uintptr_t)base & ((1 << 20) - 1), 0);
    struct frame_id f = { 3 };
    ck_status(window_map(w, 0, f, 0, true), UKERN_BADARG);
    ck_status(window_map(w, 1, f, 1, true), UKERN_BADARG);
    ck_status(window_map(w, 16 * 4096, f, 1, true), UKERN_BADARG);
    ck_status(window_map(w, 15 * 4096, f, 2, true), UKERN_BADARG);
    ck_status(window_map(w, 0, f, UINT32_MAX, true), UKERN_BADARG);
    ck_status(window_map(w, 0, (struct frame_id){ 63 }, 2, true), UKERN_BADARG);
    ck_status(window_map(w, 0, NO_FRAME, 1, true), UKERN_BADARG);
    ck_status(window_map(w, UINT64_MAX - 4095, f, 1, true), UKERN_BADARG);
    ck_status(window_unmap(w, 16 * 4096, 1), UKERN_BADARG);
    ck_ok(window_map(w, 15 * 4096, f, 1, false));
    ck_assert(harness_readable(base + 15 * 4096) && !harness_writable(base + 15 * 4096));
    ck_ok(window_map(w, 15 * 4096, f, 1, true));
    ck_assert(harness_writable(base + 15 * 4096) && !harness_readable(base + 14 * 4096));
    ck_ok(window_unmap(w, 0, 16));
    ck_assert(!harness_readable(base + 15 * 4096));
    window_free(w);
    ck_assert_ptr_null(window_base(w));
    window_free(w);
    window_free(none);
    harness_free(m);
}
END_TEST

START_TEST(windows_take_what_they_need_and_give_it_back)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    const uint64_t size = UINT64_C(1) << 30, slack = UINT64_C(64) << 20; /* what a tool may map meanwhile */
    enum { COUNT = 4 };
    uint64_t before = address_space();
    for (uint32_t i = 0; i < COUNT; i++)
        ck_ok(window_make((struct pt_id){ i }, size, size));
    ck_assert_uint_ge(address_space(), before + COUNT * size - slack);
    ck_assert_uint_le(address_space(), before + COUNT * size + slack);
    for (uint32_t i = 0; i < COUNT; i++)
        window_free((struct pt_id){ i });
    ck_assert_uint_le(address_space(), before + slack);
    harness_free(m);
}
END_TEST

/* A task that was killed leaves the sanitizer's marks on its stack; whoever gets the address next must not meet them. */
START_TEST(sanitizer_marks_go_with_the_page)
{
#if SANITIZE_ADDRESS
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    ck_ok(space_new(&s));
    for (uint32_t round = 0; round < 2; round++) {
        uint8_t *base = space_base(s);
        ck_ok(space_map(s, 0x10000, 2, PERM_USER | PERM_WRITE));
        ck_assert(!__asan_address_is_poisoned(base + 0x10100));
        __asan_poison_memory_region(base + 0x10100, 256);
        ck_ok(space_unmap(s, 0x10000, 2));
        ck_assert(!__asan_address_is_poisoned(base + 0x10100));
        ck_ok(space_map(s, 0x10000, 2, PERM_USER | PERM_WRITE));
        __asan_poison_memory_region(base + 0x10100, 256);
        space_destroy(s);
        ck_assert(!__asan_address_is_poisoned(base + 0x10100));
        ck_ok(space_new(&s));
    }
    space_destroy(s);
    harness_free(m);
#endif
}
END_TEST

START_TEST(a_freed_machine_leaves_no_window)
{
    uint8_t *base[3];
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    for (uint32_t i = 0; i < COUNT_OF(base); i++) {
        struct space_id s;
        ck_ok(space_new(&s));
        ck_ok(space_map(s, 0x1000, 2, PERM_USER));
        base[i] = space_base(s);
        ck_assert(harness_readable(base[i] + 0x1000));
    }
    harness_free(m); /* with all three alive */
    for (uint32_t i = 0; i < COUNT_OF(base); i++)
        ck_assert(!harness_readable(base[i] + 0x1000));
}
END_TEST

START_TEST(machines_are_apart)
{
    struct ukern *one = harness_make(64 * FRAME_SIZE), *two = harness_make(64 * FRAME_SIZE);
    struct space_id a, b;
    struct frame_id f;
    uint32_t perm;
    here = &one->cpu[0];
    ck_ok(space_new(&a));
    ck_ok(space_map(a, 0x3000, 2, PERM_USER | PERM_WRITE));
    memset(space_base(a) + 0x3000, 0x11, 8192);
    here = &two->cpu[0];
    ck_assert_uint_eq(frame_used(), 0);
    ck_ok(space_new(&b));
    ck_assert_uint_eq(a.n, b.n);
    ck_status(space_translate(b, 0x3000, &f, &perm), UKERN_NOTFOUND);
    ck_ok(space_map(b, 0x3000, 1, PERM_USER | PERM_WRITE));
    ck_assert_uint_eq(space_base(b)[0x3000], 0);
    space_destroy(b);
    harness_free(two);
    here = &one->cpu[0];
    ck_assert_uint_eq(space_base(a)[0x4fff], 0x11);
    space_destroy(a);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(one);
}
END_TEST

HARNESS_TESTS("mm/space", random_calls_agree_with_the_model, wrong_ranges_are_refused, wrong_spaces_are_refused,
              frames_that_are_not_in_use_are_refused, with_too_few_frames_nothing_changes, slots_run_out_and_come_back,
              without_host_addresses_there_is_no_space, without_host_mappings_nothing_changes,
              every_host_mapping_fails_in_turn, cpus_race_for_slots, windows_are_aligned_apart_and_dark,
              windows_refuse_what_they_do_not_hold, windows_take_what_they_need_and_give_it_back,
              sanitizer_marks_go_with_the_page,
              a_freed_machine_leaves_no_window, machines_are_apart)
