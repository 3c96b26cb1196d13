/* SPDX-License-Identifier: BSD-2-Clause */
/* The edges: the end of machine time, a failed check beside a held lock, two threads that type at once, a machine's fd. */
#include "core/lock.h"
#include "sched/thread.h"
#include "world.h"
#include <poll.h>
#include <pthread.h>

/* ---- machine time never runs backwards, however long somebody sleeps ---- */

static int sleeps_to_the_end(const struct ukern_start *start)
{
    (void)start;
    uint64_t before = ukern_time();
    for (int i = 0; i < 5; i++) {
        ukern_sleep(UINT64_MAX);
        ukern_sleep(UINT64_C(1) << 63);
        (void)ukern_wait_wake(UINT64_MAX - 1000);
        if (ukern_time() < before)
            return 1;
        before = ukern_time();
    }
    return 0;
}

static int looks_at_the_clock(const struct ukern_start *start)
{
    uint64_t before = ukern_time();
    (void)start;
    for (int i = 0; i < 200; i++) {
        ukern_sleep(1000);
        if (ukern_time() <= before)
            return 1;
        before = ukern_time();
    }
    return 0;
}

START_TEST(the_end_of_time)
{
    world_make(UKERN_SIM, 2);
    world_spawn((struct world_task){ .name = "sleeper", .program = sleeps_to_the_end });
    world_spawn((struct world_task){ .name = "looker", .program = looks_at_the_clock, .cpu = 1 });
    ck_ok(world_run());
    world_end();
}
END_TEST

/* ---- a check fails while its CPU holds a lock for which the others wait ---- */

#ifdef UKERN_CHECK
static struct lock contended;
static _Atomic uint32_t arrived;

/* The first to come holds the lock until the others wait for it, and then fails. */
static void drops_under_a_lock(struct thread_id t)
{
    bool first = atomic_fetch_add(&arrived, 1) == 0;
    (void)t;
    lock_take(&contended);
    while (first && (uint16_t)(contended.next - contended.serving) != 4) {
        engine_point(POINT_SPIN, 0, 0);
        here->m->ops->spin(here, 200);
    }
    CHECK(!first, "planted: it fails with the lock held");
    lock_give(&contended);
}

static int ends(const struct ukern_start *start)
{
    (void)start;
    return 0;
}

static void breaks_under_a_lock(void)
{
    atomic_store(&arrived, 0);
    lock_init(&contended, LAYER_ipc_chan);
    here = &world->m->cpu[0];
    thread_at_end(drops_under_a_lock);
    here = NULL;
    for (uint32_t i = 0; i < 4; i++)
        world_spawn((struct world_task){ .name = "ends", .program = ends, .cpu = i });
}

WORLD_TEST(nobody_waits_for_a_broken_cpu, 4)
{
    breaks_under_a_lock();
    ck_status(world_run(), UKERN_BROKEN);
    ck_assert(world_logged("it fails with the lock held"));
    ck_assert_ptr_nonnull(strstr(ukern_error(world->m), "it fails with the lock held"));
}

/* Whatever else ends the run in that moment: BROKEN is the worst, so it is the result. */
static void ends_and_breaks(struct thread_id t)
{
    ukern_stop(world->m);
    CHECK(t.n != 0, "planted: after the stop");
}

WORLD_TEST(broken_is_the_worst, 1)
{
    here = &world->m->cpu[0];
    thread_at_end(ends_and_breaks);
    here = NULL;
    world_spawn((struct world_task){ .name = "ends", .program = ends });
    ck_status(world_run(), UKERN_BROKEN);
}
#endif

/* ---- two threads type on one console ---- */

struct typist {
    pthread_t thread;
    struct ukern *m;
    char letter;
};
enum { TYPED = 30000 };

static void *types(void *arg)
{
    struct typist *t = arg;
    for (int done = 0; done < TYPED;) {
        size_t taken = ukern_console_input(t->m, 0, &t->letter, 1);
        done += (int)taken;
        if (!taken)
            sched_yield();
    }
    return NULL;
}

static int counts_letters(const struct ukern_start *start)
{
    char bytes[512];
    size_t got = 0, a = 0, b = 0;
    while (a + b < 2 * TYPED) {
        if (ukern_console_read(start->console, bytes, sizeof bytes, &got) != UKERN_OK)
            return 1;
        if (got == 0)
            (void)ukern_wait_wake(0);
        for (size_t i = 0; i < got; i++)
            a += bytes[i] == 'a', b += bytes[i] == 'b';
    }
    return a == TYPED && b == TYPED ? 0 : 2;
}

START_TEST(two_typists)
{
    world_make(UKERN_SMP, 1);
    struct typist typist[2] = { { .m = world->m, .letter = 'a' }, { .m = world->m, .letter = 'b' } };
    ukern_console_open(world->m, 0, true);
    world_spawn((struct world_task){ .name = "counts", .program = counts_letters });
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&typist[i].thread, NULL, types, &typist[i]), 0);
    ck_ok(world_run());
    for (int i = 0; i < 2; i++)
        pthread_join(typist[i].thread, NULL);
    world_end();
}
END_TEST

/* ---- the descriptor tells the end ---- */

static bool says_ended(void)
{
    struct pollfd fd = { .fd = ukern_fd(world->m), .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

static int sleeps_a_little(const struct ukern_start *start)
{
    (void)start;
    ukern_sleep(1000);
    return 0;
}

WORLD_TEST(the_descriptor_tells_the_end, 2)
{
    world_spawn((struct world_task){ .name = "sleeps", .program = sleeps_a_little });
    ck_assert(!says_ended());
    ck_ok(world_run());
    ck_assert(says_ended());
}

HARNESS_TESTS("edges", the_end_of_time,
#ifdef UKERN_CHECK
              WORLD_BOTH(nobody_waits_for_a_broken_cpu), WORLD_BOTH(broken_is_the_worst),
#endif
              two_typists, WORLD_BOTH(the_descriptor_tells_the_end))
