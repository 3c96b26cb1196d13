/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/share: random offers, questions and revocations among spaces against a model; every shortage in the middle of
 * a handshake; spaces that go while they share. */
#include "mm/share.h"
#include "harness.h"
#include "host/ram.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/space.h"
#include <ukern/user.h>

enum { SPACES = 5, SPOTS = 6 };
#define SPOT(n) (UINT64_C(0x10000) + (uint64_t)(n) * FRAME_SIZE)

static struct share_pair pair(struct space_id i, struct space_id j) { return (struct share_pair){ i, j }; }

struct model {
    struct space_id id[SPACES];
    struct share_entry entry[SPACES][SPACES];
    bool mapped[SPACES][SPOTS];
};

static void model_dead(struct model *m, uint32_t i, uint32_t j)
{
    m->entry[i][j] = SHARE_BOOT;
    m->entry[j][i] = (struct share_entry){ SHARE_DEAD, 0, 0 };
}

static uint32_t spot_of(uint64_t va) { return (uint32_t)((va - SPOT(0)) / FRAME_SIZE); }

static void agrees(const struct model *m)
{
    struct frame_id f, g;
    uint32_t perm;
    for (uint32_t i = 0; i < SPACES; i++) {
        for (uint32_t s = 0; s < SPOTS; s++)
            ck_status(space_read(m->id[i], SPOT(s), &f, &perm), m->mapped[i][s] ? UKERN_OK : UKERN_NOTFOUND);
        for (uint32_t j = 0; j < SPACES; j++) {
            if (i == j)
                continue;
            struct share_entry e = share_entry_get(pair(m->id[i], m->id[j])), want = m->entry[i][j];
            ck_assert(e.state == want.state && e.seen == want.seen && e.va == want.va);
            if (e.state != SHARE_READY)
                continue;
            ck_ok(space_read(m->id[i], e.va, &f, &perm));
            ck_ok(space_read(m->id[j], m->entry[j][i].va, &g, &perm));
            ck_assert_uint_eq(f.n, g.n);
            volatile uint64_t *mine = (volatile uint64_t *)(void *)(space_base(m->id[i]) + e.va);
            volatile uint64_t *theirs = (volatile uint64_t *)(void *)(space_base(m->id[j]) + m->entry[j][i].va);
            *mine = i * 100 + j;
            ck_assert_uint_eq(*theirs, i * 100 + j);
        }
    }
}

static void step_offer(struct model *m, uint32_t i, uint32_t j, uint32_t spot)
{
    struct share_entry *mine = &m->entry[i][j], *theirs = &m->entry[j][i];
    uint32_t state = 99;
    if (mine->state == SHARE_READY) {
        ck_status(share_offer(pair(m->id[i], m->id[j]), SPOT(spot), &state), UKERN_BUSY);
        ck_assert_uint_eq(state, 99);
        return;
    }
    ck_ok(share_offer(pair(m->id[i], m->id[j]), SPOT(spot), &state));
    if (mine->state == SHARE_PENDING) {
        ck_assert_uint_eq(state, SHARE_PENDING);
    } else if (theirs->state != SHARE_PENDING) {
        ck_assert_uint_eq(state, SHARE_PENDING);
        *mine = (struct share_entry){ SHARE_PENDING, 1, SPOT(spot) };
    } else if (m->mapped[i][spot] || m->mapped[j][spot_of(theirs->va)]) {
        ck_assert_uint_eq(state, SHARE_DEAD);
        model_dead(m, i, j);
    } else {
        ck_assert_uint_eq(state, SHARE_READY);
        m->mapped[i][spot] = m->mapped[j][spot_of(theirs->va)] = true;
        *mine = (struct share_entry){ SHARE_READY, 1, SPOT(spot) };
        *theirs = (struct share_entry){ SHARE_READY, 0, theirs->va };
    }
}

static void model_unmap(struct model *m, uint32_t i, uint32_t j)
{
    m->mapped[i][spot_of(m->entry[i][j].va)] = false;
    m->mapped[j][spot_of(m->entry[j][i].va)] = false;
}

static void step_revoke(struct model *m, uint32_t i, uint32_t j)
{
    bool dead = m->entry[i][j].state == SHARE_DEAD && m->entry[j][i].state == SHARE_DEAD;
    ck_status(share_revoke(pair(m->id[i], m->id[j])), dead ? UKERN_NOTFOUND : UKERN_OK);
    if (m->entry[i][j].state == SHARE_READY)
        model_unmap(m, i, j);
    if (!dead)
        model_dead(m, i, j);
}

static void step_end(struct model *m, uint32_t i)
{
    share_gone(m->id[i]);
    space_destroy(m->id[i]);
    for (uint32_t j = 0; j < SPACES; j++) {
        if (j == i)
            continue;
        if (m->entry[i][j].state == SHARE_READY)
            model_unmap(m, i, j);
        m->entry[i][j] = m->entry[j][i] = SHARE_BOOT;
    }
    memset(m->mapped[i], 0, sizeof m->mapped[i]);
    ck_ok(space_new(ROOT_CONTAINER, &m->id[i])); /* the same number again: nothing may be left of the old one */
}

static void step(struct model *m, struct harness_random *r)
{
    uint32_t i = (uint32_t)harness_below(r, SPACES), j = (i + 1 + (uint32_t)harness_below(r, SPACES - 1)) % SPACES, state = 99;
    switch (harness_below(r, 12)) {
    case 0 ... 5:
        step_offer(m, i, j, (uint32_t)harness_below(r, SPOTS));
        return;
    case 6 ... 8: {
        struct share_entry *e = &m->entry[i][j];
        ck_ok(share_status(pair(m->id[i], m->id[j]), &state));
        ck_assert_uint_eq(state, e->seen && m->entry[j][i].state == SHARE_PENDING ? (uint32_t)SHARE_PENDING : e->state);
        e->seen = 1;
        return;
    }
    case 9 ... 10:
        step_revoke(m, i, j);
        return;
    default:
        if (harness_below(r, 4) == 0)
            step_end(m, i);
    }
}

START_TEST(random_calls_agree_with_the_model)
{
    static struct model m;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct ukern *k = harness_make(256 * FRAME_SIZE);
        struct harness_random r = { seed };
        memset(&m, 0, sizeof m);
        for (uint32_t i = 0; i < SPACES * SPACES; i++)
            (&m.entry[0][0])[i] = SHARE_BOOT;
        for (uint32_t i = 0; i < SPACES; i++)
            ck_ok(space_new(ROOT_CONTAINER, &m.id[i]));
        for (uint32_t n = 0, rounds = harness_rounds(1500); n < rounds; n++) {
            step(&m, &r);
            if (n % 10 == 0)
                agrees(&m);
        }
        agrees(&m);
        for (uint32_t i = 0; i < SPACES; i++) {
            share_gone(m.id[i]);
            space_destroy(m.id[i]);
        }
        ck_assert_uint_eq(frame_used(), 0);
        if (k->share_entry)
            ck_assert_uint_eq(share_entry_peek_count(), 0);
        harness_free(k);
    }
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    struct ukern *m = harness_make(128 * FRAME_SIZE);
    struct space_id a, b, gone;
    uint32_t state = 99;
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    ck_ok(space_new(ROOT_CONTAINER, &gone));
    space_destroy(gone);
    const struct share_pair wrong[] = { { a, a }, { a, gone }, { gone, a }, { a, { 20 } }, { NO_SPACE, b }, { gone, NO_SPACE } };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_status(share_status(wrong[i], &state), UKERN_BADARG);
        ck_status(share_offer(wrong[i], 0x5000, &state), UKERN_BADARG);
        ck_status(share_revoke(wrong[i]), UKERN_BADARG);
        share_gone(wrong[i].i);
    }
    static const uint64_t outside[] = { 1, 0x5001, UKERN_WINDOW, UKERN_WINDOW - 1, UINT64_MAX - 4095, UINT64_C(1) << 47 };
    for (uint32_t i = 0; i < COUNT_OF(outside); i++)
        ck_status(share_offer(pair(a, b), outside[i], &state), UKERN_BADARG);
    ck_status(share_revoke(pair(a, b)), UKERN_NOTFOUND);
    ck_assert_uint_eq(state, 99);
    space_destroy(a);
    space_destroy(b);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

/* ---- shortage ---- */

/* The second offer with k free frames: a page, and three tables in each space. */
static void with_frames(uint32_t k)
{
    struct ukern *m = harness_make(64 * FRAME_SIZE);
    struct space_id a, b;
    struct frame_id f;
    uint32_t state = 99, perm;
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    ck_ok(share_offer(pair(a, b), 0x5000, &state));
    while (frame_usable() - frame_used() > k)
        ck_ok(container_alloc(ROOT_CONTAINER, &f));
    uint32_t used = frame_used();
    ck_ok(share_offer(pair(b, a), 0x6000, &state));
    ck_assert_uint_eq(state, k < 7 ? SHARE_DEAD : SHARE_READY);
    ck_assert_uint_eq(frame_used(), used + (k < 7 ? 0 : 7));
    ck_status(space_read(a, 0x5000, &f, &perm), k < 7 ? UKERN_NOTFOUND : UKERN_OK);
    ck_assert_int_eq(harness_readable(space_base(b) + 0x6000), k >= 7);
    if (k < 7) { /* a shall see it, then it can begin again */
        ck_ok(share_status(pair(a, b), &state));
        ck_assert_uint_eq(state, SHARE_DEAD);
    } else {
        ck_ok(share_revoke(pair(a, b)));
        ck_assert(!harness_readable(space_base(b) + 0x6000) && !harness_readable(space_base(a) + 0x5000));
    }
    ck_assert_uint_eq(frame_used(), used);
    harness_free(m);
}

START_TEST(a_handshake_without_memory_dies)
{
    for (uint32_t k = 0; k < 9; k++)
        with_frames(k);
}
END_TEST

/* Who pays for the page is who completes the handshake; it is counted once. */
START_TEST(a_shared_page_is_paid_once)
{
    struct ukern *m = harness_make(128 * FRAME_SIZE);
    struct container_id first, second;
    struct container_info one, two;
    struct space_id a, b;
    uint32_t state;
    ck_ok(container_split(ROOT_CONTAINER, 20, &first));
    ck_ok(container_split(ROOT_CONTAINER, 20, &second));
    ck_ok(space_new(first, &a));
    ck_ok(space_new(second, &b));
    ck_ok(share_offer(pair(a, b), 0x5000, &state));
    ck_ok(share_offer(pair(b, a), 0x6000, &state));
    ck_assert_uint_eq(state, SHARE_READY);
    ck_ok(container_info(first, &one));
    ck_ok(container_info(second, &two));
    ck_assert_uint_eq(one.usage, 4); /* root and three tables */
    ck_assert_uint_eq(two.usage, 5); /* and the page */
    share_gone(a);
    space_destroy(a);
    ck_ok(container_info(second, &two));
    ck_assert_uint_eq(two.usage, 1);
    space_destroy(b);
    ck_ok(container_revoke(first));
    ck_ok(container_revoke(second));
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

/* A space unmaps its side by itself: the other keeps the page until the end of sharing. */
START_TEST(one_side_may_unmap_before)
{
    struct ukern *m = harness_make(128 * FRAME_SIZE);
    struct space_id a, b;
    struct frame_id f;
    uint32_t state, perm;
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    ck_ok(share_offer(pair(a, b), 0x5000, &state));
    ck_ok(share_offer(pair(b, a), 0x6000, &state));
    ck_ok(space_unmap(b, 0x6000, 1));
    ck_ok(space_read(a, 0x5000, &f, &perm));
    ck_assert_uint_eq(frame_refs(f), 1);
    ck_ok(share_revoke(pair(b, a)));
    ck_assert_uint_eq(frame_refs(f), 0);
    ck_status(space_read(a, 0x5000, &f, &perm), UKERN_NOTFOUND);
    ck_ok(share_status(pair(a, b), &state)); /* a had not seen the end */
    ck_assert_uint_eq(state, SHARE_DEAD);
    space_destroy(a);
    space_destroy(b);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}
END_TEST

HARNESS_TESTS("mm/share", random_calls_agree_with_the_model, wrong_arguments_are_refused, a_handshake_without_memory_dies,
              a_shared_page_is_paid_once, one_side_may_unmap_before)
