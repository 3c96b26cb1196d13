/* SPDX-License-Identifier: BSD-2-Clause */
/* calculus: the boundary: which of a layer's code and spec runs, and how a call joins its caller's records. */
#include "core/calculus_inside.h"

/* ---- the records of the caller ---- */

/* Whether somebody from `out` on outwards does not see this layer, and so has to account for its lower steps. */
static bool is_hidden(const struct layer *l, const struct crossing *out)
{
    for (; out; out = out->up)
        if (!calculus_sees(out->prim->layer, l))
            return true;
    return false;
}

/* The call becomes a lower step that the caller's spec will account for. */
static void note_inner(struct calculus *c, struct crossings *s, const struct crossing *x)
{
    if (!is_hidden(x->prim->layer, x->up->up))
        s->inner.n = x->inner;
    size_t below = s->inner.n - x->inner;
    (void)LIST_ADD(&c->maths.heap, &s->inner);
    struct inner *r = &s->inner.at[x->inner];
    memmove(r + 1, r, below * sizeof *r);
    r->prim = x->prim;
    r->taken = false;
    r->below = (uint32_t)below;
    r->from = x->changes;
    r->to = s->journal.n;
    memcpy(r->args, x->args, x->prim->args_size);
    memcpy(r->ret, x->ret, x->prim->ret_size);
}

/* The step and its own move to place n of the caller's, their changes to `changes`. */
static void hand_up_one(struct crossings *s, size_t i, size_t n, size_t changes)
{
    struct inner *r = &s->inner.at[n];
    size_t count = 1 + s->inner.at[i].below, from = s->inner.at[i].from, length = s->inner.at[i].to - from;
    memmove(r, &s->inner.at[i], count * sizeof *r);
    if (length)
        memmove(&s->journal.at[changes], &s->journal.at[from], length * sizeof *s->journal.at);
    for (size_t k = 0; k < count; k++) {
        r[k].taken = false;
        r[k].to = r[k].to - r[k].from;
        r[k].from = r[k].from >= from ? r[k].from - from + changes : changes;
        r[k].to += r[k].from;
    }
}

/* The caller does not see this layer: what it changed is not the caller's business, but lower steps of layers that the
 * caller does see are handed up as if it had made them, whoever of those that it does not see made them. */
static void hand_up(struct crossings *s, const struct crossing *x, const struct layer *to)
{
    size_t n = x->inner, changes = x->changes;
    for (size_t i = x->inner, next; i < s->inner.n; i = next) {
        bool seen = calculus_sees(to, s->inner.at[i].prim->layer);
        size_t count = 1 + s->inner.at[i].below, length = s->inner.at[i].to - s->inner.at[i].from;
        next = i + (seen ? count : 1);
        if (!seen)
            continue;
        hand_up_one(s, i, n, changes);
        n += count;
        changes += length;
    }
    s->inner.n = n;
    s->journal.n = changes;
}

/* ---- in ---- */

/* R, an invariant, or what is left of a broken machine: nothing is checked. */
static bool pass(struct calculus *c, struct crossings *s, const struct prim *p, const void *args, void *ret)
{
    if (calculus_mode_in(c, p->layer) != MODE_SPEC)
        return true;
    bool locks = !s->world;
    if (locks)
        calculus_world_take(c, p->layer);
    (void)p->spec(c->abs, args, NULL, ret);
    if (locks)
        calculus_world_give(c, p->layer);
    return false;
}

/* A thread that is no CPU only looks (ukern_stats): it has no records of its own. */
static bool look(struct calculus *c, struct cpu *asker, const struct prim *p, const void *args, void *ret)
{
    struct crossings s = { .relating = true };
    if (calculus_mode_in(c, p->layer) != MODE_SPEC)
        return true;
    asker->crossings = &s;
    asker->journal = &s.journal;
    (void)pass(c, &s, p, args, ret);
    asker->crossings = NULL;
    asker->journal = NULL;
    return false;
}

/* A spec calls code that nobody checks: for the time of the call it is as if code had called. */
static void plain_from_spec(struct calculus *c, struct crossing *x, struct crossing *up)
{
    calculus_world_give(c, up->prim->layer);
    up->phase = PHASE_CODE;
    x->from_spec = true;
    x->up = up;
}

static void open(struct crossings *s, struct crossing *x, const struct prim *p, enum mode mode)
{
    x->prim = p;
    x->up = s->top;
    x->mode = mode;
    x->phase = PHASE_CODE;
    x->plain = x->stepped = false;
    x->changes = s->journal.n;
    x->inner = s->inner.n;
    x->refused = here->refused;
    s->top = x;
}

/* out, or in when there is no code */
static void leave(struct calculus *c, struct crossings *s, struct crossing *x)
{
    struct crossing *up = s->top = x->up;
    if (!up) {
        s->journal.n = s->inner.n = 0;
        calculus_leave(c);
    } else if (up->phase == PHASE_INSTEAD) {
        if (is_hidden(up->prim->layer, up->up))
            note_inner(c, s, x);
        else
            s->inner.n = x->inner;
        calculus_world_take(c, up->prim->layer); /* back into the spec that called */
    } else if (calculus_sees(up->prim->layer, x->prim->layer))
        note_inner(c, s, x);
    else
        hand_up(s, x, up->prim->layer);
}

static bool cross(struct calculus *c, struct crossings *s, struct crossing *x, const struct prim *p)
{
    struct crossing *up = s->top;
    enum mode mode = calculus_mode_in(c, p->layer);
    if (up && up->phase == PHASE_BESIDE)
        return calculus_take(up, p, x->args, x->ret), false;
    if (up && up->phase == PHASE_ASK) {
        s->why = p->name;
        calculus_fail(up, up->prim->layer, FAILURE_SPEC, NULL);
    }
    if (mode == MODE_IMPL) {
        calculus_bump(c, &c->of[p->layer->index].code);
        if (up && up->phase == PHASE_INSTEAD)
            plain_from_spec(c, x, up);
        return true;
    }
    if (!up)
        calculus_enter(c);
    else if (up->phase == PHASE_INSTEAD)
        calculus_world_give(c, up->prim->layer); /* the lower primitive has critical sections of its own */
    open(s, x, p, mode);
    if (mode == MODE_SPEC) {
        calculus_instead(x);
        leave(c, s, x);
        return false;
    }
    calculus_ask(x);
    calculus_bump(c, &c->of[p->layer->index].code);
    return true;
}

bool calculus_in(struct crossing *x, const struct prim *p, const void *args, void *ret, const void *caller)
{
    struct cpu *cpu = here;
    struct calculus *c = cpu ? cpu->m->calculus : NULL;
    x->plain = true;
    x->from_spec = false;
    if (!c)
        return true; /* every layer is in impl */
    struct crossings *s = cpu->crossings;
    if (unlikely(!s))
        return look(c, cpu, p, args, ret);
    if (unlikely(s->relating || calculus_failed(c)))
        return pass(c, s, p, args, ret);
    x->args = args;
    x->ret = ret;
    x->caller = caller;
    return cross(c, s, x, p);
}

/* ---- events ---- */

static bool rank_held(const struct cpu *cpu, uint32_t rank)
{
    for (uint32_t i = 0; i < cpu->held_count; i++)
        if (cpu->held[i] == rank)
            return true;
    return false;
}

/* The event's value has the type of its expression, which may be wider or narrower than the primitive's. */
static void say(struct crossing *x, const void *result, size_t size)
{
    const struct field *f = x->prim->ret;
    if (!result || !x->prim->has_result)
        return;
    memset((char *)x->ret + f->at, 0, f->size);
    memcpy((char *)x->ret + f->at, result, size < f->size ? size : f->size);
}

void calculus_event(const struct layer *of, const void *result, size_t size, bool owned)
{
    struct cpu *cpu = here;
    struct calculus *c = cpu ? cpu->m->calculus : NULL;
    struct crossings *s = c ? cpu->crossings : NULL;
    if (!cpu || (s && (s->relating || calculus_failed(c))))
        return;
    if (!s || !s->atomic) /* else it was taken before */
        engine_point(POINT_EVENT, of ? of->rank : 0, 0);
    struct crossing *x = s ? s->top : NULL;
    if (!x || x->prim->layer != of || x->phase != PHASE_CODE)
        return; /* this layer's call is not checked, whatever is open above it */
    say(x, result, size);
    if (x->stepped)
        calculus_fail(x, of, FAILURE_EVENT_TWICE, NULL);
    if (of->shared && !owned && !rank_held(cpu, of->rank))
        calculus_fail(x, of, FAILURE_EVENT_UNLOCKED, NULL);
    memcpy(x->said, x->ret, x->prim->ret_size);
    calculus_beside(x);
}

/* The crossing whose code runs now, when it is this layer's and is checked. */
static struct crossings *checked(const struct layer *of)
{
    struct cpu *cpu = here;
    struct calculus *c = cpu ? cpu->m->calculus : NULL;
    struct crossings *s = c ? cpu->crossings : NULL;
    if (!s || s->relating || calculus_failed(c) || !s->top || s->top->prim->layer != of || s->top->phase != PHASE_CODE)
        return NULL;
    return s;
}

void calculus_atomic_begin(const struct layer *of)
{
    struct crossings *s = checked(of);
    engine_point(POINT_EVENT, of ? of->rank : 0, 0);
    if (!s || s->atomic)
        return; /* a lower one: the upper one's locks are enough */
#ifndef UKERN_BUG_CALC_ATOMIC_OPEN
    calculus_world_take(here->m->calculus, of);
    s->atomic = of;
#endif
}

void calculus_atomic_end(const struct layer *of)
{
    struct crossings *s = checked(of);
    if (!s || s->atomic != of)
        return;
    s->atomic = NULL;
    calculus_world_give(here->m->calculus, of);
}

/* ---- out ---- */

static bool own_changed(const struct calculus *c, const struct crossings *s, const struct crossing *x)
{
    const struct layer *l = x->prim->layer;
    const char *own = (const char *)c->abs + l->abs_at;
    for (size_t i = x->changes; i < s->journal.n; i++) {
        const char *map = (const char *)s->journal.at[i].map;
        if (map >= own && map < own + l->abs_size)
            return true;
    }
    return false;
}

void calculus_out(struct crossing *x)
{
    if (x->plain && !x->from_spec)
        return;
    struct calculus *c = here->m->calculus;
    struct crossings *s = here->crossings;
    if (x->plain) {
        x->up->phase = PHASE_INSTEAD;
        calculus_world_take(c, x->up->prim->layer);
        return;
    }
    const struct layer *l = x->prim->layer;
    if (x->stepped && !calculus_same(x->prim->ret, x->said, x->ret))
        calculus_fail(x, l, FAILURE_EVENT_LATE, x->said);
    if (!x->stepped) {
        calculus_beside(x);
        if (l->shared && own_changed(c, s, x))
            calculus_fail(x, l, FAILURE_EVENT_MISSING, NULL);
    }
    leave(c, s, x);
}
