/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/lock: exclusion and order between host threads, release at every way out of a scope, and the check build's rules. */
#include "core/lock.h"
#include "harness.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS = 4, TURNS = 20000 };

struct shared {
    struct lock lock;
    uint64_t a, b;
    struct ukern *m;
};

static void *adds(void *arg)
{
    struct shared *s = arg;
    struct cpu cpu = { .m = s->m };
    here = &cpu;
    for (int i = 0; i < TURNS; i++) {
        LOCK_SCOPE(&s->lock);
        uint64_t a = s->a;
        if (i % 64 == 0)
            sched_yield(); /* others run into the lock, also on one host core */
        s->a = a + 1;
        s->b++;
    }
    here = NULL;
    return NULL;
}

START_TEST(excludes)
{
    struct shared s = { .m = harness_make(1 << 20) };
    pthread_t thread[THREADS];
    lock_init(&s.lock, LAYER_mm_frame);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, adds, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    ck_assert_uint_eq(s.a, (uint64_t)THREADS * TURNS);
    ck_assert_uint_eq(s.b, s.a);
    harness_free(s.m);
}
END_TEST

static int leaves_early(struct lock *l, int when)
{
    LOCK_SCOPE(l);
    if (when == 0)
        return 0;
    for (int i = 0;; i++)
        if (i == when)
            return i;
}

START_TEST(given_at_every_way_out)
{
    struct ukern *m = harness_make(1 << 20);
    struct lock l;
    lock_init(&l, LAYER_mm_frame);
    for (int i = 0; i < 70000; i++) { /* the tickets wrap */
        ck_assert_int_eq(leaves_early(&l, i % 3), i % 3);
        ck_assert_uint_eq((uint16_t)(atomic_load(&l.next) - atomic_load(&l.serving)), 0);
    }
    harness_free(m);
}
END_TEST

/* ---- pairs ---- */

enum { ACCOUNTS = 5 };

static struct accounts {
    struct { struct lock lock; int64_t holds; } of[ACCOUNTS];
    struct ukern *m;
} accounts;

/* Moves between any two accounts, named in any order: nobody waits for ever, nothing is lost. */
static void *moves(void *arg)
{
    struct cpu cpu = { .m = accounts.m, .id = *(uint32_t *)arg };
    struct harness_random r = { cpu.id };
    here = &cpu;
    for (int i = 0; i < TURNS; i++) {
        uint32_t from = (uint32_t)harness_below(&r, ACCOUNTS), to = (from + 1 + (uint32_t)harness_below(&r, ACCOUNTS - 1)) % ACCOUNTS;
        LOCK_PAIR_SCOPE(&accounts.of[from].lock, &accounts.of[to].lock);
        if (i % 64 == 0)
            sched_yield();
        accounts.of[from].holds--;
        accounts.of[to].holds++;
    }
    here = NULL;
    return NULL;
}

START_TEST(pairs_never_deadlock)
{
    uint32_t id[THREADS];
    pthread_t thread[THREADS];
    int64_t sum = 0;
    accounts.m = harness_make(1 << 20);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        lock_init(&accounts.of[i].lock, LAYER_mm_frame);
    for (uint32_t i = 0; i < THREADS; i++) {
        id[i] = i;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, moves, &id[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        sum += accounts.of[i].holds;
        ck_assert_uint_eq(atomic_load(&accounts.of[i].lock.next), atomic_load(&accounts.of[i].lock.serving));
    }
    ck_assert_int_eq(sum, 0);
    harness_free(accounts.m);
}
END_TEST

#ifdef UKERN_CHECK
static struct lock low, low2, high;

static void pair(void *arg)
{
    (void)arg;
    LOCK_SCOPE(&high);
    LOCK_PAIR_SCOPE(&low2, &low);
}
static void twice_without_pair(void *arg)
{
    (void)arg;
    LOCK_SCOPE(&low);
    LOCK_SCOPE(&low2);
}
static void pair_of_two_ranks(void *arg)
{
    (void)arg;
    LOCK_PAIR_SCOPE(&low, &high);
}
static void pair_below_one_of_it(void *arg)
{
    (void)arg;
    LOCK_SCOPE(&low);
    LOCK_PAIR_SCOPE(&low2, &high);
}

static void up(void *arg)
{
    (void)arg;
    LOCK_SCOPE(&low);
    LOCK_SCOPE(&high);
}
static void down(void *arg)
{
    (void)arg;
    LOCK_SCOPE(&high);
    LOCK_SCOPE(&low);
}
static void gives_twice(void *arg)
{
    (void)arg;
    lock_take(&low);
    lock_give(&low);
    lock_give(&low);
}
static void gives_in_wrong_order(void *arg)
{
    (void)arg;
    lock_take(&high);
    lock_take(&low);
    lock_give(&high);
}

START_TEST(the_check_build_knows_the_rules)
{
    static const struct { void (*step)(void *); bool breaks; } all[] = {
        { down, false }, { up, true }, { gives_twice, true }, { gives_in_wrong_order, true },
        { pair, false }, { twice_without_pair, true }, { pair_of_two_ranks, true }, { pair_below_one_of_it, true },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct ukern *m = harness_make(1 << 20);
        lock_init(&low, LAYER_mm_frame);
        lock_init(&low2, LAYER_mm_frame);
        lock_init(&high, LAYER_ipc_chan);
        ck_assert_int_eq(harness_breaks(all[i].step, NULL), all[i].breaks);
        harness_free(m);
    }
}
END_TEST
#endif

HARNESS_TESTS("core/lock", excludes, given_at_every_way_out, pairs_never_deadlock
#ifdef UKERN_CHECK
              , the_check_build_knows_the_rules
#endif
)
