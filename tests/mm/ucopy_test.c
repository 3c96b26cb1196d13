/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/ucopy: random copies, page edges and wild addresses among them, against a copy that goes byte by byte. */
#include "mm/ucopy.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/space.h"
#include <pthread.h>
#include <ukern/user.h>

/* ---- the model: two spaces of pages over some frames; frames can be in both, and twice in one ---- */

enum { SPACES = 2, FRAMES = 12, PAGES = 24, BUFFER = 5 * FRAME_SIZE };
#define LOW UINT64_C(0x10000)
#define LAST (UKERN_WINDOW - FRAME_SIZE)

struct model {
    struct space_id id[SPACES], stock; /* stock: where all the frames are */
    int frame[SPACES][PAGES + 1]; /* -1: not mapped; the last one is the last page of the space */
    uint32_t perm[SPACES][PAGES + 1];
    uint8_t bytes[FRAMES][FRAME_SIZE];
    struct frame_id real[FRAMES];
};

static uint64_t page_va(uint32_t page) { return page == PAGES ? LAST : LOW + (uint64_t)page * FRAME_SIZE; }

/* The byte at va, or NULL where an access with these permissions faults. */
static uint8_t *model_byte(struct model *m, uint32_t s, uint64_t va, uint32_t needed)
{
    uint64_t page = va >= LAST ? PAGES : (va - LOW) >> FRAME_SHIFT;
    if (va < LOW || va >= UKERN_WINDOW || (page >= PAGES && va < LAST))
        return NULL;
    if (m->frame[s][page] < 0 || (m->perm[s][page] & needed) != needed)
        return NULL;
    return &m->bytes[m->frame[s][page]][va & (FRAME_SIZE - 1)];
}

static void model_make(struct model *m, struct harness_random *r)
{
    uint32_t perm;
    ck_ok(space_new(ROOT_CONTAINER, &m->stock));
    ck_ok(space_map(m->stock, 0, FRAMES, PERM_ALL));
    for (uint32_t i = 0; i < FRAMES; i++) {
        ck_ok(space_read(m->stock, (uint64_t)i << FRAME_SHIFT, &m->real[i], &perm));
        for (uint32_t k = 0; k < FRAME_SIZE; k++)
            frame_bytes(m->real[i])[k] = m->bytes[i][k] = (uint8_t)harness_random(r);
    }
    for (uint32_t s = 0; s < SPACES; s++) {
        ck_ok(space_new(ROOT_CONTAINER, &m->id[s]));
        for (uint32_t i = 0; i <= PAGES; i++) {
            m->frame[s][i] = harness_below(r, 6) ? (int)harness_below(r, FRAMES) : -1;
            m->perm[s][i] = harness_below(r, 4) ? PERM_USER | PERM_WRITE : (uint32_t)harness_below(r, PERM_ALL + 1);
            if (m->frame[s][i] >= 0)
                ck_ok(space_share(m->stock, (uint64_t)m->frame[s][i] << FRAME_SHIFT, m->id[s], page_va(i), m->perm[s][i]));
        }
    }
}

static void model_agrees(const struct model *m)
{
    for (uint32_t i = 0; i < FRAMES; i++)
        ck_assert_msg(memcmp(frame_bytes(m->real[i]), m->bytes[i], FRAME_SIZE) == 0, "bytes of frame %u differ", i);
}

/* ---- random copies ---- */

static uint64_t some_va(struct harness_random *r)
{
    static const uint64_t wild[] = { 0, UKERN_WINDOW - 1, UKERN_WINDOW, UKERN_WINDOW + LOW, UINT64_MAX, UINT64_MAX - 5000, UINT64_C(1) << 47,
                                     (UINT64_C(1) << 48) + LOW, UINT64_C(0xffff800000000000) + LOW, LAST - 10, UKERN_WINDOW - 100 };
    if (harness_below(r, 8) == 0)
        return wild[harness_below(r, COUNT_OF(wild))];
    uint64_t va = LOW + harness_below(r, PAGES) * FRAME_SIZE;
    return harness_below(r, 2) ? va + harness_below(r, FRAME_SIZE) : va - 8 + harness_below(r, 16); /* near an edge */
}

static uint64_t some_length(struct harness_random *r)
{
    switch (harness_below(r, 4)) {
    case 0: return harness_below(r, 20);
    case 1: return FRAME_SIZE - 8 + harness_below(r, 16);
    default: return harness_below(r, BUFFER);
    }
}

static void step_in(struct model *m, struct harness_random *r, uint8_t *buffer, uint8_t *expected)
{
    uint32_t s = (uint32_t)harness_below(r, SPACES);
    uint64_t va = some_va(r), n = some_length(r), done = 77, good = 0;
    memset(buffer, 0xaa, BUFFER);
    memset(expected, 0xaa, BUFFER);
    for (uint8_t *p; good < n && (p = model_byte(m, s, va + good, PERM_USER)); good++)
        expected[good] = *p;
    ck_status(ucopy_in(m->id[s], va, (struct kernel_bytes){ buffer }, n, &done), good == n ? UKERN_OK : UKERN_FAULT);
    ck_assert_uint_eq(done, good);
    ck_assert(memcmp(buffer, expected, BUFFER) == 0);
}

static void step_out(struct model *m, struct harness_random *r, uint8_t *buffer)
{
    uint32_t s = (uint32_t)harness_below(r, SPACES);
    uint64_t va = some_va(r), n = some_length(r), done = 77, good = 0;
    for (uint32_t i = 0; i < BUFFER; i++)
        buffer[i] = (uint8_t)harness_random(r);
    for (uint8_t *p; good < n && (p = model_byte(m, s, va + good, PERM_USER | PERM_WRITE)); good++)
        *p = buffer[good];
    ck_status(ucopy_out(m->id[s], va, (struct kernel_bytes){ buffer }, n, &done), good == n ? UKERN_OK : UKERN_FAULT);
    ck_assert_uint_eq(done, good);
}

static void step_move(struct model *m, struct harness_random *r)
{
    uint32_t from = (uint32_t)harness_below(r, SPACES), to = (uint32_t)harness_below(r, SPACES);
    uint64_t from_va = some_va(r), to_va = some_va(r), n = some_length(r), done = 77, good = 0;
    if (harness_below(r, 4) == 0) { /* a little apart: they overlap */
        to = from;
        to_va = from_va + harness_below(r, 100) - 50;
    }
    for (; good < n; good++) {
        uint8_t *source = model_byte(m, from, from_va + good, PERM_USER);
        uint8_t *target = model_byte(m, to, to_va + good, PERM_USER | PERM_WRITE);
        if (!source || !target)
            break;
        *target = *source;
    }
    ck_status(ucopy_move(m->id[from], from_va, m->id[to], to_va, n, &done), good == n ? UKERN_OK : UKERN_FAULT);
    ck_assert_uint_eq(done, good);
}

static void step_check(struct model *m, struct harness_random *r)
{
    uint32_t s = (uint32_t)harness_below(r, SPACES), perm = (uint32_t)harness_below(r, PERM_ALL + 1) | PERM_USER;
    uint64_t va = some_va(r), n = some_length(r), good = 0;
    while (good < n && model_byte(m, s, va + good, perm))
        good++;
    ck_status(ucopy_check(m->id[s], va, n, perm), good == n ? UKERN_OK : UKERN_FAULT);
}

START_TEST(random_copies_agree_with_single_bytes)
{
    static struct model m;
    static uint8_t buffer[BUFFER], expected[BUFFER];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct ukern *machine = harness_make(64 * FRAME_SIZE);
        struct harness_random r = { seed };
        model_make(&m, &r);
        for (uint32_t i = 0, n = harness_rounds(600); i < n; i++) {
            switch (harness_below(&r, 4)) {
            case 0: step_in(&m, &r, buffer, expected); break;
            case 1: step_out(&m, &r, buffer); break;
            case 2: step_check(&m, &r); break;
            default: step_move(&m, &r);
            }
            model_agrees(&m);
        }
        for (uint32_t s = 0; s < SPACES; s++)
            space_destroy(m.id[s]);
        space_destroy(m.stock);
        ck_assert_uint_eq(frame_used(), 0);
        harness_free(machine);
    }
}
END_TEST

/* ---- the cases one by one ---- */

static struct space_id two_pages(uint32_t perm)
{
    struct space_id s;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_map(s, 0x5000, 2, perm));
    return s;
}

START_TEST(permissions_are_of_the_page)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    char byte = 7;
    for (uint32_t perm = 0; perm <= PERM_ALL; perm++) {
        struct space_id s = two_pages(perm), rw = two_pages(PERM_USER | PERM_WRITE);
        uint64_t done = 99;
        bool reads = perm & PERM_USER, writes = reads && perm & PERM_WRITE;
        ck_status(ucopy_in(s, 0x5000, (struct kernel_bytes){ &byte }, 1, &done), reads ? UKERN_OK : UKERN_FAULT);
        ck_assert_uint_eq(done, reads);
        ck_status(ucopy_out(s, 0x5000, (struct kernel_bytes){ &byte }, 1, &done), writes ? UKERN_OK : UKERN_FAULT);
        ck_assert_uint_eq(done, writes);
        ck_status(ucopy_move(s, 0x5000, rw, 0x5000, 1, &done), reads ? UKERN_OK : UKERN_FAULT);
        ck_assert_uint_eq(done, reads);
        ck_status(ucopy_move(rw, 0x5000, s, 0x5000, 1, &done), writes ? UKERN_OK : UKERN_FAULT);
        ck_assert_uint_eq(done, writes);
        space_destroy(s);
        space_destroy(rw);
    }
    harness_free(m);
}
END_TEST

START_TEST(nothing_is_always_possible)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s = two_pages(0);
    static const uint64_t va[] = { 0, 0x5000, UKERN_WINDOW, UINT64_MAX };
    for (uint32_t i = 0; i < COUNT_OF(va); i++) {
        uint64_t done = 99;
        ck_ok(ucopy_in(s, va[i], (struct kernel_bytes){ NULL }, 0, &done));
        ck_assert_uint_eq(done, 0);
        ck_ok(ucopy_out(s, va[i], (struct kernel_bytes){ NULL }, 0, &done));
        ck_ok(ucopy_move(s, va[i], s, va[i], 0, &done));
        ck_ok(ucopy_check(s, va[i], 0, PERM_USER));
    }
    space_destroy(s);
    harness_free(m);
}
END_TEST

START_TEST(absurd_lengths_end_at_the_first_fault)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    static uint8_t buffer[2 * FRAME_SIZE];
    struct space_id s = two_pages(PERM_USER | PERM_WRITE), t = two_pages(PERM_USER | PERM_WRITE);
    uint64_t done = 99;
    ck_status(ucopy_check(s, 0x5001, UINT64_MAX, PERM_USER), UKERN_FAULT);
    ck_status(ucopy_check(s, UINT64_MAX - 99, 200, PERM_USER), UKERN_FAULT);
    ck_ok(ucopy_check(s, 0x5001, 2 * FRAME_SIZE - 1, PERM_USER | PERM_WRITE));
    ck_status(ucopy_in(s, 0x5001, (struct kernel_bytes){ buffer }, UINT64_MAX, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 2 * FRAME_SIZE - 1);
    ck_status(ucopy_out(s, 0x5001, (struct kernel_bytes){ buffer }, UINT64_MAX, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 2 * FRAME_SIZE - 1);
    ck_status(ucopy_move(s, 0x5001, t, 0x5fff, UINT64_MAX, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, FRAME_SIZE + 1);
    ck_ok(space_map(s, UKERN_WINDOW - FRAME_SIZE, 1, PERM_USER | PERM_WRITE));
    ck_ok(space_map(s, 0, 1, PERM_USER | PERM_WRITE)); /* where a wrapping copy would go on */
    ck_status(ucopy_in(s, UKERN_WINDOW - 100, (struct kernel_bytes){ buffer }, 200, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 100);
    ck_status(ucopy_in(s, UINT64_MAX - 99, (struct kernel_bytes){ buffer }, 200, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 0);
    ck_status(ucopy_in(NO_SPACE, 0x5000, (struct kernel_bytes){ buffer }, 1, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 0);
    space_destroy(s);
    space_destroy(t);
    harness_free(m);
}
END_TEST

START_TEST(demand_pages_come_as_the_copy_does)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id s;
    static uint8_t buffer[4 * FRAME_SIZE];
    struct frame_id f;
    uint32_t perm;
    uint64_t done = 99;
    ck_ok(space_new(ROOT_CONTAINER, &s));
    ck_ok(space_demand(s, 0x10000, 3, PERM_USER | PERM_WRITE));
    memset(buffer, 0x55, sizeof buffer);
    ck_status(ucopy_out(s, 0x10800, (struct kernel_bytes){ buffer }, sizeof buffer, &done), UKERN_FAULT);
    ck_assert_uint_eq(done, 2 * FRAME_SIZE + 0x800);
    ck_status(space_read(s, 0x13000, &f, &perm), UKERN_NOTFOUND); /* not one page more */
    ck_ok(ucopy_in(s, 0x10000, (struct kernel_bytes){ buffer }, 3 * FRAME_SIZE, &done));
    ck_assert(buffer[0] == 0 && buffer[0x7ff] == 0 && buffer[0x800] == 0x55 && buffer[3 * FRAME_SIZE - 1] == 0x55);
    ck_ok(space_unmap(s, 0x11000, 1));
    ck_ok(ucopy_check(s, 0x11000, 1, PERM_WRITE)); /* the page is there again: a copy would not fault */
    ck_ok(space_read(s, 0x11000, &f, &perm));
    ck_ok(space_unmap(s, 0x11000, 1));
    while (container_alloc(ROOT_CONTAINER, &f) == UKERN_OK)
        ;
    ck_ok(container_free(f));
    while (container_alloc(ROOT_CONTAINER, &f) == UKERN_OK)
        ;
    ck_status(ucopy_in(s, 0x10000, (struct kernel_bytes){ buffer }, 3 * FRAME_SIZE, &done), UKERN_FAULT); /* no frame for it */
    ck_assert_uint_eq(done, FRAME_SIZE);
    space_destroy(s);
    harness_free(m);
}
END_TEST

/* ---- one copies, another takes the pages away and brings others ---- */

enum { COPIERS = 2, SPAN = 3 * FRAME_SIZE };
static struct space_id here_from, here_to;
static _Atomic bool stop;

static void *copy(void *arg)
{
    static uint8_t buffers[COPIERS + 1][SPAN];
    struct cpu *cpu = arg;
    uint8_t *buffer = buffers[cpu->id];
    uintptr_t wrong = 0;
    here = cpu;
    while (!atomic_load(&stop)) {
        uint64_t done = 99;
        enum ukern_status st = cpu->id == 1 ? ucopy_in(here_from, 0x10000, (struct kernel_bytes){ buffer }, SPAN, &done)
                                            : ucopy_move(here_from, 0x10000, here_to, 0x20000, SPAN, &done);
        wrong += done > SPAN || (st == UKERN_OK) != (done == SPAN) || done % FRAME_SIZE != 0;
        for (uint32_t i = 0; cpu->id == 1 && i < done; i++)
            wrong += buffer[i] != 0;
    }
    here = NULL;
    return (void *)wrong;
}

START_TEST(copies_and_unmaps_do_not_meet)
{
    struct ukern *m;
    struct ukern_params p = { .cpus = COPIERS + 1, .ram = 64 * FRAME_SIZE };
    pthread_t thread[COPIERS];
    ck_ok(harness_boot(&p, 0, &m));
    ck_ok(space_new(ROOT_CONTAINER, &here_from));
    ck_ok(space_new(ROOT_CONTAINER, &here_to));
    ck_ok(space_map(here_from, 0x10000, 3, PERM_USER | PERM_WRITE));
    ck_ok(space_map(here_to, 0x20000, 3, PERM_USER | PERM_WRITE));
    atomic_store(&stop, false);
    for (uint32_t i = 0; i < COPIERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, copy, &m->cpu[i + 1]), 0);
    for (uint32_t i = 0, n = harness_rounds(1500); i < n; i++) {
        uint64_t at = (uint64_t)(i % 3) * FRAME_SIZE;
        struct frame_id f;
        ck_ok(space_unmap(here_from, 0x10000 + at, 1));
        ck_ok(container_alloc(ROOT_CONTAINER, &f));
        memset(frame_bytes(f), 0xee, FRAME_SIZE);
        ck_ok(container_free(f));
        ck_ok(space_map(here_from, 0x10000 + at, 1, PERM_USER | PERM_WRITE));
        if (i % 4 == 0) {
            ck_ok(space_unmap(here_to, 0x20000 + at, 1));
            ck_ok(space_map(here_to, 0x20000 + at, 1, PERM_USER | PERM_WRITE));
        }
    }
    atomic_store(&stop, true);
    for (uint32_t i = 0; i < COPIERS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_msg(!wrong, "copier %u got %zu wrong bytes or counts", i + 1, (size_t)wrong);
    }
    space_destroy(here_from);
    space_destroy(here_to);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/ucopy", demand_pages_come_as_the_copy_does, copies_and_unmaps_do_not_meet, random_copies_agree_with_single_bytes, permissions_are_of_the_page, nothing_is_always_possible,
              absurd_lengths_end_at_the_first_fault)
