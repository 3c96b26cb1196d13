/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the specifications of mm/memmap to mm/container: what CertiKOS says (numbers and tables of the original, limits =
 * mcertikos), and properties that hold of any machine; each with the code, with the code beside the specification, and with the
 * specification alone. The fast build has the code only. */
#include "harness.h"
#include "mm/container.h"
#include "mm/frame.h"
#include "mm/frame_type.h"
#include "mm/memmap.h"
#ifdef UKERN_CHECK
#include "core/calculus.h"
#endif

#ifdef UKERN_CHECK
enum { MODES = 3 };
#else
enum { MODES = 1 };
#endif
static const enum ukern_mode mode_of[] = { UKERN_MODE_IMPL, UKERN_MODE_BOTH, UKERN_MODE_SPEC };
static struct ukern_layer_mode layers[] = { { "memmap", 0 }, { "frame_table", 0 }, { "frame_type", 0 }, { "frame", 0 },
                                            { "container", 0 } };

static struct ukern *boot(struct ukern_params p, int mode)
{
    struct ukern *m;
    for (size_t i = 0; i < COUNT_OF(layers); i++)
        layers[i].mode = mode_of[mode];
    p.layers = layers;
    p.layer_count = COUNT_OF(layers);
    p.check_every = 50;
    ck_assert_msg(harness_boot(&p, 0, &m) == UKERN_OK, "%s", harness_error());
    return m;
}

/* A test that is carried out in each mode. */
#define IN_EACH_MODE(name) \
    static void name##_in(int mode); \
    START_TEST(name) \
    { \
        for (int mode = 0; mode < MODES; mode++) \
            name##_in(mode); \
    } \
    END_TEST \
    static void name##_in(int mode)

static void end(struct ukern *m) /* all relations and invariants hold */
{
#ifdef UKERN_CHECK
    ck_assert(!m->calculus || calculus_check_all(m));
#endif
    harness_free(m);
}

static struct frame_id frame(uint32_t n) { return (struct frame_id){ n }; }
static struct container_id id(uint32_t n) { return (struct container_id){ n }; }

static uint32_t alloc(uint32_t who) /* NO_ID: NOMEM */
{
    struct frame_id f;
    enum ukern_status st = container_alloc(id(who), &f);
    ck_assert(st == UKERN_OK || st == UKERN_NOMEM);
    return st == UKERN_OK ? f.n : NO_ID;
}

static uint32_t split(uint32_t who, uint32_t quota) /* NO_ID: NOMEM */
{
    struct container_id child;
    enum ukern_status st = container_split(id(who), quota, &child);
    ck_assert(st == UKERN_OK || st == UKERN_NOMEM);
    return st == UKERN_OK ? child.n : NO_ID;
}

static void has_info(uint32_t who, uint32_t quota, uint32_t usage, uint32_t parent, uint32_t children)
{
    struct container_info c;
    ck_ok(container_info(id(who), &c));
    ck_assert_msg(c.quota == quota && c.usage == usage && c.parent.n == parent && c.children == children,
                  "container %u has %u of %u, parent %u, %u children", who, c.usage, c.quota, c.parent.n, c.children);
}

/* ---- CertiKOS ---- */

/* 4 GiB, of which the user window [1 GiB, 3.75 GiB) has seven whole frames. */
static struct ukern *certikos(int mode)
{
    static const struct ukern_region map[] = {
        { 0x40005800, 0x3000, true },           { 0, 0x9f000, true }, { 0x9f000, 0x61000, false },
        { 0x100000, 0x40003000 - 0x100000, true }, { 0xefffe000, 0x4000, true },
    };
    return boot((struct ukern_params){ .ram = UINT64_C(1) << 32, .regions = map, .region_count = COUNT_OF(map), .max_containers = 64,
                                       .limits = UKERN_LIMITS_MCERTIKOS, .frame_policy = UKERN_FRAMES_LOWEST }, mode);
}

IN_EACH_MODE(types_are_those_of_mem_init)
{
    static const struct { uint32_t frame; enum frame_type type; } table[] = {
        { 0, FRAME_KERNEL },        { 0x9f, FRAME_KERNEL },     { 0x100, FRAME_KERNEL },    { 262143, FRAME_KERNEL },
        { 262144, FRAME_NORMAL },   { 262146, FRAME_NORMAL },   { 262147, FRAME_RESERVED }, { 262149, FRAME_RESERVED },
        { 262150, FRAME_NORMAL },   { 262151, FRAME_NORMAL },   { 262152, FRAME_RESERVED }, { 983037, FRAME_RESERVED },
        { 983038, FRAME_NORMAL },   { 983039, FRAME_NORMAL },   { 983040, FRAME_KERNEL },   { 1048575, FRAME_KERNEL },
        { 1048576, FRAME_RESERVED }, { NO_ID, FRAME_RESERVED },
    };
    static const struct frame_run runs[] = { { { 262144 }, 3 }, { { 262150 }, 2 }, { { 983038 }, 2 } };
    struct ukern *m = certikos(mode);
    for (size_t i = 0; i < COUNT_OF(table); i++)
        ck_assert_msg(frame_type_of(frame(table[i].frame)) == table[i].type, "type of frame %u", table[i].frame);
    struct frame_run r;
    for (uint32_t i = 0; i < COUNT_OF(runs); i++) {
        ck_ok(frame_type_run(i, &r));
        ck_assert(r.first.n == runs[i].first.n && r.count == runs[i].count);
    }
    ck_status(frame_type_run(COUNT_OF(runs), &r), UKERN_NOTFOUND);
    ck_assert_uint_eq(frame_type_normals(), 7);
    ck_assert_uint_eq(frame_type_kernels(), 1 + 4);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(frame_type_kernel(i).n, i);
    end(m);
}

IN_EACH_MODE(palloc_gives_the_lowest_free_frame)
{
    static const uint32_t order[] = { 262144, 262145, 262146, 262150, 262151, 983038, 983039, NO_ID, NO_ID };
    struct ukern *m = certikos(mode);
    has_info(0, 7, 0, 0, 0); /* the root's quota: the Norm pages */
    for (size_t i = 0; i < COUNT_OF(order); i++)
        ck_assert_uint_eq(alloc(0), order[i]);
    has_info(0, 7, 7, 0, 0);
    ck_ok(container_free(frame(262150)));
    ck_ok(container_free(frame(262145)));
    ck_status(container_free(frame(262145)), UKERN_BADARG);
    ck_assert_uint_eq(alloc(0), 262145);
    ck_assert_uint_eq(alloc(0), 262150);
    ck_assert_uint_eq(alloc(0), NO_ID);
    ck_ok(container_free(frame(262145)));
    ck_ok(container_free(frame(262146)));
    ck_ok(container_free(frame(262151)));
    struct frame_id first;
    uint32_t count;
    ck_ok(container_alloc_run(id(0), 3, &first, &count)); /* as long as free frames follow the lowest one */
    ck_assert(first.n == 262145 && count == 2);
    ck_status(container_alloc_large(id(0), &first), UKERN_NOMEM);
    end(m);
}

IN_EACH_MODE(the_machine_of_the_closed_proof)
{
    struct ukern *m = boot((struct ukern_params){ .ram = 1073745920, .max_containers = 64, .limits = UKERN_LIMITS_MCERTIKOS,
                                                  .frame_policy = UKERN_FRAMES_LOWEST }, mode);
    has_info(0, 1, 0, 0, 0);
    ck_assert_uint_eq(frame_type_kernels(), 1 + 2 + 1);
    ck_assert_uint_eq(split(0, 2), NO_ID);
    ck_assert_uint_eq(alloc(0), 262144);
    ck_assert_uint_eq(alloc(0), NO_ID);
    end(m);
}

IN_EACH_MODE(children_are_3_id_plus_1_plus_n)
{
    static const struct { uint32_t id, quota, child; } splits[] = {
        { 0, 8, NO_ID }, { 0, 3, 1 },  { 0, 2, 2 },   { 0, 3, NO_ID }, { 0, 0, 3 },   { 0, 0, NO_ID }, { 1, 4, NO_ID },
        { 1, 3, 4 },     { 1, 1, NO_ID }, { 1, 0, 5 }, { 2, 1, 7 },    { 4, 2, 13 },  { 13, 1, 40 },   { 40, 0, NO_ID },
        { 3, 0, 10 },    { 3, 0, 11 }, { 3, 0, 12 },   { 3, 0, NO_ID }, { 5, 0, 16 }, { 7, 0, 22 },    { 16, 0, 49 },
        { 22, 0, NO_ID }, { 12, 0, 37 },
    };
    struct ukern *m = certikos(mode);
    for (size_t i = 0; i < COUNT_OF(splits); i++)
        ck_assert_msg(split(splits[i].id, splits[i].quota) == splits[i].child, "split(%u, %u)", splits[i].id, splits[i].quota);
    has_info(0, 7, 5, 0, 3);
    has_info(1, 3, 3, 0, 2);
    has_info(4, 3, 2, 1, 1);
    has_info(40, 1, 0, 13, 0);
    ck_assert(container_can_consume(id(40), 1) && !container_can_consume(id(40), 2) && !container_can_consume(id(1), 1));
    ck_assert(!container_can_consume(id(6), 0) && !container_can_consume(id(64), 0) && !container_can_consume(id(NO_ID), 0));
    struct container_id child;
    ck_status(container_split(id(6), 0, &child), UKERN_BADARG);
    /* what CertiKOS has not: a quota comes home, a number is used again */
    ck_status(container_revoke(id(13)), UKERN_BUSY);
    ck_status(container_revoke(id(0)), UKERN_BADARG);
    ck_status(container_revoke(id(63)), UKERN_BADARG);
    ck_ok(container_revoke(id(40)));
    has_info(13, 2, 0, 4, 0);
    ck_ok(container_revoke(id(13)));
    has_info(4, 3, 0, 1, 0);
    ck_ok(container_revoke(id(4)));
    has_info(1, 3, 0, 0, 1);
    ck_assert_uint_eq(split(1, 1), 4);
    end(m);
}

IN_EACH_MODE(a_quota_is_what_is_there_to_take)
{
    struct ukern *m = certikos(mode);
    ck_assert_uint_eq(split(0, 2), 1);
    ck_assert_uint_eq(split(1, 1), 4);
    ck_assert_uint_eq(alloc(1), 262144);
    ck_assert_uint_eq(alloc(1), NO_ID);
    ck_assert_uint_eq(alloc(4), 262145);
    has_info(1, 2, 2, 0, 1);
    has_info(4, 1, 1, 1, 0);
    ck_status(container_revoke(id(4)), UKERN_BUSY);
    ck_ok(frame_ref(frame(262145)));
    ck_ok(container_free(frame(262145)));
    has_info(4, 1, 1, 1, 0); /* somebody holds it still */
    ck_ok(container_free(frame(262145)));
    has_info(4, 1, 0, 1, 0);
    ck_ok(container_revoke(id(4)));
    has_info(1, 2, 1, 0, 0);
    end(m);
}

/* ---- any machine ---- */

IN_EACH_MODE(regions_are_sorted_and_hold_whole_frames)
{
    static const struct ukern_region map[] = {
        { 0x9000, 0x2800, true }, { 0, 0x3000, true }, { 0x3000, 0x1000, false }, { 0x4800, 0x1800, true }, { 0x6000, 0x2fff, true },
    };
    static const uint32_t order[] = { 1, 2, 3, 4, 0 }, usable[] = { 0, 1, 2, 5, 6, 7, 9, 10 };
    struct ukern *m = boot((struct ukern_params){ .ram = 16 * FRAME_SIZE, .regions = map, .region_count = COUNT_OF(map) }, mode);
    struct memmap_region r;
    ck_assert_uint_eq(memmap_count(), COUNT_OF(map));
    for (uint32_t i = 0; i < COUNT_OF(map); i++) {
        ck_ok(memmap_region(i, &r));
        ck_assert(r.start == map[order[i]].start && r.length == map[order[i]].length && r.usable == map[order[i]].usable);
    }
    ck_status(memmap_region(COUNT_OF(map), &r), UKERN_NOTFOUND);
    for (uint32_t n = 0, k = 0; n < 20; n++) {
        bool expected = k < COUNT_OF(usable) && usable[k] == n;
        k += expected;
        ck_assert_msg(memmap_usable(frame(n)) == expected, "frame %u", n);
    }
    ck_assert(!memmap_usable(NO_FRAME));
    end(m);
}

IN_EACH_MODE(the_kernel_takes_the_lowest_usable_frames)
{
    static const struct { uint32_t frames, tables; } table[] = { { 512, 2 }, { 513, 3 }, { 511, 3 }, { 262144, 2 },
                                                                  { 262145, 4 }, { 262656, 3 } };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct ukern *m = boot((struct ukern_params){ .ram = (uint64_t)table[i].frames * FRAME_SIZE }, mode);
        ck_assert_uint_eq(frame_type_kernels(), table[i].tables);
        ck_assert_uint_eq(frame_type_normals(), table[i].frames - table[i].tables);
        ck_assert_int_eq(frame_type_of(frame(table[i].tables - 1)), FRAME_KERNEL);
        ck_assert_int_eq(frame_type_of(frame(table[i].tables)), FRAME_NORMAL);
        ck_assert_int_eq(frame_type_of(frame(table[i].frames)), FRAME_RESERVED);
        end(m);
    }
}

IN_EACH_MODE(runs_are_maximal)
{
    /* regions that touch make one run; frame 3 lies in two of them, so in none; the kernel's two come out of two regions */
    static const struct ukern_region map[] = {
        { 0, 4096, true },              { 4096, 8192, true },          { 12288, 2048, true }, { 14336, 2048 + 4096, true },
        { 20480, 8192, true },          { 28672, 4096, false },        { 32768, 4096 * 504, true },
    };
    struct ukern *m = boot((struct ukern_params){ .ram = 512 * 4096, .regions = map, .region_count = COUNT_OF(map) }, mode);
    static const struct frame_run runs[] = { { { 2 }, 1 }, { { 4 }, 3 }, { { 8 }, 504 } };
    struct frame_run r;
    for (uint32_t i = 0; i < COUNT_OF(runs); i++) {
        ck_ok(frame_type_run(i, &r));
        ck_assert_msg(r.first.n == runs[i].first.n && r.count == runs[i].count, "run %u: %u + %u", i, r.first.n, r.count);
    }
    ck_status(frame_type_run(3, &r), UKERN_NOTFOUND);
    end(m);
}

IN_EACH_MODE(too_little_memory_is_refused)
{
    struct ukern *m = NULL;
    for (uint32_t frames = 1; frames <= 3; frames++) {
        for (size_t i = 0; i < COUNT_OF(layers); i++)
            layers[i].mode = mode_of[mode];
        struct ukern_params p = { .ram = frames * FRAME_SIZE, .layers = layers, .layer_count = COUNT_OF(layers) };
        ck_status(harness_boot(&p, 0, &m), UKERN_NOMEM);
    }
}

IN_EACH_MODE(cleared_bytes_are_zero_and_large_runs_aligned)
{
    struct ukern *m = boot((struct ukern_params){ .ram = 5 * 512 * FRAME_SIZE }, mode);
    struct frame_id large, f;
    for (int i = 0; i < 4; i++) { /* the first block has the kernel's frames */
        ck_ok(container_alloc_large(id(0), &large));
        ck_assert_uint_eq(large.n % FRAME_LARGE, 0);
    }
    ck_status(container_alloc_large(id(0), &large), UKERN_NOMEM);
    ck_ok(container_alloc(id(0), &f));
    for (int i = 0; i < 2; i++) {
        frame_clear(f, 1);
        for (size_t at = 0; at < FRAME_SIZE; at++)
            ck_assert_uint_eq(m->ram[(size_t)f.n * FRAME_SIZE + at], 0);
        memset(m->ram + (size_t)f.n * FRAME_SIZE, 0x77, FRAME_SIZE);
    }
    ck_assert(frame_refs(f) == 1 && frame_owner(f).n == 0 && frame_refs(frame(0)) == 0 && frame_refs(NO_FRAME) == 0);
    ck_status(frame_ref(frame(0)), UKERN_BADARG);
    ck_status(container_free(frame(0)), UKERN_BADARG);
    end(m);
}

/* ---- random calls: a frame is named by the place where the test keeps it, so all modes answer alike ---- */

enum { KEPT = 300, FAMILY = 12 };
struct walk {
    struct harness_random random;
    struct frame_id frame[KEPT];
    bool kept[KEPT];
    struct container_id who[FAMILY];
    bool there[FAMILY];
    uint64_t trace;
};

static void say(struct walk *w, uint64_t what) { w->trace = (w->trace ^ what) * UINT64_C(0x100000001b3); }

static void walk_alloc(struct walk *w, uint32_t at, struct container_id who)
{
    uint32_t count = 1, want = (uint32_t)harness_below(&w->random, 5);
    enum ukern_status st = want == 4 ? container_alloc_run(who, 1, &w->frame[at], &count) : container_alloc(who, &w->frame[at]);
    w->kept[at] = st == UKERN_OK;
    say(w, st);
    if (st == UKERN_OK && want == 3)
        frame_clear(w->frame[at], 1);
}

static void walk_frame(struct walk *w, uint32_t at)
{
    bool more = harness_below(&w->random, 4) == 0;
    if (more)
        say(w, frame_ref(w->frame[at]));
    uint32_t refs = frame_refs(w->frame[at]);
    say(w, refs);
    say(w, container_free(w->frame[at]));
    w->kept[at] = refs > 1;
}

static void walk_family(struct walk *w, uint32_t c, struct container_id parent)
{
    struct container_info info;
    if (!w->there[c]) {
        enum ukern_status st = container_split(parent, (uint32_t)harness_below(&w->random, 120), &w->who[c]);
        w->there[c] = st == UKERN_OK;
        say(w, st);
        return;
    }
    enum ukern_status st = container_revoke(w->who[c]);
    say(w, st);
    w->there[c] = st != UKERN_OK;
    if (w->there[c] && container_info(w->who[c], &info) == UKERN_OK)
        say(w, info.usage), say(w, info.children), say(w, container_can_consume(w->who[c], (uint32_t)harness_below(&w->random, 50)));
}

static uint64_t walk(struct ukern_params p, int mode, uint64_t seed)
{
    struct walk w = { .random = { seed } };
    struct ukern *m = boot(p, mode);
    for (uint32_t i = 0; i < harness_rounds(8000); i++) {
        uint32_t at = (uint32_t)harness_below(&w.random, KEPT), c = (uint32_t)harness_below(&w.random, FAMILY);
        uint32_t other = (uint32_t)harness_below(&w.random, FAMILY);
        struct container_id who = other == c || !w.there[other] ? ROOT_CONTAINER : w.who[other];
        if (harness_below(&w.random, 10) == 0)
            walk_family(&w, c, who);
        else if (w.kept[at])
            walk_frame(&w, at);
        else
            walk_alloc(&w, at, who);
    }
    end(m);
    return w.trace;
}

START_TEST(random_calls_answer_alike_in_all_modes)
{
    static const struct ukern_region map[] = { { 0, 100 * 4096, true }, { 120 * 4096, 60 * 4096, true }, { 200 * 4096, 56 * 4096, true } };
    static const struct ukern_params machine[] = {
        { .ram = 256 * 4096 },
        { .ram = 256 * 4096, .regions = map, .region_count = COUNT_OF(map), .max_containers = 5 },
        { .ram = 256 * 4096, .regions = map, .region_count = COUNT_OF(map), .frame_policy = UKERN_FRAMES_LOWEST },
    };
    for (size_t i = 0; i < 3 * COUNT_OF(machine); i++) {
        uint64_t code = walk(machine[i % 3], 0, i);
        for (int mode = 1; mode < MODES; mode++)
            ck_assert_msg(walk(machine[i % 3], mode, i) == code, "machine %zu, seed %zu, mode %d", i % 3, i, mode);
    }
}
END_TEST

HARNESS_TESTS("spec_frames", types_are_those_of_mem_init, palloc_gives_the_lowest_free_frame,
              the_machine_of_the_closed_proof, children_are_3_id_plus_1_plus_n, a_quota_is_what_is_there_to_take,
              regions_are_sorted_and_hold_whole_frames, the_kernel_takes_the_lowest_usable_frames, runs_are_maximal,
              too_little_memory_is_refused, cleared_bytes_are_zero_and_large_runs_aligned,
              random_calls_answer_alike_in_all_modes)
