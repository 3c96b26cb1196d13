/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of sched/queue and sched/timer against models: an array in order of arrival; a sorted array. */
#include "harness.h"
#include "sched/queue.h"
#include "sched/timer.h"

enum { THREADS = 24, STEPS = 20000 };

static struct thread *thread[THREADS];

static struct ukern *boot(void)
{
    struct ukern *m = harness_make(1 << 20);
    ck_ok(tcb_init(THREADS));
    for (int i = 0; i < THREADS; i++) {
        ck_ok(tcb_new(&thread[i]));
        tcb_publish(thread[i]);
    }
    struct thread *more;
    ck_status(tcb_new(&more), UKERN_NOMEM);
    return m;
}

struct model {
    int at[THREADS], n; /* numbers in order of arrival */
};

static int place_of(const struct model *m, int t)
{
    for (int i = 0; i < m->n; i++)
        if (m->at[i] == t)
            return i;
    return -1;
}

static int model_take(struct model *m, int place)
{
    int t = m->at[place];
    m->n--;
    memmove(&m->at[place], &m->at[place + 1], (size_t)(m->n - place) * sizeof m->at[0]);
    return t;
}

/* Two queues of different links: a thread may be in both. */
START_TEST(queue_follows_its_model)
{
    struct ukern *machine = boot();
    struct harness_random r = { 1 };
    struct queue q[TCB_LINKS];
    struct model model[TCB_LINKS] = { { { 0 }, 0 }, { { 0 }, 0 } };
    for (int i = 0; i < TCB_LINKS; i++)
        queue_init(&q[i], (enum tcb_link)i);
    for (int step = 0; step < STEPS; step++) {
        int k = (int)harness_below(&r, TCB_LINKS), t = (int)harness_below(&r, THREADS), at = place_of(&model[k], t);
        switch (harness_below(&r, 3)) {
        case 0:
            if (at < 0) {
                queue_enqueue(&q[k], thread[t]);
                model[k].at[model[k].n++] = t;
            }
            break;
        case 1: {
            struct thread *got = queue_dequeue(&q[k]);
            ck_assert_ptr_eq(got, model[k].n ? thread[model_take(&model[k], 0)] : NULL);
            break;
        }
        default:
            ck_assert_int_eq(queue_remove(&q[k], thread[t]), at >= 0);
            if (at >= 0)
                model_take(&model[k], at);
        }
        ck_assert_int_eq(queue_empty(&q[k]), model[k].n == 0);
    }
    harness_free(machine);
}
END_TEST

/* The model's earliest: by deadline, then by order of arming. */
static int earliest(const struct model *m)
{
    int best = -1;
    for (int i = 0; i < m->n; i++)
        if (best < 0 || thread[m->at[i]]->deadline < thread[m->at[best]]->deadline)
            best = i;
    return best;
}

START_TEST(timers_follow_their_model)
{
    struct ukern *machine = boot();
    struct harness_random r = { 2 };
    struct timer_heap h = { 0 };
    struct model model = { { 0 }, 0 };
    uint64_t now = 0;
    ck_ok(timer_init(&h, THREADS));
    for (int step = 0; step < STEPS; step++) {
        int t = (int)harness_below(&r, THREADS), at = place_of(&model, t);
        switch (harness_below(&r, 3)) {
        case 0:
            if (at < 0) {
                timer_arm(&h, thread[t], now + 1 + harness_below(&r, 10)); /* many are equal */
                model.at[model.n++] = t;
            }
            break;
        case 1:
            timer_cancel(&h, thread[t]);
            if (at >= 0)
                model_take(&model, at);
            break;
        default:
            now += harness_below(&r, 4);
            for (struct thread *due; (due = timer_due(&h, now));) {
                ck_assert_uint_le(due->deadline, now);
                int best = earliest(&model);
                ck_assert_int_ge(best, 0);
                ck_assert_ptr_eq(due, thread[model_take(&model, best)]);
            }
        }
        int best = earliest(&model);
        ck_assert_uint_eq(timer_next(&h), best < 0 ? 0 : thread[model.at[best]]->deadline);
        ck_assert(best < 0 || thread[model.at[best]]->deadline > now || model.n > 0);
    }
    harness_free(machine);
}
END_TEST

HARNESS_TESTS("sched/queue", queue_follows_its_model, timers_follow_their_model)
