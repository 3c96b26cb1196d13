/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/share_op: each step of the handshake changes the entries that it names, and nothing else; a step that is
 * refused leaves both dead. */
#include "mm/share_op.h"
#include "harness.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/space.h"

static struct space_id a, b, c;
static struct share_pair pair(struct space_id i, struct space_id j) { return (struct share_pair){ i, j }; }

static void is(struct share_pair p, uint32_t state, uint32_t seen, uint64_t va)
{
    struct share_entry e = share_entry_get(p);
    ck_assert_msg(e.state == state && e.seen == seen && e.va == va, "(%u, %u) is (%u, %u, %#llx), expected (%u, %u, %#llx)", p.i.n,
                  p.j.n, e.state, e.seen, (unsigned long long)e.va, state, seen, (unsigned long long)va);
}

static struct ukern *set_up(void)
{
    struct ukern *m = harness_make(128 * FRAME_SIZE);
    ck_ok(space_new(ROOT_CONTAINER, &a));
    ck_ok(space_new(ROOT_CONTAINER, &b));
    ck_ok(space_new(ROOT_CONTAINER, &c));
    return m;
}

static void tear_down(struct ukern *m)
{
    is(pair(a, c), SHARE_DEAD, 1, 0); /* a bystander */
    is(pair(c, b), SHARE_DEAD, 1, 0);
    space_destroy(a);
    space_destroy(b);
    space_destroy(c);
    ck_assert_uint_eq(frame_used(), 0);
    harness_free(m);
}

START_TEST(pending_changes_one_side)
{
    struct ukern *m = set_up();
    ck_ok(share_op_pending(pair(a, b), 0x5000));
    is(pair(a, b), SHARE_PENDING, 1, 0x5000);
    is(pair(b, a), SHARE_DEAD, 1, 0);
    ck_ok(share_op_pending(pair(b, a), 0x6000));
    is(pair(a, b), SHARE_PENDING, 1, 0x5000);
    is(pair(b, a), SHARE_PENDING, 1, 0x6000);
    tear_down(m);
}
END_TEST

START_TEST(dead_is_seen_by_who_gives_up)
{
    struct ukern *m = set_up();
    ck_ok(share_op_pending(pair(b, a), 0x6000));
    share_op_dead(pair(a, b));
    is(pair(a, b), SHARE_DEAD, 1, 0);
    is(pair(b, a), SHARE_DEAD, 0, 0);
    share_op_seen(pair(b, a));
    is(pair(b, a), SHARE_DEAD, 1, 0);
    share_op_seen(pair(b, a)); /* again: nothing */
    is(pair(b, a), SHARE_DEAD, 1, 0);
    tear_down(m);
}
END_TEST

START_TEST(ready_makes_one_page_of_both)
{
    struct ukern *m = set_up();
    struct frame_id f, g;
    uint32_t perm, used = frame_used();
    ck_ok(share_op_pending(pair(b, a), 0x6000));
    ck_ok(share_op_ready(pair(a, b), 0x5000));
    is(pair(a, b), SHARE_READY, 1, 0x5000);
    is(pair(b, a), SHARE_READY, 0, 0x6000);
    ck_ok(space_read(a, 0x5000, &f, &perm));
    ck_ok(space_read(b, 0x6000, &g, &perm));
    ck_assert(f.n == g.n && perm == (PERM_USER | PERM_WRITE));
    ck_assert_uint_eq(frame_refs(f), 2);
    ck_assert_uint_eq(frame_used(), used + 7); /* three tables each */
    tear_down(m);
}
END_TEST

START_TEST(ready_that_is_refused_is_dead)
{
    struct ukern *m = set_up();
    struct frame_id f;
    uint32_t perm;
    ck_ok(space_map(b, 0x6000, 1, PERM_USER));
    uint32_t used = frame_used();
    ck_ok(share_op_pending(pair(b, a), 0x6000));
    ck_status(share_op_ready(pair(a, b), 0x5000), UKERN_EXISTS);
    is(pair(a, b), SHARE_DEAD, 1, 0);
    is(pair(b, a), SHARE_DEAD, 0, 0);
    ck_status(space_read(a, 0x5000, &f, &perm), UKERN_NOTFOUND);
    ck_assert_uint_eq(frame_used(), used);
    tear_down(m);
}
END_TEST

HARNESS_TESTS("mm/share_op", pending_changes_one_side, dead_is_seen_by_who_gives_up, ready_makes_one_page_of_both,
              ready_that_is_refused_is_dead)
