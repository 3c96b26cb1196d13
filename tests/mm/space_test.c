/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/space and host/window: random calls on two spaces against a model (pages of both, references of frames), what
 * the host can see through the windows, and every shortage: frames, slots, addresses, host mappings. */
#include "mm/space.h"
#include "core/sanitize.h"
#include "harness.h"
#include "host/ram.h"
#include "host/window.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/pt.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
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
    bool aged[SPACES][PAGES]; /* its marks were taken away */
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
    ck_status(space_read(m->id[s], va + 4095, &f, &perm), p->mapped ? UKERN_OK : UKERN_NOTFOUND);
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
        ck_ok(space_read(m->id[s], page_va(i), &f, &got));
        ck_assert_msg(model_refs(m, f.n) == 0, "frame %u is mapped elsewhere and came as a fresh page", f.n);
        ck_assert(memcmp(frame_bytes(f), zero, FRAME_SIZE) == 0);
        m->page[s][i] = (struct page){ true, f.n, perm };
        model_stamp(m, f.n);
    }
}

static void step_share(struct model *m, struct harness_random *r, uint32_t to, uint32_t at, uint32_t perm)
{
    uint32_t from = (uint32_t)harness_below(r, SPACES), source = (uint32_t)harness_below(r, PAGES);
    const struct page *p = &m->page[from][source];
    enum ukern_status st = space_share(m->id[from], page_va(source), m->id[to], page_va(at), perm);
    if (from == to && source == at)
        ck_status(st, UKERN_BADARG);
    else if (!p->mapped)
        ck_status(st, UKERN_NOTFOUND);
    else if (perm & ~p->perm)
        ck_status(st, UKERN_BADARG);
    else if (m->page[to][at].mapped)
        ck_status(st, UKERN_EXISTS);
    else
        ck_assert(st == UKERN_OK || (st == UKERN_NOMEM && frame_usable() - frame_used() < 4));
    if (st == UKERN_OK)
        m->page[to][at] = (struct page){ true, p->frame, perm };
}

static void step_resv2(struct model *m, uint32_t a, uint32_t at_a, uint32_t at_b, uint32_t perm)
{
    uint32_t b = (a + 1) % SPACES;
    struct frame_id f;
    uint32_t got;
    enum ukern_status st = space_resv2(m->id[a], page_va(at_a), m->id[b], page_va(at_b), perm);
    if (m->page[a][at_a].mapped || m->page[b][at_b].mapped)
        ck_status(st, UKERN_EXISTS);
    else
        ck_assert(st == UKERN_OK || (st == UKERN_NOMEM && frame_usable() - frame_used() < 8));
    if (st != UKERN_OK)
        return;
    ck_ok(space_read(m->id[a], page_va(at_a), &f, &got));
    ck_assert(model_refs(m, f.n) == 0 && got == perm);
    m->page[a][at_a] = m->page[b][at_b] = (struct page){ true, f.n, perm };
    model_stamp(m, f.n);
}

/* An access by one of the CPUs: whatever it remembers, it sees what is mapped now. */
static void step_access(struct model *m, struct harness_random *r, uint32_t s, uint32_t at)
{
    struct cpu *cpu = here;
    const struct page *p = &m->page[s][at];
    uint32_t access = (uint32_t)harness_below(r, PERM_ALL + 1), aged;
    struct frame_id f = { 4711 };
    bool good = p->mapped && (p->perm & access) == access;
    here = &cpu->m->cpu[harness_below(r, cpu->m->cpus)];
    if (p->mapped && harness_below(r, 2))
        ck_ok(space_fault(m->id[s], page_va(at), 0)); /* changes nothing */
    ck_ok(space_enter(m->id[s]));
    ck_status(space_access(m->id[s], page_va(at) + harness_below(r, FRAME_SIZE), access, &f), good ? UKERN_OK : UKERN_FAULT);
    ck_assert_uint_eq(f.n, good ? p->frame : 4711);
    space_leave(m->id[s]);
    if (good && access & PERM_WRITE) {
        ck_ok(pt_age((struct pt_id){ m->id[s].n }, page_va(at), &aged));
        ck_assert_msg(m->aged[s][at] || aged == (PT_ACCESSED | PT_DIRTY), "after a write the page is aged %u", aged);
        m->aged[s][at] = true; /* what the CPUs remember keeps them from marking it again */
    }
    here = cpu;
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
    switch (harness_below(r, 6)) {
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
        step_share(m, r, s, first, perm);
        break;
    case 3:
        if (harness_below(r, 2))
            step_resv2(m, s, first, (uint32_t)harness_below(r, PAGES), perm);
        for (uint32_t i = 0; i < 6; i++)
            step_access(m, r, (uint32_t)harness_below(r, SPACES), (uint32_t)harness_below(r, PAGES));
        break;
    default:
        st = space_unmap(m->id[s], va, n);
        ck_status(st, model_any(m, s, first, n, false) ? UKERN_NOTFOUND : UKERN_OK);
        for (uint32_t i = first; st == UKERN_OK && i < first + n; i++)
            m->page[s][i].mapped = m->aged[s][i] = false;
    }
}

START_TEST(random_calls_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct ukern *machine;
        struct ukern_params params = { .ram = RAM_FRAMES * FRAME_SIZE, .cpus = 2 };
        ck_ok(harness_boot(&params, 0, &machine));
        struct harness_random r = { seed };
        struct model m = { 0 };
        for (uint32_t s = 0; s < SPACES; s++)
            ck_ok(space_new(ROOT_CONTAINER, &m.id[s]));
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
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0, 4, PERM_USER));
    uint32_t used = frame_used();
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(space_map(s, wrong[i].va, wrong[i].pages, PERM_USER), UKERN_BADARG);
        ck_status(space_demand(s, wrong[i].va, wrong[i].pages ? wrong[i].pages : 1, PERM_USER), wrong[i].pages ? UKERN_BADARG : UKERN_OK);
        ck_status(space_unmap(s, wrong[i].va, wrong[i].pages), UKERN_BADARG);
    }
    static const uint64_t outside[] = { UKERN_WINDOW, UINT64_MAX, UINT64_C(1) << 47, (UINT64_C(1) << 48) | 4096, UINT64_C(0xffff800000000000) };
    for (uint32_t i = 0; i < COUNT_OF(outside); i++)
        ck_status(space_read(s, outside[i], &f, &perm), UKERN_NOTFOUND);
    ck_status(space_map(s, 0x10000, 1, PERM_ALL + 1), UKERN_BADARG);
    ck_status(space_demand(s, 0x10000, 1, PERM_ALL + 1), UKERN_BADARG);
    ck_status(space_map_large(s, 0x10000, PERM_USER), UKERN_BADARG);
    ck_status(space_map_large(s, UKERN_WINDOW, PERM_USER), UKERN_BADARG);
    ck_status(space_map_large(s, 1 << 21, PERM_ALL + 1), UKERN_BADARG);
    ck_status(space_share(s, 0x1000, s, 0x1000, PERM_USER), UKERN_BADARG);
    ck_status(space_share(s, 0x1000, s, 0x10001, PERM_USER), UKERN_BADARG);
    ck_status(space_share(s, UKERN_WINDOW, s, 0x10000, PERM_USER), UKERN_BADARG);
    ck_status(space_share(s, 0x1000, s, 0x10000, PERM_USER | PERM_WRITE), UKERN_BADARG);
    ck_status(space_resv2(s, 0x10000, s, 0x20000, PERM_USER), UKERN_BADARG);
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
    struct space_id gone, right;
    struct frame_id f;
    uint32_t perm;
    ck_ok(space_new(ROOT_CONTAINER, &right));
    ck_ok(space_map(right, 0, 1, PERM_USER));
    ck_ok(space_new(ROOT_CONTAINER, &gone));
    ck_status(space_new((struct container_id){ 9 }, &gone), UKERN_BADARG);
    space_destroy(gone);
    uint32_t used = frame_used();
    const struct space_id wrong[] = { gone, { 19 }, { 20 }, NO_SPACE };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(space_map(wrong[i], 0, 1, PERM_USER), UKERN_BADARG);
        ck_status(space_map_large(wrong[i], 0, PERM_USER), UKERN_BADARG);
        ck_status(space_demand(wrong[i], 0, 1, PERM_USER), UKERN_BADARG);
        ck_status(space_demand(wrong[i], 0, 0, 0), UKERN_BADARG);
        ck_status(space_fault(wrong[i], 0, PERM_USER), UKERN_BADARG);
        ck_status(space_share(wrong[i], 0, right, 0x1000, PERM_USER), UKERN_BADARG);
        ck_status(space_share(right, 0, wrong[i], 0x1000, PERM_USER), UKERN_BADARG);
        ck_status(space_resv2(wrong[i], 0, right, 0x1000, PERM_USER), UKERN_BADARG);
        ck_status(space_resv2(right, 0x1000, wrong[i], 0, PERM_USER), UKERN_BADARG);
        ck_status(space_enter(wrong[i]), UKERN_BADARG);
        ck_assert(!space_is(wrong[i]));
        ck_status(space_unmap(wrong[i], 0, 1), UKERN_BADARG);
        ck_status(space_read(wrong[i], 0, &f, &perm), UKERN_NOTFOUND);
        ck_assert_ptr_null(space_base(wrong[i]));
        space_destroy(wrong[i]);
    }
    ck_assert_uint_eq(frame_used(), used);
    ck_assert(space_is(right));
    space_destroy(right);
    ck_assert_uint_eq(frame_used(), 0);
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

/* Pages come (or, shared, one of them does), when there are `needed` free frames; else nothing changes. */
static void map_with(uint32_t k, uint32_t needed, uint64_t va, uint32_t pages, bool shared)
{
    struct ukern *m = harness_make(96 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f, first;
    uint32_t perm;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0, 1, PERM_USER | PERM_WRITE));
    ck_ok(space_read(s, 0, &first, &perm));
    leave_scattered(k);
    bool enough = k >= needed;
    ck_status(shared ? space_share(s, 0, s, va, PERM_USER | PERM_WRITE) : space_map(s, va, pages, PERM_USER | PERM_WRITE),
              enough ? UKERN_OK : UKERN_NOMEM);
    ck_assert_uint_eq(frame_usable() - frame_used(), enough ? k - needed : k);
    for (uint32_t i = 0; i < pages; i++) {
        uint64_t at = va + (uint64_t)i * FRAME_SIZE;
        ck_status(space_read(s, at, &f, &perm), enough ? UKERN_OK : UKERN_NOTFOUND);
        ck_assert_int_eq(harness_writable(space_base(s) + at), enough);
    }
    ck_assert_uint_eq(frame_refs(first), shared && enough ? 2 : 1);
    ck_ok(space_read(s, 0, &f, &perm));
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
        map_with(k, 1, 1 << 21, 1, true);                   /* a page that there is already, one table */
        map_with(k, 2, 3u << 30, 1, true);
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
    enum { MOST = 20 }; /* 16 tasks, 4 VMs */
    struct space_id s[MOST + 1];
    for (uint32_t i = 0; i < MOST; i++)
        ck_ok(space_new(ROOT_CONTAINER, &s[i]));
    s[MOST] = (struct space_id){ 4711 };
    ck_status(space_new(ROOT_CONTAINER, &s[MOST]), UKERN_NOMEM);
    ck_assert_uint_eq(s[MOST].n, 4711);
    ck_assert_uint_eq(frame_used(), MOST);
    space_destroy(s[5]);
    ck_ok(space_new(ROOT_CONTAINER, &s[MOST]));
    for (uint32_t i = 0; i <= MOST; i++)
        if (i != 5)
            space_destroy(s[i]);
    ck_assert_uint_eq(frame_used(), 0);
    leave_free(0);
    uint64_t before = address_space();
    for (uint32_t i = 0; i < 20; i++)
        ck_status(space_new(ROOT_CONTAINER, &s[0]), UKERN_NOMEM); /* no frame for the root; slot and window come home */
    ck_assert_uint_lt(address_space() - before, UKERN_WINDOW);
    ck_ok(container_free((struct frame_id){ 100 }));
    for (uint32_t i = 0; i < 20; i++) {
        ck_ok(space_new(ROOT_CONTAINER, &s[0]));
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
        ck_status(space_new(ROOT_CONTAINER, &s), UKERN_NOMEM);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);
        ck_assert_uint_eq(frame_used(), 0);
    }
    ck_ok(space_new(ROOT_CONTAINER, &s)); /* and the slot was not lost */
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
    struct space_id s, t;
    struct frame_id f, shared;
    uint32_t perm;
    size_t size;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x10000, 3, PERM_USER | PERM_WRITE));
    ck_ok(space_new(ROOT_CONTAINER, &t));
    ck_ok(space_demand(s, 0x70000, 1, PERM_USER));
    ck_ok(space_read(s, 0x12000, &shared, &perm));
    uint8_t *all = take_all_mappings(&size);
    uint32_t used = frame_used();
    enum ukern_status map = space_map(s, 0x40000, 2, PERM_USER), share = space_share(s, 0x12000, s, 0x50000, PERM_USER);
    enum ukern_status fault = space_fault(s, 0x70000, 0), both = space_resv2(s, 0x50000, t, 0x50000, PERM_USER);
    enum ukern_status unmap = space_unmap(s, 0x11000, 1), invisible = space_map(s, 0x60000, 1, PERM_WRITE);
    munmap(all, size);
    ck_status(map, UKERN_NOMEM);
    ck_status(share, UKERN_NOMEM);
    ck_status(fault, UKERN_NOMEM);
    ck_status(both, UKERN_NOMEM);
    ck_status(unmap, UKERN_NOMEM);
    ck_ok(invisible); /* a page that is not the user's needs no mapping */
    ck_assert_uint_eq(frame_used(), used + 1);
    ck_assert_uint_eq(frame_refs(shared), 1);
    ck_status(space_read(s, 0x40000, &f, &perm), UKERN_NOTFOUND);
    ck_status(space_read(s, 0x50000, &f, &perm), UKERN_NOTFOUND);
    ck_ok(space_read(s, 0x11000, &f, &perm));
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
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x40000 - FRAME_SIZE, 1, PERM_USER)); /* Linux joins what it may: not with what follows */
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
        ck_status(space_read(s, 0x40000 + i * FRAME_SIZE, &f, &perm), st == UKERN_OK ? UKERN_OK : UKERN_NOTFOUND);
        ck_assert_int_eq(harness_readable(space_base(s) + 0x40000 + i * FRAME_SIZE), st == UKERN_OK);
    }
    ck_assert(harness_readable(space_base(s) + 0x40000 - 1));
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

/* ---- large pages, demand, what the MMU sees ---- */

START_TEST(large_pages_come_and_go_whole)
{
    struct ukern *m = harness_make(8 << 20);
    struct space_id s;
    struct frame_id f, g;
    uint32_t perm, used;
    const uint64_t va = 4 << 20;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    used = frame_used();
    ck_ok(space_map_large(s, va, PERM_USER | PERM_WRITE));
    ck_assert_uint_eq(frame_used(), used + FRAME_LARGE + 2); /* its tables are of two levels */
    ck_status(space_map_large(s, va, PERM_USER), UKERN_EXISTS);
    ck_status(space_map(s, va + 0x5000, 1, PERM_USER), UKERN_EXISTS);
    ck_ok(space_read(s, va, &f, &perm));
    ck_assert(is_aligned(f.n, FRAME_LARGE));
    ck_ok(space_read(s, va + 0x5000, &g, &perm));
    ck_assert(g.n == f.n + 5 && perm == (PERM_USER | PERM_WRITE));
    for (uint32_t i = 0; i < 1 << 21; i += 4096)
        ck_assert_uint_eq(*(uint64_t *)(void *)(space_base(s) + va + i), 0);
    ck_status(space_unmap(s, va, 1), UKERN_NOTFOUND);
    ck_status(space_unmap(s, va + 0x5000, 1), UKERN_NOTFOUND);
    ck_status(space_unmap(s, va, 513), UKERN_NOTFOUND);
    ck_ok(space_share(s, va + 0x5000, s, 0x1000, PERM_USER)); /* 4 KiB of it */
    ck_assert_uint_eq(frame_refs(g), 2);
    ck_ok(space_map(s, va + (1 << 21), 1, PERM_USER));
    ck_ok(space_unmap(s, va, 513));
    ck_assert(!harness_readable(space_base(s) + va));
    ck_assert_uint_eq(frame_refs(g), 1);
    ck_assert_uint_eq(frame_refs(f), 0);
    ck_ok(space_unmap(s, 0x1000, 1));
    ck_assert_uint_eq(frame_used(), used);
    ck_ok(space_map_large(s, va, 0));
    ck_assert(!harness_readable(space_base(s) + va));
    while (space_map_large(s, (harness_below(&(struct harness_random){ frame_used() }, 2000)) << 21, PERM_USER) != UKERN_NOMEM)
        ;
    used = frame_used();
    ck_status(space_map_large(s, UINT64_C(2001) << 21, PERM_USER), UKERN_NOMEM);
    ck_assert_uint_eq(frame_used(), used);
    space_destroy(s);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

static enum ukern_status access_once(struct space_id s, uint64_t va, uint32_t access, struct frame_id *ret_frame)
{
    ck_ok(space_enter(s));
    enum ukern_status st = space_access(s, va, access, ret_frame);
    space_leave(s);
    return st;
}

START_TEST(demand_reserves_what_it_covers)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f, g;
    uint32_t perm;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x12000, 1, PERM_USER));
    ck_ok(space_demand(s, 0x10000, 4, PERM_USER | PERM_WRITE));
    uint32_t used = frame_used();
    static const uint64_t outside[] = { 0xffff, 0x14000, UKERN_WINDOW, UINT64_MAX, 0 };
    for (uint32_t i = 0; i < COUNT_OF(outside); i++) {
        ck_status(space_fault(s, outside[i], PERM_USER), UKERN_FAULT);
        ck_status(access_once(s, outside[i], PERM_USER, &f), UKERN_FAULT);
    }
    ck_status(space_fault(s, 0x10000, PERM_EXEC), UKERN_FAULT);  /* not with that permission */
    ck_status(space_fault(s, 0x12000, PERM_WRITE), UKERN_FAULT); /* there is a page, which does not allow it */
    ck_assert_uint_eq(frame_used(), used);
    ck_ok(space_fault(s, 0x10fff, PERM_USER | PERM_WRITE));
    ck_assert_uint_eq(frame_used(), used + 1);
    ck_ok(space_read(s, 0x10000, &f, &perm));
    ck_assert_uint_eq(perm, PERM_USER | PERM_WRITE);
    ck_assert(harness_writable(space_base(s) + 0x10000));
    ck_ok(space_fault(s, 0x10000, PERM_USER)); /* it is there now */
    ck_ok(access_once(s, 0x13abc, PERM_USER | PERM_WRITE, &f)); /* the last one, through the MMU */
    ck_ok(space_read(s, 0x13000, &g, &perm));
    ck_assert(f.n == g.n && frame_used() == used + 2);
    leave_free(0);
    ck_status(space_fault(s, 0x11000, PERM_USER), UKERN_NOMEM);
    ck_status(access_once(s, 0x11000, PERM_USER, &f), UKERN_NOMEM);
    ck_ok(space_demand(s, 0x13000, 2, PERM_USER)); /* another range, instead */
    ck_status(space_fault(s, 0x11000, PERM_USER), UKERN_FAULT);
    ck_ok(space_demand(s, 1, 0, 99)); /* none */
    ck_status(space_fault(s, 0x14000, PERM_USER), UKERN_FAULT);
    space_destroy(s);
    harness_free(m);
}
END_TEST

/* A page is marked by who reads it and who writes it, also when the CPU has read it before. */
START_TEST(the_first_write_marks_the_page)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    struct frame_id f;
    uint32_t aged;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x5000, 1, PERM_USER | PERM_WRITE));
    ck_ok(pt_age((struct pt_id){ s.n }, 0x5000, &aged));
    ck_assert_uint_eq(aged, 0);
    ck_ok(access_once(s, 0x5000, PERM_USER, &f));
    ck_ok(access_once(s, 0x5000, PERM_USER, &f));
    ck_ok(pt_age((struct pt_id){ s.n }, 0x5000, &aged));
    ck_assert_uint_eq(aged, PT_ACCESSED);
    ck_ok(access_once(s, 0x5000, PERM_USER | PERM_WRITE, &f));
    ck_ok(pt_age((struct pt_id){ s.n }, 0x5000, &aged));
    ck_assert_uint_eq(aged, PT_ACCESSED | PT_DIRTY);
    ck_status(access_once(s, 0x5000, PERM_ALL + 1, &f), UKERN_BADARG);
    space_destroy(s);
    harness_free(m);
}
END_TEST

START_TEST(another_cpu_forgets_what_is_unmapped)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = 2 };
    ck_ok(harness_boot(&p, 0, &m));
    struct space_id s;
    struct frame_id old, new;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x5000, 3, PERM_USER | PERM_WRITE));
    here = &m->cpu[1];
    for (uint64_t va = 0x5000; va < 0x8000; va += FRAME_SIZE)
        ck_ok(access_once(s, va, PERM_USER | PERM_WRITE, &old));
    here = &m->cpu[0];
    ck_ok(space_unmap(s, 0x6000, 2));
    here = &m->cpu[1];
    ck_status(access_once(s, 0x6000, PERM_USER, &new), UKERN_FAULT);
    ck_status(access_once(s, 0x7000, PERM_USER, &new), UKERN_FAULT);
    ck_ok(access_once(s, 0x5000, PERM_USER, &new));
    here = &m->cpu[0];
    ck_ok(space_map(s, 0x7000, 1, PERM_USER)); /* read-only now */
    here = &m->cpu[1];
    ck_status(access_once(s, 0x7000, PERM_USER | PERM_WRITE, &new), UKERN_FAULT);
    ck_ok(access_once(s, 0x7000, PERM_USER, &new));
    space_destroy(s);
    ck_ok(space_new(ROOT_CONTAINER, &s)); /* the same number */
    here = &m->cpu[0];
    ck_status(access_once(s, 0x5000, PERM_USER, &new), UKERN_FAULT);
    here = &m->cpu[1];
    ck_status(access_once(s, 0x5000, PERM_USER, &new), UKERN_FAULT);
    space_destroy(s);
    ck_assert_uint_eq(frame_used(), 0);
    here = &m->cpu[0];
    harness_free(m);
}
END_TEST

/* Pages of several containers: what is charged comes home, to whom it was charged. */
START_TEST(quota_is_charged_and_comes_home)
{
    struct ukern *m = harness_make(96 * FRAME_SIZE);
    struct container_id poor;
    struct container_info info;
    struct space_id s, rich;
    ck_ok(container_split(ROOT_CONTAINER, 7, &poor));
    ck_ok(space_new(poor, &s));
    ck_ok(space_new(ROOT_CONTAINER, &rich));
    ck_ok(space_map(s, 0, 3, PERM_USER)); /* root, three tables, three pages: all of it */
    ck_ok(container_info(poor, &info));
    ck_assert_uint_eq(info.usage, 7);
    ck_status(space_map(s, 0x3000, 1, PERM_USER), UKERN_NOMEM);
    ck_status(space_map(s, 1 << 21, 1, PERM_USER), UKERN_NOMEM);
    ck_ok(space_demand(s, 0x3000, 1, PERM_USER));
    ck_status(space_fault(s, 0x3000, PERM_USER), UKERN_NOMEM);
    ck_status(space_resv2(s, 0x3000, rich, 0x3000, PERM_USER), UKERN_NOMEM);
    ck_ok(space_map(rich, 0x4000, 1, PERM_USER));
    ck_ok(space_share(rich, 0x4000, s, 0x4000, PERM_USER)); /* of a page that another pays for there is no charge */
    ck_ok(container_info(poor, &info));
    ck_assert_uint_eq(info.usage, 7);
    ck_ok(space_unmap(s, 0, 1));
    ck_ok(space_resv2(s, 0x3000, rich, 0x3000, PERM_USER));
    ck_ok(container_info(poor, &info));
    ck_assert_uint_eq(info.usage, 7);
    ck_status(container_revoke(poor), UKERN_BUSY);
    space_destroy(s);
    ck_ok(container_info(poor, &info)); /* the page that rich still has */
    ck_assert_uint_eq(info.usage, 1);
    space_destroy(rich);
    ck_ok(container_revoke(poor));
    ck_status(space_new(poor, &s), UKERN_BADARG);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

/* ---- several CPUs ---- */

/* One maps, fills, unmaps; the others look: they see nothing, or what that page was filled with, never another's bytes. */
enum { LOOKERS = 2, SPOTS = 4 };
static struct space_id watched[2];
static _Atomic bool stop;

/* As ucopy does: told BUSY, it leaves all, and finds again in its turn. */
static bool look_once(uint32_t spot, bool write, uint64_t *ret_seen)
{
    struct frame_id f, g;
    const uint64_t va = 0x10000 + (uint64_t)spot * FRAME_SIZE;
    const uint32_t access = write ? PERM_USER | PERM_WRITE : PERM_USER;
    bool found = false;
    if (space_enter(watched[0]) != UKERN_OK)
        return false;
    if (space_enter(watched[1]) != UKERN_OK)
        abort();
    enum ukern_status st = space_access(watched[0], va, access, &f);
    if (st == UKERN_OK)
        st = space_access(watched[1], va, PERM_USER, &g);
    if (st == UKERN_BUSY) {
        space_leave(watched[1]);
        space_leave(watched[0]);
        space_hold(watched[0], watched[1]);
        if (space_enter(watched[0]) != UKERN_OK || space_enter(watched[1]) != UKERN_OK)
            abort();
        st = space_access(watched[0], va, access, &f);
        if (st == UKERN_OK)
            st = space_access(watched[1], va, PERM_USER, &g);
        space_let(watched[0], watched[1]);
        if (st == UKERN_BUSY)
            abort();
    }
    if (st == UKERN_OK) {
        volatile uint64_t *one = (volatile uint64_t *)(void *)frame_bytes(f), *two = (volatile uint64_t *)(void *)frame_bytes(g);
        found = true;
        *ret_seen = one[0] | two[0];
        for (uint32_t i = 1; i < FRAME_SIZE / 8; i += 37)
            *ret_seen |= one[i] | two[i];
        if (write)
            one[1 + here->id] = *ret_seen; /* into a word of its own */
    }
    space_leave(watched[1]);
    space_leave(watched[0]);
    return found;
}

static void *look(void *arg)
{
    uintptr_t wrong = 0;
    here = arg;
    for (uint32_t i = 0; !atomic_load(&stop); i++) {
        uint64_t seen = 0;
        if (look_once(i % SPOTS, here->id == 2, &seen))
            wrong += seen != 0;
    }
    here = NULL;
    return (void *)wrong;
}

/* One is inside, and takes its time: the frame is still its space's, whatever another does. */
static _Atomic int stage;

static void *linger(void *cpu)
{
    struct frame_id f = NO_FRAME;
    here = cpu;
    uintptr_t wrong = space_enter(watched[0]) != UKERN_OK || space_access(watched[0], 0x10000, PERM_USER, &f) != UKERN_OK;
    atomic_store(&stage, 1);
    usleep(30000);
    wrong += frame_refs(f) != 1;
    atomic_store(&stage, 2);
    space_leave(watched[0]);
    here = NULL;
    return (void *)wrong;
}

START_TEST(a_frame_stays_while_somebody_uses_it)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = 2 };
    pthread_t thread;
    void *wrong;
    ck_ok(harness_boot(&p, 0, &m));
    ck_ok(space_new(ROOT_CONTAINER, &watched[0]));
    ck_ok(space_map(watched[0], 0x10000, 1, PERM_USER));
    atomic_store(&stage, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, linger, &m->cpu[1]), 0);
    while (atomic_load(&stage) == 0)
        sched_yield();
    ck_ok(space_unmap(watched[0], 0x10000, 1));
    ck_assert_int_eq(atomic_load(&stage), 2);
    pthread_join(thread, &wrong);
    ck_assert_ptr_null(wrong);
    space_destroy(watched[0]);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

START_TEST(who_looks_never_sees_what_is_gone)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = LOOKERS + 1, .ram = 64 * FRAME_SIZE };
    pthread_t thread[LOOKERS];
    ck_ok(harness_boot(&p, 0, &m));
    for (uint32_t i = 0; i < 2; i++)
        ck_ok(space_new(ROOT_CONTAINER, &watched[i]));
    ck_ok(space_map(watched[1], 0x10000, SPOTS, PERM_USER));
    atomic_store(&stop, false);
    for (uint32_t i = 0; i < LOOKERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, look, &m->cpu[i + 1]), 0);
    for (uint32_t i = 0, n = harness_rounds(2000); i < n; i++) {
        uint64_t va = 0x10000 + (uint64_t)(i % SPOTS) * FRAME_SIZE;
        struct frame_id f;
        ck_ok(space_map(watched[0], va, 1, PERM_USER | PERM_WRITE));
        if (i % 8 == 0) /* both spaces change */
            ck_ok(space_unmap(watched[1], va, 1));
        ck_ok(space_unmap(watched[0], va, 1));
        ck_ok(container_alloc(ROOT_CONTAINER, &f)); /* most likely the same frame, somebody else's now */
        memset(frame_bytes(f), 0xaa, FRAME_SIZE);
        ck_ok(container_free(f));
        if (i % 8 == 0)
            ck_ok(space_map(watched[1], va, 1, PERM_USER));
    }
    atomic_store(&stop, true);
    for (uint32_t i = 0; i < LOOKERS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_msg(!wrong, "CPU %u saw another's bytes %zu times", i + 1, (size_t)wrong);
    }
    space_destroy(watched[0]);
    space_destroy(watched[1]);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

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
        for (; count < COUNT_OF(s) && space_new(ROOT_CONTAINER, &s[count]) == UKERN_OK; count++) {
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
        ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_status(space_new(ROOT_CONTAINER, &s), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

/* ---- windows ---- */

START_TEST(windows_are_aligned_apart_and_dark)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id a, b;
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    uint8_t *base = space_base(a), *other = space_base(b);
    ck_assert_uint_eq((uintptr_t)base & (UKERN_WINDOW - 1), 0);
    ck_assert_uint_eq((uintptr_t)other & (UKERN_WINDOW - 1), 0);
    ck_assert_ptr_ne(base, other);
    ck_assert(!harness_readable(base) && !harness_readable(base + UKERN_WINDOW - 1) && !harness_readable(other + 12345678));
    ck_ok(space_map(a, 0, 1, PERM_USER | PERM_WRITE));
    base[17] = 42;
    space_destroy(a);
    ck_assert(!harness_readable(base));
    ck_ok(space_new(ROOT_CONTAINER, &a));
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
#ifdef UKERN_CHECK
    ck_assert_uint_gt(here->refused, 0); /* what specs read */
#endif
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
    ck_ok(space_new(ROOT_CONTAINER, &s));
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
        ck_ok(space_new(ROOT_CONTAINER, &s));
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
        ck_ok(space_new(ROOT_CONTAINER, &s));
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
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_map(a, 0x3000, 2, PERM_USER | PERM_WRITE));
    memset(space_base(a) + 0x3000, 0x11, 8192);
    here = &two->cpu[0];
    ck_assert_uint_eq(frame_used(), 0);
    ck_ok(space_new(ROOT_CONTAINER, &b));
    ck_assert_uint_eq(a.n, b.n);
    ck_status(space_read(b, 0x3000, &f, &perm), UKERN_NOTFOUND);
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
              with_too_few_frames_nothing_changes, slots_run_out_and_come_back,
              without_host_addresses_there_is_no_space, without_host_mappings_nothing_changes,
              every_host_mapping_fails_in_turn, large_pages_come_and_go_whole, demand_reserves_what_it_covers,
              the_first_write_marks_the_page, another_cpu_forgets_what_is_unmapped, quota_is_charged_and_comes_home,
              a_frame_stays_while_somebody_uses_it, who_looks_never_sees_what_is_gone, cpus_race_for_slots, windows_are_aligned_apart_and_dark,
              windows_refuse_what_they_do_not_hold, windows_take_what_they_need_and_give_it_back,
              sanitizer_marks_go_with_the_page,
              a_freed_machine_leaves_no_window, machines_are_apart)
