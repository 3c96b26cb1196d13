/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of mm/container: random calls against a model of the tree, exhaustion of quotas, ids and frames, and CPUs that split,
 * charge and revoke at the same time. */
#include "mm/container.h"
#include "harness.h"
#include "mm/frame.h"
#include "mm/frame_type.h"
#include <pthread.h>

static const struct container_id root = { 0 };

static struct container_info info_of(struct container_id id)
{
    struct container_info i = { 0 };
    ck_ok(container_info(id, &i));
    return i;
}

static void is(struct container_id id, uint32_t quota, uint32_t usage, uint32_t parent, uint32_t children)
{
    struct container_info i = info_of(id), peeked = i;
    ck_assert_msg(i.quota == quota && i.usage == usage && i.parent.n == parent && i.children == children,
                  "container %u: quota %u usage %u parent %u children %u, expected %u %u %u %u", id.n, i.quota, i.usage, i.parent.n,
                  i.children, quota, usage, parent, children);
    ck_assert((container_peek(id, &peeked) || !here->m->container) && memcmp(&peeked, &i, sizeof i) == 0);
}

static void is_none(struct container_id id)
{
    struct container_info i = { .quota = 4711 }, before = i;
    struct container_id child = { 99 };
    struct frame_id f = { 98 };
    uint32_t count = 97;
    ck_status(container_info(id, &i), UKERN_BADARG);
    ck_status(container_split(id, 0, &child), UKERN_BADARG);
    ck_status(container_revoke(id), UKERN_BADARG);
    ck_status(container_alloc(id, &f), UKERN_BADARG);
    ck_status(container_alloc_run(id, 1, &f, &count), UKERN_BADARG);
    ck_status(container_alloc_large(id, &f), UKERN_BADARG);
    ck_assert(!container_can_consume(id, 0) && !container_can_consume(id, 1));
    ck_assert(!container_peek(id, &i));
    ck_assert(memcmp(&i, &before, sizeof i) == 0 && child.n == 99 && f.n == 98 && count == 97);
}

/* ---- one after the other ---- */

START_TEST(the_root_may_use_everything)
{
    struct ukern *m = harness_make(UINT64_C(4) << 20);
    uint32_t boot = info_of(root).usage; /* what the layers above have taken */
    is(root, frame_type_normals(), frame_used(), 0, 0);
    for (uint32_t n = 1; n < 70; n++)
        is_none((struct container_id){ n });
    is_none((struct container_id){ UINT32_MAX });
    ck_status(container_revoke(root), UKERN_BADARG);
    ck_assert(container_can_consume(root, frame_type_normals() - boot));
    ck_assert(!container_can_consume(root, frame_type_normals() - boot + 1));
    ck_assert(!container_can_consume(root, UINT32_MAX));
    harness_free(m);
}
END_TEST

START_TEST(a_quota_goes_and_comes_back)
{
    struct ukern *m = harness_make(UINT64_C(4) << 20);
    uint32_t all = frame_type_normals(), boot = info_of(root).usage;
    struct container_id a = { 77 }, b, c;
    ck_status(container_split(root, all - boot + 1, &a), UKERN_NOMEM);
    ck_status(container_split(root, UINT32_MAX, &a), UKERN_NOMEM);
    ck_assert_uint_eq(a.n, 77);
    is(root, all, boot, 0, 0);
    ck_ok(container_split(root, 100, &a));
    ck_ok(container_split(a, 60, &b));
    ck_status(container_split(a, 41, &c), UKERN_NOMEM);
    ck_ok(container_split(a, 40, &c));
    is(root, all, boot + 100, 0, 1);
    is(a, 100, 100, 0, 2);
    is(b, 60, 0, a.n, 0);
    ck_status(container_revoke(a), UKERN_BUSY);
    struct container_id empty;
    ck_ok(container_split(a, 0, &empty)); /* a quota of nothing is one */
    is(a, 100, 100, 0, 3);
    ck_ok(container_revoke(b));
    ck_ok(container_revoke(c));
    is_none(b);
    is(a, 100, 0, 0, 1);
    ck_status(container_revoke(a), UKERN_BUSY); /* its usage is 0, but it has a child */
    ck_ok(container_revoke(empty));
    ck_ok(container_revoke(a));
    ck_status(container_revoke(a), UKERN_BADARG);
    is(root, all, boot, 0, 0);
    harness_free(m);
}
END_TEST

START_TEST(frames_are_charged_to_who_asked)
{
    struct ukern *m = harness_make(UINT64_C(8) << 20);
    struct container_id a, b;
    struct frame_id f, g = { 4711 }, large;
    uint32_t count = 4712, used = frame_used();
    ck_ok(container_split(root, 520, &a));
    ck_ok(container_split(root, 511, &b));
    ck_ok(container_alloc(a, &f));
    ck_assert_uint_eq(frame_owner(f).n, a.n);
    is(a, 520, 1, 0, 0);
    ck_status(container_revoke(a), UKERN_BUSY);
    ck_ok(container_alloc_large(a, &large));
    ck_assert(large.n % 512 == 0);
    is(a, 520, 513, 0, 0);
    ck_status(container_alloc_large(b, &g), UKERN_NOMEM); /* one less than it needs */
    ck_status(container_alloc_run(a, 0, &g, &count), UKERN_BADARG);
    ck_assert(g.n == 4711 && count == 4712);
    uint32_t taken = 513;
    while (container_alloc_run(a, 1000, &g, &count) == UKERN_OK) { /* never more than what is left */
        taken += count;
        ck_assert_uint_le(taken, 520);
        is(a, 520, taken, 0, 0);
    }
    ck_assert_uint_eq(taken, 520);
    ck_status(container_alloc(a, &g), UKERN_NOMEM);
    ck_assert(container_can_consume(a, 0) && !container_can_consume(a, 1));
    is(b, 511, 0, 0, 0);
    ck_ok(container_free(f));
    is(a, 520, 519, 0, 0);
    ck_status(container_free(f), UKERN_BADARG);
    is(a, 520, 519, 0, 0);
    for (uint32_t n = 0; n < m->frames; n++)
        if (frame_refs((struct frame_id){ n }) > 0 && frame_owner((struct frame_id){ n }).n == a.n)
            ck_ok(container_free((struct frame_id){ n }));
    is(a, 520, 0, 0, 0);
    ck_assert_uint_eq(frame_used(), used);
    ck_ok(container_revoke(a));
    ck_ok(container_revoke(b));
    ck_status(container_free(NO_FRAME), UKERN_BADARG);
    ck_status(container_free((struct frame_id){ 0 }), UKERN_BADARG); /* the kernel's */
    harness_free(m);
}
END_TEST

START_TEST(the_payer_pays_until_the_last_reference)
{
    struct ukern *m = harness_make(UINT64_C(4) << 20);
    struct container_id a;
    struct frame_id f;
    ck_ok(container_split(root, 1, &a));
    ck_ok(container_alloc(a, &f));
    ck_ok(frame_ref(f));
    ck_ok(frame_ref(f));
    for (uint32_t left = 2; left > 0; left--) {
        ck_ok(container_free(f));
        is(a, 1, 1, 0, 0);
        ck_status(container_revoke(a), UKERN_BUSY);
    }
    ck_ok(container_free(f));
    is(a, 1, 0, 0, 0);
    ck_ok(container_alloc(a, &f));
    ck_ok(container_free(f));
    ck_ok(container_revoke(a));
    harness_free(m);
}
END_TEST

/* Frames that were taken past the containers: what happens when memory ends before a quota does. */
START_TEST(no_frame_is_no_charge)
{
    struct ukern *m = harness_make(600 * FRAME_SIZE);
    struct container_id a;
    struct frame_id f = { 4711 }, g;
    uint32_t count = 4712;
    ck_ok(container_split(root, 550, &a));
    while (frame_alloc(root, &g) == UKERN_OK)
        ;
    ck_status(container_alloc(a, &f), UKERN_NOMEM);
    ck_status(container_alloc_run(a, 5, &f, &count), UKERN_NOMEM);
    ck_status(container_alloc_large(a, &f), UKERN_NOMEM);
    ck_assert(f.n == 4711 && count == 4712);
    struct container_info i;
    ck_assert((container_peek(a, &i) && i.usage == 0) || !m->container);
    ck_ok(container_revoke(a));
    harness_free(m);
}
END_TEST

START_TEST(ids_run_out_and_come_back)
{
    struct ukern_params p = { .ram = 4 << 20, .max_containers = 200 };
    struct ukern *m;
    struct container_id id[200] = { { 0 } }, none = { 4711 };
    bool seen[200] = { true };
    ck_ok(harness_boot(&p, 0, &m));
    for (uint32_t i = 1; i < 200; i++) {
        ck_ok(container_split(id[i / 3], 0, &id[i]));
        ck_assert(id[i].n < 200 && !seen[id[i].n]);
        seen[id[i].n] = true;
    }
    ck_status(container_split(root, 0, &none), UKERN_NOMEM);
    ck_status(container_split(id[150], 0, &none), UKERN_NOMEM);
    ck_assert_uint_eq(none.n, 4711);
    ck_ok(container_revoke(id[199]));
    ck_status(container_split(id[199], 0, &none), UKERN_BADARG); /* the only free id is its own */
    ck_ok(container_split(id[150], 0, &none));
    ck_assert_uint_eq(none.n, id[199].n);
    is(none, 0, 0, id[150].n, 0);
    harness_free(m);
}
END_TEST

/* ---- against a model ---- */

enum { IDS = 20, HELD = 300 };

struct model {
    struct { bool used; uint32_t quota, usage, parent, children; } of[IDS];
    struct { uint32_t frame, owner, refs; } held[HELD];
    uint32_t count;
};

static void model_hold(struct model *m, uint32_t owner, struct frame_id first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(frame_owner((struct frame_id){ first.n + i }).n, owner);
        m->held[m->count].frame = first.n + i;
        m->held[m->count].refs = 1;
        m->held[m->count++].owner = owner;
    }
    m->of[owner].usage += count;
}

static void model_split(struct model *m, struct container_id id, uint32_t quota)
{
    struct container_id child;
    bool there = id.n < IDS && m->of[id.n].used;
    enum ukern_status st = container_split(id, quota, &child);
    uint32_t used = 0;
    for (uint32_t n = 0; n < IDS; n++)
        used += m->of[n].used;
    ck_assert_int_eq(st, !there ? UKERN_BADARG : quota > m->of[id.n].quota - m->of[id.n].usage || used == IDS ? UKERN_NOMEM : UKERN_OK);
    if (st != UKERN_OK)
        return;
    ck_assert(child.n < IDS && !m->of[child.n].used);
    m->of[id.n].usage += quota;
    m->of[id.n].children++;
    m->of[child.n].used = true;
    m->of[child.n].quota = quota;
    m->of[child.n].usage = m->of[child.n].children = 0;
    m->of[child.n].parent = id.n;
}

static void model_revoke(struct model *m, struct container_id id)
{
    bool there = id.n > 0 && id.n < IDS && m->of[id.n].used;
    bool busy = there && (m->of[id.n].children || m->of[id.n].usage);
    ck_status(container_revoke(id), !there ? UKERN_BADARG : busy ? UKERN_BUSY : UKERN_OK);
    if (!there || busy)
        return;
    m->of[id.n].used = false;
    m->of[m->of[id.n].parent].usage -= m->of[id.n].quota;
    m->of[m->of[id.n].parent].children--;
}

static void model_take(struct model *m, struct container_id id, uint32_t want)
{
    struct frame_id first;
    uint32_t count = 1, left = id.n < IDS && m->of[id.n].used ? m->of[id.n].quota - m->of[id.n].usage : 0;
    enum ukern_status st = want == 1 ? container_alloc(id, &first) : container_alloc_run(id, want, &first, &count);
    ck_assert_int_eq(st, want == 0 || id.n >= IDS || !m->of[id.n].used ? UKERN_BADARG : left ? UKERN_OK : UKERN_NOMEM);
    if (st != UKERN_OK)
        return;
    ck_assert(count >= 1 && count <= want && count <= left);
    model_hold(m, id.n, first, count);
}

static void model_give(struct model *m, uint32_t k, bool reference)
{
    struct frame_id f = { m->held[k].frame };
    if (reference) {
        ck_ok(frame_ref(f));
        m->held[k].refs++;
        return;
    }
    ck_ok(container_free(f));
    if (--m->held[k].refs > 0)
        return;
    m->of[m->held[k].owner].usage--;
    m->held[k] = m->held[--m->count];
}

static void model_agrees(const struct model *m)
{
    for (uint32_t n = 0; n < IDS; n++) {
        struct container_info i;
        ck_assert((container_info((struct container_id){ n }, &i) == UKERN_OK) == m->of[n].used);
        if (m->of[n].used)
            is((struct container_id){ n }, m->of[n].quota, m->of[n].usage, m->of[n].parent, m->of[n].children);
    }
}

START_TEST(random_calls_agree_with_the_model)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct ukern_params p = { .ram = 260 * FRAME_SIZE, .max_containers = IDS };
        struct harness_random r = { seed };
        struct model m = { 0 };
        struct ukern *machine;
        ck_ok(harness_boot(&p, 0, &machine));
        struct container_info whole = info_of(root);
        m.of[0].used = true;
        m.of[0].quota = whole.quota;
        m.of[0].usage = whole.usage;
        for (uint32_t i = 0, n = harness_rounds(4000); i < n; i++) {
            struct container_id id = { (uint32_t)harness_below(&r, IDS + 2) };
            switch (harness_below(&r, 8)) {
            case 0: model_split(&m, id, (uint32_t)harness_below(&r, harness_below(&r, 2) ? 10 : 120)); break;
            case 1: case 2: model_revoke(&m, id); break;
            case 3: case 4: model_take(&m, id, (uint32_t)harness_below(&r, harness_below(&r, 2) ? 3 : 20)); break;
            default:
                if (m.count)
                    model_give(&m, (uint32_t)harness_below(&r, m.count), harness_below(&r, 5) == 0);
            }
            if (i % 50 == 0)
                model_agrees(&m);
        }
        model_agrees(&m);
        while (m.count)
            model_give(&m, m.count - 1, false);
        for (uint32_t rounds = 0; rounds < IDS; rounds++) /* leaves first */
            for (uint32_t n = 1; n < IDS; n++)
                if (m.of[n].used && m.of[n].children == 0)
                    model_revoke(&m, (struct container_id){ n });
        is(root, whole.quota, whole.usage, 0, 0);
        ck_assert_uint_eq(frame_used(), whole.usage);
        harness_free(machine);
    }
}
END_TEST

/* ---- several CPUs ---- */

enum { CPUS = 3 };

static bool is_one_of(enum ukern_status st, enum ukern_status a, enum ukern_status b) { return st == a || st == b; }

/* Each makes containers below the root, charges them and takes them back. */
static uintptr_t race_turn(struct harness_random *r)
{
    struct container_id a, b;
    struct frame_id f[4];
    uintptr_t wrong = 0;
    uint32_t got = 0, want = 1 + (uint32_t)harness_below(r, 4);
    enum ukern_status st = container_split(root, 6, &a);
    if (st != UKERN_OK)
        return st != UKERN_NOMEM;
    st = container_split(a, 2, &b);
    wrong += !is_one_of(st, UKERN_OK, UKERN_NOMEM);
    bool child = st == UKERN_OK;
    while (got < want && container_alloc(a, &f[got]) == UKERN_OK)
        got++;
    wrong += got < want; /* 4 of its 6 are left, and there must be frames for them */
    wrong += container_revoke(a) != UKERN_BUSY;
    while (got > 0)
        wrong += container_free(f[--got]) != UKERN_OK;
    if (child)
        wrong += container_revoke(b) != UKERN_OK;
    return wrong + (container_revoke(a) != UKERN_OK);
}

/* Each does what it likes to any container: whose a frame is may have changed before it is given back, that it is must not. */
static uintptr_t wild_turn(struct harness_random *r)
{
    struct container_id id = { (uint32_t)harness_below(r, 17) }, child;
    struct container_info i;
    struct frame_id f;
    uint32_t count;
    switch (harness_below(r, 5)) {
    case 0: case 1: return container_split(id, (uint32_t)harness_below(r, 9), &child) > UKERN_BADARG;
    case 2: return !is_one_of(container_revoke(id), UKERN_OK, UKERN_BADARG) && container_info(id, &i) > UKERN_BADARG;
    case 3:
        if (container_alloc_run(id, 3, &f, &count) != UKERN_OK)
            return 0;
        for (uintptr_t wrong = 0;; count--)
            if (count == 0)
                return wrong;
            else
                wrong += container_free((struct frame_id){ f.n + count - 1 }) != UKERN_OK;
    default: return container_info(id, &i) == UKERN_OK && i.usage > i.quota;
    }
}

/* All charge the same container at once: no charge is lost, none is counted twice. */
static uintptr_t same_turn(struct harness_random *r)
{
    struct frame_id f[8];
    uintptr_t wrong = 0;
    uint32_t got = 0, want = 1 + (uint32_t)harness_below(r, 8);
    while (got < want)
        wrong += container_alloc(root, &f[got++]) != UKERN_OK;
    while (got > 0)
        wrong += container_free(f[--got]) != UKERN_OK;
    return wrong;
}

struct racer {
    struct cpu *cpu;
    uintptr_t (*turn)(struct harness_random *r);
};

static void *race(void *arg)
{
    const struct racer *me = arg;
    struct harness_random r = { me->cpu->id + 50 };
    uintptr_t wrong = 0;
    here = me->cpu;
    for (uint32_t i = 0, n = harness_rounds(3000); i < n; i++)
        wrong += me->turn(&r);
    here = NULL;
    return (void *)wrong;
}

static void race_all(uintptr_t (*turn)(struct harness_random *r))
{
    struct ukern_params p = { .cpus = CPUS, .ram = 60 * FRAME_SIZE, .max_containers = 16 };
    struct racer racer[CPUS];
    struct ukern *m;
    pthread_t thread[CPUS];
    ck_ok(harness_boot(&p, 0, &m));
    struct container_info before = info_of(root);
    for (uint32_t i = 0; i < CPUS; i++) {
        racer[i] = (struct racer){ &m->cpu[i], turn };
        ck_assert_int_eq(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    for (uint32_t n = 0; n < 16 * 16; n++) /* children before parents, whatever the shape */
        ck_assert(container_revoke((struct container_id){ n % 16 }) != UKERN_NOMEM);
    is(root, before.quota, before.usage, 0, 0);
    ck_assert_uint_eq(frame_used(), before.usage);
    harness_free(m);
}

START_TEST(cpus_race_for_containers) { race_all(race_turn); }
END_TEST
START_TEST(cpus_charge_one_container) { race_all(same_turn); }
END_TEST
START_TEST(cpus_race_for_each_others_containers) { race_all(wild_turn); }
END_TEST

HARNESS_TESTS("mm/container", the_root_may_use_everything, a_quota_goes_and_comes_back, frames_are_charged_to_who_asked,
              the_payer_pays_until_the_last_reference, no_frame_is_no_charge, ids_run_out_and_come_back,
              random_calls_agree_with_the_model, cpus_race_for_containers,
              cpus_charge_one_container, cpus_race_for_each_others_containers)
