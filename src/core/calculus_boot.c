/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus_boot: modes, conflicts, memory; and what others may ask. */
#include "core/calculus_inside.h"
#include <stdio.h>

/* ---- horizontal composition ---- */

/* Whether x may stand on what h hides: h itself, and what h stands on. */
static bool is_below(const struct layer *x, const struct layer *h) { return h->closure >> x->index & 1; }

const char *calculus_conflict(const struct tower *t, char *text, size_t size)
{
    for (const struct layer *const *h = t->layers; *h; h++)
        for (const struct layer *const *x = t->layers; *x; x++) {
            uint64_t both = (*h)->hides & (*x)->over;
            if (!both || is_below(*x, *h))
                continue;
            snprintf(text, size, "layers %s and %s do not compose: both stand on %s, and %s hides it", (*h)->name, (*x)->name,
                     t->layers[__builtin_ctzll(both)]->name, (*h)->name);
            return text;
        }
    return NULL;
}

/* ---- modes ---- */

static uint32_t distance(const char *a, const char *b) /* Levenshtein, of names */
{
    enum { LONGEST = 40 };
    uint32_t row[LONGEST + 1];
    size_t n = strnlen(b, LONGEST);
    for (uint32_t j = 0; j <= n; j++)
        row[j] = j;
    for (uint32_t i = 1; *a && i < LONGEST; a++, i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            uint32_t replaced = diagonal + (*a != b[j - 1]);
            uint32_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = replaced < best ? replaced : best;
        }
    }
    return row[n];
}

static const struct layer *nearest(const struct tower *t, const char *name, bool *ret_exact)
{
    const struct layer *best = t->layers[0];
    for (const struct layer *const *l = t->layers; *l; l++)
        if (distance(name, (*l)->name) < distance(name, best->name))
            best = *l;
    *ret_exact = best && strcmp(best->name, name) == 0;
    return best;
}

static enum ukern_status set_mode(struct ukern *m, const struct tower *t, const struct ukern_layer_mode *given, uint8_t *modes)
{
    static const enum mode inside[] = { [UKERN_MODE_IMPL] = MODE_IMPL, [UKERN_MODE_BOTH] = MODE_BOTH, [UKERN_MODE_SPEC] = MODE_SPEC };
    bool all = given->layer && strcmp(given->layer, "all") == 0, exact = false;
    if (!given->layer || (unsigned)given->mode >= COUNT_OF(inside))
        return machine_fail(m, UKERN_BADARG, "params.layers: expected a layer's name, and a mode impl, both or spec");
    const struct layer *l = all ? NULL : nearest(t, given->layer, &exact);
    if (!all && !exact)
        return machine_fail(m, UKERN_BADARG, "params.layers: there is no layer `%.40s' with a specification; did you mean `%s'?",
                            given->layer, l ? l->name : "all");
    for (const struct layer *const *each = t->layers; *each; each++)
        if (all || *each == l)
            modes[(*each)->index] = (uint8_t)inside[given->mode];
    return UKERN_OK;
}

/* What a checked layer's spec sees must be true: there the spec runs beside the code. */
static void promote(const struct tower *t, uint32_t n, uint8_t *modes)
{
    while (n-- > 0)
        for (uint32_t below = 0; below < n && modes[n] != MODE_IMPL; below++)
            if (calculus_sees(t->layers[n], t->layers[below]) && modes[below] == MODE_IMPL)
                modes[below] = MODE_SHADOW;
}

/* ---- memory ---- */

enum { HEAP_LEAST = 64 << 20, HEAP_PER_FRAME = 4096 };

static size_t heap_bytes(const struct ukern_params *p) { return HEAP_LEAST + (size_t)(p->ram >> FRAME_SHIFT) * HEAP_PER_FRAME; }

static bool all_impl(const struct ukern_params *p)
{
    for (size_t i = 0; i < p->layer_count; i++)
        if (p->layers[i].mode != UKERN_MODE_IMPL)
            return false;
    return true;
}

size_t calculus_bytes(const struct ukern_params *p)
{
    if (all_impl(p))
        return 0;
    return heap_bytes(p) + (1 << 20) + (p->cpus + (size_t)p->max_tasks) * (sizeof(struct crossings) + 128);
}

static void __attribute__((noreturn)) calculus_full(struct check_heap *h, size_t wanted)
{
    struct crossings *s = here->crossings;
    struct calculus *c = here->m->calculus;
    (void)h;
    snprintf(s->differs, sizeof s->differs, "%zu bytes were wanted, there was no room", wanted);
    calculus_fail(s->top, s->top ? s->top->prim->layer : c->tower->layers[0], FAILURE_EXHAUSTED, NULL);
}

static enum ukern_status take_memory(struct ukern *m, struct calculus *c)
{
    struct arena *a = &m->arena;
    c->abs = arena_take(a, c->tower->abs_size, 64);
    c->inside = arena_array(a, _Atomic uint32_t, m->cpus);
    if (!c->abs || !c->inside || check_heap_make(&c->maths.heap, a, heap_bytes(&m->params), c->threads, calculus_full) != UKERN_OK)
        return UKERN_NOMEM;
    for (uint32_t i = 0; i < m->cpus; i++) {
        struct cpu *cpu = &m->cpu[i];
        if (!calculus_crossings(m, &cpu->idle_crossings))
            return UKERN_NOMEM;
        calculus_switch(cpu, NULL);
    }
    return UKERN_OK;
}

/* ---- start ---- */

static void begin(struct ukern *m, struct calculus *c, const uint8_t *modes)
{
    m->maths = &c->maths;
    c->maths.last = &c->maths.first;
    for (uint32_t i = 0; i < c->layers; i++) {
        const struct layer *l = c->tower->layers[i];
        c->of[i].mode = (enum mode)modes[i];
        lock_init(&c->of[i].instead, l->rank);
        l->abs_init(c->abs);
    }
}

enum ukern_status calculus_start_tower(struct ukern *m, const struct tower *t)
{
    uint8_t modes[TOWER_LAYERS] = { 0 };
    char text[160];
    if (calculus_conflict(t, text, sizeof text))
        return machine_fail(m, UKERN_BADARG, "%s", text);
    enum ukern_status st = UKERN_OK;
    for (size_t i = 0; st == UKERN_OK && i < m->params.layer_count; i++)
        st = set_mode(m, t, &m->params.layers[i], modes);
    if (st != UKERN_OK || all_impl(&m->params))
        return st;
    struct calculus *c = arena_array(&m->arena, struct calculus, 1);
    if (!c)
        return machine_fail(m, UKERN_NOMEM, "the machine's arena is full: no room for the layer calculus");
    c->tower = t;
    c->threads = m->cpus > 1 && m->params.engine == UKERN_SMP;
    while (t->layers[c->layers])
        c->layers++;
    promote(t, c->layers, modes);
    m->calculus = c;
    st = take_memory(m, c);
    if (st != UKERN_OK) {
        m->calculus = NULL;
        return machine_fail(m, st, "the machine's arena is full: no room for the abstract state of %u layers", c->layers);
    }
    begin(m, c, modes);
    return UKERN_OK;
}

enum ukern_status calculus_start(struct ukern *m) { return calculus_start_tower(m, &calculus_tower); }

/* ---- kernel threads ---- */

bool calculus_crossings(struct ukern *m, struct crossings **ret_crossings)
{
    *ret_crossings = m->calculus ? arena_array(&m->arena, struct crossings, 1) : NULL;
    return !m->calculus || *ret_crossings;
}

void calculus_switch(struct cpu *c, struct crossings *to)
{
    c->crossings = to ? to : c->idle_crossings;
    c->journal = c->crossings ? &c->crossings->journal : NULL;
}

/* ---- questions ---- */

enum mode calculus_mode(const struct ukern *m, const struct layer *l)
{
    return m->calculus ? calculus_mode_in(m->calculus, l) : MODE_IMPL;
}

struct calculus_counts calculus_counts(const struct ukern *m, const struct layer *l)
{
    const struct calculus *c = m->calculus;
    if (!c || l->index >= c->layers || c->tower->layers[l->index] != l)
        return (struct calculus_counts){ 0 };
    const struct component *k = &c->of[l->index];
    return (struct calculus_counts){ .code = atomic_load(&k->code), .spec = atomic_load(&k->spec) };
}

uint64_t calculus_steps(const struct ukern *m) { return m->calculus ? atomic_load(&m->calculus->steps) : 0; }
uint64_t calculus_left(const struct ukern *m) { return m->calculus ? atomic_load(&m->calculus->left) : 0; }

uint64_t calculus_hash_but(const struct ukern *m, const char *const *names)
{
    uint64_t hash = 0;
    for (const struct map *map = m->calculus ? m->calculus->maths.first : NULL; map; map = map->next) {
        const char *const *name = names;
        while (name && *name && strcmp(*name, map->name) != 0)
            name++;
        if (!name || !*name)
            hash = hash * UINT64_C(0x100000001b3) + map_hash(map);
    }
    return hash;
}

uint64_t calculus_hash(const struct ukern *m) { return calculus_hash_but(m, NULL); }

bool calculus_defined(struct ukern *m, const struct prim *p, const void *args)
{
    struct calculus *c = m->calculus;
    struct crossings *s = here->crossings;
    unsigned char ret[HOOK_RECORD];
    if (!c || calculus_mode_in(c, p->layer) == MODE_IMPL)
        return true;
    struct crossing x = { .prim = p, .args = args, .ret = ret, .up = s->top, .phase = PHASE_ASK, .changes = s->journal.n };
    s->top = &x;
    calculus_world_take(c, p->layer);
    enum verdict v = p->spec(c->abs, args, NULL, ret);
    calculus_world_give(c, p->layer);
    s->top = x.up;
    s->why = NULL;
    return v != UNDEFINED;
}

void calculus_set_replay(struct ukern *m, const char *command)
{
    if (m->calculus)
        snprintf(m->calculus->replay, sizeof m->calculus->replay, "%s", command);
}

void calculus_set_resolver(struct ukern *m, void (*where)(const void *pc, char *text, size_t size))
{
    if (m->calculus)
        m->calculus->where = where;
}

void calculus_fail_at(struct ukern *m, uint64_t n)
{
    struct check_heap *h = m->calculus ? &m->calculus->maths.heap : NULL;
    if (h)
        h->fail_at = n ? h->takes + n : 0;
}
