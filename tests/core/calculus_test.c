/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of core/calculus on a tower of toys (tests/core/toy): every assignment of modes gives one trace; every kind of failure is
 * provoked and named; refusals of the checker's memory; several kernel threads; and one layer of the real tower. */
#include "core/calculus.h"
#include "core/toy/toy_cell.h"
#include "core/toy/toy_quota.h"
#include "core/toy/toy_stock.h"
#include "harness.h"
#include "hooks.h"
#include "mm/frame_table.h"
#include "toy_hooks.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ITEMS = 30, TOYS = 3 };

/* ---- a machine with the toys in it ---- */

static char lines[64][512];
static uint32_t line_count;

static void keep_line(void *ctx, enum ukern_log_level level, const char *line)
{
    (void)ctx, (void)level;
    if (line_count < COUNT_OF(lines))
        snprintf(lines[line_count++], sizeof lines[0], "%s", line);
}

static const struct ukern_layer_mode *modes_of(uint32_t cell, uint32_t stock, uint32_t quota)
{
    static struct ukern_layer_mode modes[TOYS];
    modes[0] = (struct ukern_layer_mode){ "toy_cell", (enum ukern_mode)cell };
    modes[1] = (struct ukern_layer_mode){ "toy_stock", (enum ukern_mode)stock };
    modes[2] = (struct ukern_layer_mode){ "toy_quota", (enum ukern_mode)quota };
    return modes;
}

static struct ukern *machine(const struct ukern_layer_mode *modes, uint32_t cpus)
{
    struct ukern *m;
    /* first without toys, so that the harness' own tower stays out of it; then theirs */
    static const struct ukern_layer_mode none = { "all", UKERN_MODE_IMPL };
    struct ukern_params p = { .cpus = cpus, .layers = &none, .layer_count = 1 };
    struct ukern_params sized = { .cpus = cpus, .layers = modes, .layer_count = TOYS, .ram = 1 << 20, .max_tasks = 16 };
    ck_ok(harness_boot(&p, (4 << 20) + calculus_bytes(&sized), &m));
    m->params.layers = modes;
    m->params.layer_count = TOYS;
    m->hooks.log = keep_line;
    line_count = 0;
    toy_bug = TOY_RIGHT;
    ck_ok(calculus_start_tower(m, &toy_hooks_tower));
    return m;
}

static struct toy_owner id(uint32_t n) { return (struct toy_owner){ n }; }

/* ---- the same trace in every assignment ---- */

/* What can be seen from above: results and, for an item, the call that made it, never its number. */
static uint64_t play(uint32_t rounds, uint64_t seed)
{
    struct harness_random r = { seed };
    struct { struct toy_item item; uint32_t owner; bool had; } have[ITEMS] = { 0 };
    uint64_t trace = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t who = 1 + (uint32_t)harness_below(&r, 4), other = 1 + (uint32_t)harness_below(&r, 4);
        uint32_t k = (uint32_t)harness_below(&r, ITEMS), k2 = (k + 1) % ITEMS, n = (uint32_t)harness_below(&r, 12);
        enum ukern_status st = UKERN_BUSY;
        switch (harness_below(&r, 5)) {
        case 0:
            st = toy_quota_move(id(who), id(other), n);
            break;
        case 1:
            if (!have[k].had)
                have[k].had = (st = toy_quota_alloc(id(who), &have[k].item)) == UKERN_OK, have[k].owner = who;
            break;
        case 2:
            if (!have[k].had && !have[k2].had) {
                st = toy_quota_two(id(who), &have[k].item, &have[k2].item);
                have[k].had = have[k2].had = st == UKERN_OK;
                have[k].owner = have[k2].owner = who;
            }
            break;
        case 3:
            if (have[k].had)
                trace = trace * 31 + toy_stock_owner(have[k].item).n;
            break;
        default:
            if (have[k].had)
                toy_quota_free(id(have[k].owner), have[k].item);
            have[k].had = false;
        }
        trace = trace * 31 + st;
    }
    return trace;
}

START_TEST(every_assignment_of_modes_gives_the_same_trace)
{
    uint64_t want = 0;
    for (uint32_t k = 0; k < 27; k++) {
        const struct ukern_layer_mode *modes = modes_of(k / 9, k / 3 % 3, k % 3);
        struct ukern *m = machine(modes, 1);
        m->params.check_every = 50;
        ck_ok(toy_quota_init(ITEMS));
        uint64_t trace = play(harness_rounds(3000), 5);
        want = k == 0 ? trace : want;
        ck_assert_msg(calculus_report(m) == NULL, "modes %u: %s", k, calculus_report(m) ? calculus_report(m)->text : "");
        ck_assert_msg(trace == want, "modes %u: another trace", k);
        ck_assert(calculus_check_all(m));
        ck_assert_uint_eq(calculus_left(m), 0);
        for (uint32_t i = 0; i < TOYS && m->calculus; i++) {
            struct calculus_counts n = calculus_counts(m, toy_hooks_tower.layers[i]);
            enum mode mode = calculus_mode(m, toy_hooks_tower.layers[i]);
            ck_assert_int_eq(n.code == 0, mode == MODE_SPEC || (i == 0 && calculus_mode(m, &toy_stock_layer) == MODE_SPEC));
            ck_assert_int_eq(n.spec == 0, mode == MODE_IMPL || (i == 0 && calculus_mode(m, &toy_stock_layer) == MODE_SPEC));
        }
        harness_free(m);
    }
}
END_TEST

START_TEST(what_a_checked_layer_sees_is_shadowed)
{
    struct ukern *m = machine(modes_of(UKERN_MODE_IMPL, UKERN_MODE_IMPL, UKERN_MODE_BOTH), 1);
    ck_assert_int_eq(calculus_mode(m, &toy_cell_layer), MODE_IMPL); /* stock hides it */
    ck_assert_int_eq(calculus_mode(m, &toy_stock_layer), MODE_SHADOW);
    ck_assert_int_eq(calculus_mode(m, &toy_quota_layer), MODE_BOTH);
    ck_assert_str_eq(calculus_mode_name(MODE_SHADOW), "shadow");
    ck_assert_int_eq(calculus_mode(m, &frame_table_layer), MODE_IMPL); /* of another tower */
    harness_free(m);
}
END_TEST

/* ---- failures ---- */

static void init(void *arg) { (void)arg, (void)!toy_quota_init(ITEMS); }
static void cell_get(void *arg) { (void)arg, (void)toy_cell_get((struct toy_item){ 3 }); }
static void stock_alloc(void *arg)
{
    struct toy_item i;
    uint32_t n;
    (void)arg;
    for (uint32_t k = 0; k <= ITEMS; k++)
        (void)!toy_stock_alloc(id(2), &i, &n);
}
static void quota_alloc(void *arg)
{
    struct toy_item i;
    (void)arg;
    for (uint32_t k = 0; k < 3; k++)
        (void)!toy_quota_alloc(id(1), &i);
}
static void quota_free(void *arg)
{
    struct toy_item i;
    (void)arg;
    if (toy_quota_alloc(id(1), &i) == UKERN_OK)
        toy_quota_free(id(1), i);
}
static void quota_move(void *arg) { (void)arg, (void)toy_quota_move(id(1), id(2), 5); }
static void quota_move_all(void *arg) { (void)arg, (void)toy_quota_move(id(1), id(2), ITEMS); }
static void quota_refill(void *arg)
{
    uint32_t n;
    (void)arg;
    (void)toy_quota_refill(id(3), 2 * ITEMS, &n);
}
static void free_twice(void *arg)
{
    struct toy_item i;
    (void)arg;
    (void)!toy_quota_alloc(id(1), &i);
    toy_quota_free(id(1), i);
    toy_quota_free(id(1), i);
}
static void free_anothers(void *arg)
{
    struct toy_item i;
    (void)arg;
    (void)!toy_quota_alloc(id(1), &i);
    toy_quota_free(id(2), i);
}
static void check_all(void *arg) { (void)calculus_check_all(arg); }
static void move_unlocked(void *arg) { quota_move(arg); }

enum { I = UKERN_MODE_IMPL, B = UKERN_MODE_BOTH, S = UKERN_MODE_SPEC };
static const struct provoked {
    enum toy_bug bug;
    void (*step)(void *arg);
    enum failure kind;
    const char *layer, *prim; /* NULL: a full check */
    uint8_t modes[TOYS];      /* cell, stock, quota */
    const char *says;         /* somewhere in the report */
} provoked[] = {
    { TOY_WRONG_RESULT, cell_get, FAILURE_RESULT, "toy_cell", "toy_cell_get", { B, I, I }, "spec says    ret=0" },
    { TOY_WRONG_RESULT, cell_get, FAILURE_RESULT, "toy_cell", "toy_cell_get", { B, B, B }, "toy_cell_get(i=3) ret=1" },
    { TOY_WRONG_SECOND, stock_alloc, FAILURE_RESULT, "toy_stock", "toy_stock_alloc", { I, B, I }, "ret_left=29" },
    { TOY_OUTPUT_ANYWAY, stock_alloc, FAILURE_RESULT, "toy_stock", "toy_stock_alloc", { I, B, I }, "ret_left=(unset)" },
    { TOY_FORBIDDEN, stock_alloc, FAILURE_FORBIDDEN, "toy_stock", "toy_stock_alloc", { I, B, I }, "!has(" },
    { TOY_KEEPS, quota_free, FAILURE_RELATION, "toy_stock", "toy_stock_free", { I, B, B }, "changed      toy_stock.owner[29] : 1 -> -" },
    { TOY_FORGETS, quota_alloc, FAILURE_RELATION, "toy_quota", "toy_quota_alloc", { I, I, B }, "what is left to 1: abstract 29, code 30" },
    { TOY_FORGETS, quota_alloc, FAILURE_RELATION, "toy_quota", "toy_quota_alloc", { S, S, B }, "toy_stock.owner[0] : - -> 1" },
    { TOY_FORGETS_LAST, quota_move_all, FAILURE_RELATION, "toy_quota", "toy_quota_move", { I, I, B }, "what is left to 1: abstract 0, code 1" },
    { TOY_LOSES, check_all, FAILURE_RELATION, "toy_stock", NULL, { I, B, I }, "number of free items: abstract 30, code 29" },
    { TOY_NO_EVENT, quota_move, FAILURE_EVENT_MISSING, "toy_quota", "toy_quota_move", { I, I, B }, "outside an event" },
    { TOY_TWO_EVENTS, quota_move, FAILURE_EVENT_TWICE, "toy_quota", "toy_quota_move", { I, I, B }, "second event" },
    { TOY_UNLOCKED, move_unlocked, FAILURE_EVENT_UNLOCKED, "toy_quota", "toy_quota_move", { I, I, B }, "no lock" },
    { TOY_EVENT_EARLY, quota_move, FAILURE_RESULT, "toy_quota", "toy_quota_move", { I, I, B }, "ret=NOMEM" },
    { TOY_EXTRA, quota_alloc, FAILURE_STEP_EXTRA, "toy_quota", "toy_quota_alloc", { I, B, B }, "toy_stock_alloc" },
    { TOY_EXTRA, quota_alloc, FAILURE_STEP_EXTRA, "toy_quota", "toy_quota_alloc", { I, S, B }, "toy_stock_alloc" },
    { TOY_MISSING, quota_alloc, FAILURE_STEP_MISSING, "toy_quota", "toy_quota_alloc", { I, I, B }, "toy_stock_alloc" },
    { TOY_RIGHT, free_twice, FAILURE_UNDEFINED, "toy_quota", "toy_quota_free", { I, I, B }, "has(s->toy_stock->owner, i)" },
    { TOY_RIGHT, free_twice, FAILURE_UNDEFINED, "toy_quota", "toy_quota_free", { S, S, S }, "get(s->toy_stock->owner, i).n == id.n" },
    { TOY_RIGHT, free_anothers, FAILURE_UNDEFINED, "toy_quota", "toy_quota_free", { I, I, B }, "called from  the test" },
    { TOY_RIGHT, quota_refill, FAILURE_INVARIANT, "toy_quota", "toy_quota_refill", { I, I, B }, "I1 at owner 3" },
    { TOY_RIGHT, quota_refill, FAILURE_INVARIANT, "toy_quota", "toy_quota_refill", { I, I, S }, "I1 at owner 3" },
    { TOY_SPEC_WITHOUT_PRE, quota_refill, FAILURE_SPEC, "toy_quota", "toy_quota_refill", { I, I, B }, "expected one PRE" },
    { TOY_SPEC_WITHOUT_PRE, quota_refill, FAILURE_SPEC, "toy_quota", "toy_quota_refill", { S, S, S }, "expected one PRE" },
};

static void name_place(const void *pc, char *text, size_t size) { snprintf(text, size, "the test, %s", pc ? "somewhere" : "nowhere"); }

static void demand(const struct provoked *p, const struct calculus_report *r)
{
    ck_assert_msg(r != NULL, "no report");
    ck_assert_msg(r->kind == p->kind, "expected %s, found: %s", calculus_failure_name(p->kind), r->text);
    ck_assert_str_eq(r->layer->name, p->layer);
    ck_assert_int_eq(r->prim == NULL, p->prim == NULL);
    if (p->prim)
        ck_assert_str_eq(r->prim->name, p->prim);
    ck_assert_msg(strstr(r->text, p->says) != NULL, "expected `%s' in: %s", p->says, r->text);
    ck_assert_msg(strstr(r->text, "\n  replay:      the command\n") != NULL, "no replay line: %s", r->text);
}

static void provoke(const struct provoked *p)
{
    struct ukern *m = machine(modes_of(p->modes[0], p->modes[1], p->modes[2]), 1);
    calculus_set_replay(m, "the command");
    calculus_set_resolver(m, name_place);
    toy_bug = p->bug == TOY_LOSES ? p->bug : TOY_RIGHT;
    init(NULL);
    toy_bug = p->bug;
    ck_assert(calculus_report(m) == NULL);
    ck_assert_msg(harness_breaks(p->step, m), "nothing failed");
    demand(p, calculus_report(m));
    ck_assert(machine_is_broken(m));
    /* the first line is the machine's error, all lines are in the log */
    ck_assert_uint_eq(strncmp(calculus_report(m)->text, m->error, strlen(m->error)), 0);
    ck_assert_uint_ge(line_count, 3);
    ck_assert_str_eq(lines[0], m->error);
    /* what is left can be called, and nothing is checked any more */
    toy_bug = TOY_RIGHT;
    cell_get(NULL);
    harness_free(m);
}

START_TEST(each_failure_is_named)
{
    for (uint32_t i = 0; i < COUNT_OF(provoked); i++)
        provoke(&provoked[i]);
}
END_TEST

START_TEST(the_right_code_fails_nowhere)
{
    for (uint32_t i = 0; i < COUNT_OF(provoked); i++) {
        const struct provoked *p = &provoked[i];
        struct ukern *m = machine(modes_of(p->modes[0], p->modes[1], p->modes[2]), 1);
        init(NULL);
        if (p->bug != TOY_RIGHT && p->bug != TOY_SPEC_WITHOUT_PRE)
            p->step(m);
        ck_assert_msg(!calculus_report(m), "%s", calculus_report(m) ? calculus_report(m)->text : "");
        ck_assert(calculus_check_all(m));
        harness_free(m);
    }
}
END_TEST

static void event_late(void *arg) { (void)arg, (void)toy_quota_move(id(1), id(2), ITEMS + 1); }

START_TEST(a_result_that_changes_after_the_event)
{
    /* the refusal is what the event says, too; only what is returned is another */
    struct ukern *m = machine(modes_of(I, I, B), 1);
    init(NULL);
    toy_bug = TOY_RETURNS_ANOTHER;
    ck_assert(harness_breaks(event_late, m));
    ck_assert_int_eq(calculus_report(m)->kind, FAILURE_EVENT_LATE);
    harness_free(m);
}
END_TEST

START_TEST(defined_answers_before_the_call)
{
    struct ukern *m = machine(modes_of(I, I, B), 1);
    struct toy_item i;
    init(NULL);
    const struct prim *free = NULL;
    for (const struct prim *const *p = toy_quota_layer.prims; *p; p++)
        if (strcmp((*p)->name, "toy_quota_free") == 0)
            free = *p;
    ck_assert(free != NULL);
    ck_ok(toy_quota_alloc(id(1), &i));
    struct toy_quota_free_args args = { id(1), i }, wrong = { id(2), i };
    struct toy_quota_free_ret ret;
    ck_assert(calculus_defined(m, free, &args));
    ck_assert(!calculus_defined(m, free, &wrong));
    free->call(&args, &ret);
    ck_assert(!calculus_defined(m, free, &args));
    char text[200];
    calculus_call_text(free, &args, NULL, text, sizeof text);
    ck_assert_str_eq(text, "toy_quota_free(id=1, i=29) ");
    harness_free(m);
}
END_TEST

START_TEST(the_hash_is_of_the_abstract_state)
{
    struct ukern *m = machine(modes_of(I, B, B), 1);
    struct toy_item a, b;
    init(NULL);
    uint64_t hash = calculus_hash(m);
    ck_assert_int_eq(toy_quota_move(id(3), id(1), 1), UKERN_NOMEM);
    ck_assert_uint_eq(calculus_hash(m), hash);
    ck_ok(toy_quota_two(id(1), &a, &b));
    ck_assert_uint_ne(calculus_hash(m), hash);
    toy_quota_free(id(1), a);
    toy_quota_free(id(1), b);
    ck_assert_uint_eq(calculus_hash(m), hash);
    harness_free(m);
}
END_TEST

START_TEST(a_spec_sees_the_state_before_the_call)
{
    struct ukern *m = machine(modes_of(I, I, B), 1);
    struct toy_item i;
    init(NULL);
    for (uint32_t n = 0; n < ITEMS; n++) /* the last one, too: before it there was one left */
        ck_ok(toy_quota_alloc(id(1), &i));
    ck_status(toy_quota_alloc(id(1), &i), UKERN_NOMEM);
    harness_free(m);
}
END_TEST

START_TEST(changes_of_one_key_are_taken_back_last_first)
{
    struct ukern *m = machine(modes_of(I, B, B), 1);
    struct toy_item a, b;
    uint32_t n;
    init(NULL);
    for (uint32_t i = 1; i < ITEMS; i++)
        ck_ok(toy_stock_alloc(id(2), &a, &n));
    uint64_t hash = calculus_hash(m);
    ck_status(toy_quota_two(id(1), &a, &b), UKERN_NOMEM); /* takes the last one, and gives it back */
    ck_assert_uint_eq(calculus_hash(m), hash);
    ck_assert_uint_eq(calculus_left(m), 0);
    harness_free(m);
}
END_TEST

/* ---- composition ---- */

START_TEST(siblings_that_do_not_compose_are_refused_with_both_names)
{
    static const struct layer rival = { .name = "rival", .index = 3, .over = 1, .closure = 9, .sees = 9 };
    static const struct layer *const with_rival[] = { &toy_cell_layer, &toy_stock_layer, &toy_quota_layer, &rival, NULL };
    static const struct tower conflict = { .layers = with_rival, .abs_size = 4096 };
    char text[160];
    ck_assert(calculus_conflict(&toy_hooks_tower, text, sizeof text) == NULL);
    ck_assert(calculus_conflict(&calculus_tower, text, sizeof text) == NULL);
    ck_assert_str_eq(calculus_conflict(&conflict, text, sizeof text),
                     "layers toy_stock and rival do not compose: both stand on toy_cell, and toy_stock hides it");
    struct ukern *m = harness_make(1 << 20);
    ck_status(calculus_start_tower(m, &conflict), UKERN_BADARG);
    ck_assert(strstr(m->error, "rival") != NULL);
    harness_free(m);
}
END_TEST

START_TEST(unknown_layers_and_modes_are_refused)
{
    static const struct { struct ukern_layer_mode mode; const char *says; } wrong[] = {
        { { "frame_tabel", UKERN_MODE_BOTH }, "did you mean `frame_table'?" },
        { { "mm/frame_table", UKERN_MODE_SPEC }, "did you mean `frame_table'?" },
        { { "", UKERN_MODE_IMPL }, "there is no layer `'" },
        { { NULL, UKERN_MODE_BOTH }, "expected a layer's name" },
        { { "all", (enum ukern_mode)7 }, "a mode impl, both or spec" },
    };
    for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
        struct ukern_params p = { .layers = &wrong[i].mode, .layer_count = 1 };
        struct ukern *m = NULL;
        ck_status(harness_boot(&p, 0, &m), UKERN_BADARG);
        ck_assert_msg(strstr(harness_error(), wrong[i].says) != NULL, "%s", harness_error());
    }
}
END_TEST

START_TEST(the_tables_say_what_the_headers_say)
{
    uint32_t prims = 0;
    for (const struct prim *const *p = toy_quota_layer.prims; *p; p++, prims++) {
        ck_assert_ptr_eq((*p)->layer, &toy_quota_layer);
        ck_assert_str_eq((*p)->header, "tests/core/toy/toy_quota.h");
    }
    ck_assert_uint_eq(prims, 6); /* not toy_quota_total, not toy_quota_peek */
    const struct prim *two = toy_quota_layer.prims[3];
    ck_assert_str_eq(two->name, "toy_quota_two");
    ck_assert(two->has_status && two->has_result);
    ck_assert_str_eq(two->args[0].name, "id");
    ck_assert_str_eq(two->args[0].type, "struct toy_owner");
    ck_assert_ptr_null(two->args[1].name);
    ck_assert_str_eq(two->ret[2].name, "ret_b");
    ck_assert_uint_eq(two->ret[2].at, 8);
    ck_assert(!toy_cell_layer.shared && toy_stock_layer.shared);
    ck_assert_uint_eq(toy_quota_layer.closure, 7);
    ck_assert_uint_eq(toy_quota_layer.sees, 6);
    ck_assert_uint_eq(toy_stock_layer.hides, 1);
    ck_assert_str_eq(toy_quota_layer.hidden_prims[2]->name, "toy_stock_free");
}
END_TEST

/* ---- the checker's memory ---- */

static void some(void *arg)
{
    (void)arg;
    (void)!toy_quota_init(ITEMS);
    play(400, 9);
}

START_TEST(every_refusal_of_memory_ends_the_machine_and_says_so)
{
    uint32_t n = 1;
    for (;; n++) {
        struct ukern *m = machine(modes_of(B, B, B), 1);
        calculus_fail_at(m, n);
        bool broke = harness_breaks(some, NULL);
        if (broke) {
            const struct calculus_report *r = calculus_report(m);
            ck_assert_int_eq(r->kind, FAILURE_EXHAUSTED);
            ck_assert_msg(strstr(r->text, "bytes were wanted") && strstr(r->text, "expected room"), "%s", r->text);
            ck_assert(machine_is_broken(m));
        } else
            ck_assert(!calculus_report(m));
        harness_free(m);
        if (!broke)
            break;
    }
    ck_assert_uint_ge(n, 12); /* maps, journals, what is taken back, inner calls: at least one each */
}
END_TEST

/* ---- several CPUs ---- */

static void *player(void *arg)
{
    struct cpu *cpu = arg;
    here = cpu;
    for (uint32_t i = 0; i < 20 && !machine_is_broken(cpu->m); i++) {
        struct toy_item a[4];
        struct harness_random r = { cpu->id * 100 + i };
        uint32_t me = cpu->id + 1, n = 0;
        for (uint32_t turn = 0; turn < harness_rounds(300); turn++) {
            if (harness_below(&r, 3) == 0)
                (void)toy_quota_move(id(1 + (uint32_t)harness_below(&r, 3)), id(me), (uint32_t)harness_below(&r, 4));
            else if (n < 4 && toy_quota_alloc(id(me), &a[n]) == UKERN_OK)
                n++;
            else if (n)
                toy_quota_free(id(me), a[--n]);
        }
        while (n)
            toy_quota_free(id(me), a[--n]);
    }
    here = NULL;
    return NULL;
}

static void two_cpus(const uint8_t *mode)
{
    struct ukern *m = machine(modes_of(mode[0], mode[1], mode[2]), 3);
    m->params.check_every = 500;
    init(NULL);
    pthread_t thread[2];
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, player, &m->cpu[i]), 0);
    here = &m->cpu[2];
    for (uint32_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    ck_assert_msg(!calculus_report(m), "%s", calculus_report(m) ? calculus_report(m)->text : "");
    ck_assert(calculus_check_all(m));
    for (uint32_t i = 1; i < TOY_OWNERS; i++) /* everything came back */
        (void)toy_quota_move(id(i), id(1), 0);
    harness_free(m);
}

START_TEST(two_cpus_at_once)
{
    static const uint8_t modes[][TOYS] = { { I, B, B }, { B, B, B }, { I, I, B }, { S, S, B }, { I, B, S }, { S, S, S }, { I, S, I }, { I, B, I } };
    for (uint32_t i = 0; i < COUNT_OF(modes); i++)
        two_cpus(modes[i]);
}
END_TEST

static void until_broken(void *arg)
{
    struct toy_item i;
    (void)arg;
    while (!machine_is_broken(here->m))
        if (toy_quota_move(id(1), id(here->id + 1), 1) == UKERN_OK && toy_quota_alloc(id(here->id + 1), &i) == UKERN_OK)
            toy_quota_free(id(here->id + 1), i);
}

static void *breaker(void *cpu)
{
    here = cpu;
    return harness_breaks(until_broken, NULL) ? cpu : NULL;
}

START_TEST(when_one_cpu_fails_the_others_end)
{
    static const uint8_t modes[][TOYS] = { { I, I, B }, { B, B, B }, { S, S, B } };
    for (uint32_t i = 0; i < COUNT_OF(modes); i++) {
        struct ukern *m = machine(modes_of(modes[i][0], modes[i][1], modes[i][2]), 3);
        init(NULL);
        toy_bug = TOY_FORGETS;
        pthread_t thread[2];
        void *broke[2];
        for (uint32_t k = 0; k < 2; k++)
            ck_assert_int_eq(pthread_create(&thread[k], NULL, breaker, &m->cpu[k]), 0);
        for (uint32_t k = 0; k < 2; k++)
            pthread_join(thread[k], &broke[k]);
        here = &m->cpu[2];
        ck_assert(broke[0] || broke[1]);
        ck_assert_int_eq(calculus_report(m)->kind, FAILURE_RELATION);
        ck_assert_str_eq(lines[0], m->error);
        ck_assert_uint_eq(toy_cell_ticks(), 0); /* what is left can be looked at */
        harness_free(m);
    }
}
END_TEST

static void *ticker(void *arg)
{
    here = arg;
    uint32_t last = 0;
    for (uint32_t i = 0; i < harness_rounds(20000); i++) {
        toy_cell_tick();
        uint32_t now = toy_cell_ticks();
        if (now <= last)
            abort();
        last = now;
    }
    here = NULL;
    return NULL;
}

START_TEST(steps_without_lock_are_at_their_instruction)
{
    static const uint8_t modes[] = { B, S, I };
    for (uint32_t i = 0; i < COUNT_OF(modes); i++) {
        struct ukern *m = machine(modes_of(modes[i], I, B), 3);
        init(NULL);
        pthread_t thread[2];
        for (uint32_t k = 0; k < 2; k++)
            ck_assert_int_eq(pthread_create(&thread[k], NULL, ticker, &m->cpu[k]), 0);
        for (uint32_t k = 0; k < 2; k++)
            pthread_join(thread[k], NULL);
        here = &m->cpu[2];
        ck_assert_msg(!calculus_report(m), "%s", calculus_report(m) ? calculus_report(m)->text : "");
        ck_assert_uint_eq(toy_cell_ticks(), 2 * harness_rounds(20000));
        harness_free(m);
    }
}
END_TEST

static pthread_t other;
static _Atomic bool has_looked;

static void *looks(void *cpu)
{
    here = cpu;
    if (toy_cell_ticks() == 1)
        atomic_store(&has_looked, true);
    here = NULL;
    return NULL;
}

static void another_looks(void)
{
    ck_assert_int_eq(pthread_create(&other, NULL, looks, &here->m->cpu[1]), 0);
    nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
    ck_assert(!atomic_load(&has_looked));
}

START_TEST(nobody_looks_between_an_instruction_and_its_step)
{
    struct ukern *m = machine(modes_of(B, I, B), 2);
    init(NULL);
    toy_between = another_looks;
    toy_cell_tick();
    toy_between = NULL;
    pthread_join(other, NULL);
    ck_assert(atomic_load(&has_looked)); /* when both had happened */
    ck_assert_msg(!calculus_report(m), "%s", calculus_report(m) ? calculus_report(m)->text : "");
    harness_free(m);
}
END_TEST

static void other_cpu_takes_one(void)
{
    struct ukern *m = here->m;
    struct toy_item i;
    uint32_t n;
    here = &m->cpu[1];
    (void)!toy_stock_alloc(id(5), &i, &n); /* the one that has just come back */
    here = &m->cpu[0];
}

START_TEST(a_caller_is_not_blamed_for_what_another_cpu_did)
{
    struct ukern *m = machine(modes_of(I, I, B), 2);
    struct toy_item i;
    init(NULL);
    ck_ok(toy_quota_alloc(id(1), &i));
    toy_between = other_cpu_takes_one;
    toy_quota_free(id(1), i);
    toy_between = NULL;
    ck_assert_msg(!calculus_report(m), "%s", calculus_report(m) ? calculus_report(m)->text : "");
    ck_assert_uint_eq(calculus_left(m), 1); /* its change was not taken back: the other's is there */
    ck_assert_uint_eq(toy_stock_owner(i).n, 5);
    harness_free(m);
}
END_TEST

/* ---- kernel threads of one CPU ---- */

START_TEST(a_crossing_belongs_to_its_kernel_thread)
{
    struct ukern *m = machine(modes_of(I, B, B), 1);
    struct crossings *one, *two;
    struct toy_item i;
    ck_assert(calculus_crossings(m, &one) && calculus_crossings(m, &two) && one && two && one != two);
    init(NULL);
    calculus_switch(here, one);
    /* a call that is open while its thread has no CPU: what others do meanwhile is no step of its */
    struct toy_quota_move_args args = { id(1), id(2), 3 };
    struct toy_quota_move_ret ret;
    struct crossing open;
    ck_assert(calculus_in(&open, toy_quota_layer.prims[1], &args, &ret, NULL));
    calculus_switch(here, two);
    ck_ok(toy_quota_alloc(id(1), &i));
    ck_assert(!calculus_check_all(m)); /* somebody is inside */
    toy_quota_free(id(1), i);
    calculus_switch(here, one);
    ck_assert_ptr_eq(here->crossings->top, &open);
    ck_assert_uint_eq(here->journal->n, 0);
    open.plain = true; /* the call is forgotten */
    here->crossings->top = NULL;
    calculus_switch(here, NULL);
    ck_assert_ptr_eq(here->crossings, here->idle_crossings);
    harness_free(m);
}
END_TEST

/* ---- one layer of the real tower ---- */

static void undefined_frame(void *arg) { (void)frame_table_get(*(struct frame_id *)arg); }

START_TEST(the_real_tower_boots_in_every_mode)
{
    for (enum ukern_mode mode = UKERN_MODE_IMPL; mode <= UKERN_MODE_SPEC; mode++) {
        struct ukern_layer_mode all = { "all", mode };
        struct ukern_params p = { .layers = &all, .layer_count = 1, .check_every = 100 };
        struct frame_id beyond = { 1 << 20 };
        struct ukern *m;
        ck_ok(harness_boot(&p, 0, &m));
        ck_assert(calculus_check_all(m));
        ck_assert_int_eq(calculus_counts(m, &frame_table_layer).code == 0, mode != UKERN_MODE_BOTH);
        if (mode != UKERN_MODE_IMPL) {
            ck_assert(harness_breaks(undefined_frame, &beyond));
            ck_assert_int_eq(calculus_report(m)->kind, FAILURE_UNDEFINED);
        }
        harness_free(m);
    }
}
END_TEST

HARNESS_TESTS("calculus", every_assignment_of_modes_gives_the_same_trace, what_a_checked_layer_sees_is_shadowed, each_failure_is_named,
              the_right_code_fails_nowhere, a_result_that_changes_after_the_event, defined_answers_before_the_call,
              the_hash_is_of_the_abstract_state, a_spec_sees_the_state_before_the_call,
              changes_of_one_key_are_taken_back_last_first, siblings_that_do_not_compose_are_refused_with_both_names,
              unknown_layers_and_modes_are_refused, the_tables_say_what_the_headers_say,
              every_refusal_of_memory_ends_the_machine_and_says_so, two_cpus_at_once,
              when_one_cpu_fails_the_others_end,
              nobody_looks_between_an_instruction_and_its_step, steps_without_lock_are_at_their_instruction,
              a_caller_is_not_blamed_for_what_another_cpu_did, a_crossing_belongs_to_its_kernel_thread,
              the_real_tower_boots_in_every_mode)
